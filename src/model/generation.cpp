// Prompts stand in slots, one a sequence of the cache. Each step is one forward pass over what
// every slot has to read: a whole prompt, or the token that was chosen last. A finished prompt
// hands its slot to the next one; once none is left the empty slots are taken out.
#include "distill/model/generation.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/signals.h"
#include "distill/model/sequence_cache.h"
#include "model/sampling.h"

namespace distill {
namespace {

using OnAnswer = std::function<void(size_t, const std::vector<int64_t>&)>;

/// Whether an answer of `count` ids ends with `id`.
bool ends(const SamplingOptions& options, int64_t id, size_t count) {
  const auto& stops = options.stop_ids;
  return std::find(stops.begin(), stops.end(), id) != stops.end() ||
         static_cast<int64_t>(count) == options.max_new_tokens;
}

struct Slot {
  size_t prompt = 0;
  std::vector<int64_t> ids;  // prompt and answer
  int64_t pending = 0;       // how many at the end of ids the model has not read
  Random random{0};

  bool idle() const { return pending == 0; }
};

class Generator {
 public:
  Generator(const Transformer& model, const std::vector<std::vector<int64_t>>& prompts,
            const SamplingOptions& options, int64_t batch_size, const OnAnswer& on_answer,
            const Answers& known)
      : model_(model),
        prompts_(prompts),
        options_(options),
        on_answer_(on_answer),
        known_(known),
        head_(model.head()),
        cache_(model.config(), model.dtype(), model.device()),
        slots_(std::min(static_cast<size_t>(batch_size), prompts.size())),
        answers_(prompts.size()) {
    cache_.add(static_cast<int64_t>(slots_.size()));
    for (size_t n = 0; n < slots_.size(); ++n) admit(n);
  }

  Answers run() {
    const at::NoGradGuard no_gradient;
    while (!slots_.empty()) {
      throw_if_stopped();
      step();
      remove_idle();
    }
    return std::move(answers_);
  }

 private:
  /// Puts the next prompt into slot n.
  void admit(size_t n) {
    slots_[n] = {};
    if (next_ == prompts_.size()) return;
    cache_.clear(static_cast<int64_t>(n));
    slots_[n].prompt = next_;
    slots_[n].ids = prompts_[next_];
    slots_[n].pending = static_cast<int64_t>(prompts_[next_].size());
    slots_[n].random = Random(derive_seed(options_.seed, "generate", next_));
    ++next_;
  }

  Batch make_step_batch() const {
    Batch batch;
    std::vector<int64_t> tokens, positions;
    batch.bounds.push_back(0);
    for (const Slot& slot : slots_) {
      const auto size = static_cast<int64_t>(slot.ids.size());
      for (int64_t i = size - slot.pending; i < size; ++i) {
        tokens.push_back(slot.ids[static_cast<size_t>(i)]);
        positions.push_back(i);
      }
      batch.bounds.push_back(static_cast<int32_t>(tokens.size()));
      batch.max_length = std::max(batch.max_length, static_cast<int32_t>(slot.pending));
    }
    batch.tokens = at::tensor(tokens, at::kLong);
    batch.positions = at::tensor(positions, at::kLong);
    batch.cu_seqlens = at::tensor(batch.bounds, at::kInt);
    return model_.device().is_cpu() ? batch : batch.to(model_.device());
  }

  /// The answer that slot n has to give, or null where the model has to find it.
  const std::vector<int64_t>* known(size_t n) const {
    if (known_.empty() || known_[slots_[n].prompt].empty()) return nullptr;
    return &known_[slots_[n].prompt];
  }

  void step() {
    const Batch batch = make_step_batch();
    std::vector<size_t> active, open;  // open: their next ids are not known
    std::vector<int64_t> last_rows, open_rows;
    for (size_t n = 0; n < slots_.size(); ++n) {
      if (slots_[n].idle()) continue;
      if (known(n) == nullptr) {
        open.push_back(n);
        open_rows.push_back(static_cast<int64_t>(active.size()));
      }
      active.push_back(n);
      last_rows.push_back(batch.bounds[n + 1] - 1);
    }
    std::vector<int64_t> chosen;
    if (open.empty()) {
      cache_.begin(batch);  // its tables grow as they would
      cache_.end();
    } else {
      at::Tensor logits = logits_of(batch, last_rows);
      if (open.size() < active.size()) logits = logits.index_select(0, on_device(open_rows));
      chosen = choose(logits, open);
    }
    size_t next = 0;
    for (const size_t n : active) {
      const std::vector<int64_t>* answer = known(n);
      accept(n, answer ? (*answer)[answers_[slots_[n].prompt].size()] : chosen[next++]);
    }
  }

  /// [rows, V], of these rows of the batch.
  at::Tensor logits_of(const Batch& batch, const std::vector<int64_t>& rows) {
    ForwardOptions forward;
    forward.cache = &cache_;
    const at::Tensor hidden = model_.forward(batch, forward).hidden;
    return head_.logits(hidden.index_select(0, on_device(rows)));
  }

  at::Tensor on_device(const std::vector<int64_t>& values) const {
    return at::tensor(values, at::kLong).to(model_.device());
  }

  /// logits [slots, V] -> an id each.
  std::vector<int64_t> choose(const at::Tensor& logits, const std::vector<size_t>& slots) {
    if (options_.temperature == 0.0 && options_.repetition_penalty == 1.0) return best_of(logits);
    std::vector<int64_t> chosen(slots.size());
    const at::Tensor host = logits.to(at::kCPU, at::kFloat).contiguous();
    const auto vocabulary = static_cast<size_t>(host.size(1));
    const std::span<float> all(host.mutable_data_ptr<float>(), slots.size() * vocabulary);
    at::parallel_for(0, static_cast<int64_t>(slots.size()), 1, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        Slot& slot = slots_[slots[i]];
        const std::span<float> row = all.subspan(i * vocabulary, vocabulary);
        if (options_.repetition_penalty != 1.0) {
          penalise_repetition(row, slot.ids, options_.repetition_penalty);
        }
        chosen[i] = choose_token(row, options_, slot.random);
      }
    });
    return chosen;
  }

  /// Only the winners leave the device.
  static std::vector<int64_t> best_of(const at::Tensor& logits) {
    const auto [values, indices] = logits.max(-1);
    const at::Tensor best = values.to(at::kCPU), ids = indices.to(at::kCPU);
    if (best.isnan().any().item<bool>()) throw DataError(kNotNumbers);
    return {ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + ids.numel()};
  }

  void accept(size_t n, int64_t id) {
    Slot& slot = slots_[n];
    slot.ids.push_back(id);
    slot.pending = 1;
    std::vector<int64_t>& answer = answers_[slot.prompt];
    answer.push_back(id);
    if (!ends(options_, id, answer.size())) return;
    if (on_answer_ && known(n) == nullptr) on_answer_(slot.prompt, answer);
    admit(n);
  }

  /// Idle slots cost little: they go once they are half of all.
  void remove_idle() {
    std::vector<int64_t> busy;
    for (size_t n = 0; n < slots_.size(); ++n) {
      if (!slots_[n].idle()) busy.push_back(static_cast<int64_t>(n));
    }
    if (2 * busy.size() > slots_.size()) return;
    cache_.keep(busy);
    std::vector<Slot> kept;
    for (const int64_t n : busy) kept.push_back(std::move(slots_[static_cast<size_t>(n)]));
    slots_ = std::move(kept);
  }

  const Transformer& model_;
  const std::vector<std::vector<int64_t>>& prompts_;
  const SamplingOptions& options_;
  const OnAnswer& on_answer_;
  const Answers& known_;
  Head head_;
  SequenceCache cache_;
  std::vector<Slot> slots_;
  Answers answers_;
  size_t next_ = 0;
};

void check(const SamplingOptions& options, int64_t batch_size) {
  std::vector<std::string> problems;
  if (options.max_new_tokens < 1) problems.push_back("max_new_tokens must be at least 1");
  if (!(options.temperature >= 0.0)) problems.push_back("temperature must be 0 or more");
  if (options.top_k < 0) problems.push_back("top_k must be 0 or more");
  if (!(options.top_p > 0.0 && options.top_p <= 1.0)) problems.push_back("top_p must be in (0, 1]");
  if (!(options.repetition_penalty > 0.0))
    problems.push_back("repetition_penalty must be positive");
  if (batch_size < 1) problems.push_back("the batch size must be at least 1");
  if (!problems.empty()) throw ConfigError(problems);
}

void check(const Answers& known, size_t prompts, const SamplingOptions& options) {
  if (!known.empty() && known.size() != prompts) {
    throw Error("generate: " + std::to_string(known.size()) + " known answers of " +
                std::to_string(prompts) + " prompts");
  }
  for (size_t n = 0; n < known.size(); ++n) {
    if (known[n].empty() || is_whole_answer(known[n], options)) continue;
    throw DataError("the known answer to prompt " + std::to_string(n) +
                    " does not end where these options end one");
  }
}

}  // namespace

bool is_whole_answer(const std::vector<int64_t>& ids, const SamplingOptions& options) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ends(options, ids[i], i + 1)) return i + 1 == ids.size();
  }
  return false;
}

Answers generate(const Transformer& model, const std::vector<std::vector<int64_t>>& prompts,
                 const SamplingOptions& options, int64_t batch_size, const OnAnswer& on_answer,
                 const Answers& known) {
  check(options, batch_size);
  check(known, prompts.size(), options);
  for (size_t n = 0; n < prompts.size(); ++n) {
    if (prompts[n].empty()) throw DataError("prompt " + std::to_string(n) + " is empty");
  }
  return Generator(model, prompts, options, batch_size, on_answer, known).run();
}

}  // namespace distill
