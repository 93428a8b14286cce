#include "distill/eval/perplexity.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "distill/core/error.h"
#include "distill/eval/fidelity.h"

namespace distill {
namespace {

int64_t count_words(const std::string& text) {
  int64_t runs = 0;
  bool in_space = false;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (space && !in_space) ++runs;
    in_space = space;
  }
  return runs + 1;
}

/// A batch whose last `predicted.size()` inputs predict `predicted`.
Batch make_window(const std::vector<int64_t>& inputs, const std::vector<int64_t>& predicted) {
  Document document;
  document.tokens = inputs;
  document.is_target.assign(inputs.size(), false);
  Batch batch = make_batch({document});
  const auto first = static_cast<int64_t>(inputs.size() - predicted.size());
  batch.targets.narrow(0, first, static_cast<int64_t>(predicted.size()))
      .copy_(at::tensor(predicted, at::kLong));
  batch.loss_rows = at::arange(first, static_cast<int64_t>(inputs.size()), at::kLong);
  return batch;
}

}  // namespace

double Perplexity::per_token() const { return std::exp(nll / static_cast<double>(tokens)); }
double Perplexity::per_word() const { return std::exp(nll / static_cast<double>(words)); }
double Perplexity::per_byte() const { return std::exp(nll / static_cast<double>(bytes)); }
double Perplexity::bits_per_byte() const {
  return nll / static_cast<double>(bytes) / std::log(2.0);
}

std::vector<Batch> rolling_windows(const std::vector<int64_t>& tokens, int64_t prefix,
                                   int64_t max_length) {
  std::vector<int64_t> all = {prefix};  // all[i] is the input that predicts tokens[i]
  all.insert(all.end(), tokens.begin(), tokens.end());
  const auto count = static_cast<int64_t>(tokens.size());
  std::vector<Batch> windows;
  for (int64_t done = 0; done < count;) {
    const int64_t end = std::min(done + max_length, count);
    const int64_t begin = std::max<int64_t>(0, end - max_length);
    windows.push_back(make_window({all.begin() + begin, all.begin() + end},
                                  {tokens.begin() + done, tokens.begin() + end}));
    done = end;
  }
  return windows;
}

Perplexity measure_perplexity(const Transformer& model, const Tokenizer& tokenizer,
                              const std::string& text, int64_t max_length) {
  const SpecialTokens& special = tokenizer.special();
  const std::optional<int64_t> prefix = special.bos_id ? special.bos_id : special.eos_id;
  if (!prefix) throw DataError("perplexity: the tokenizer has neither a BOS nor an EOS token");
  const std::vector<int64_t> tokens = tokenizer.ids(text, /*add_special_tokens=*/false);
  if (tokens.empty()) throw DataError("perplexity: the text is empty");
  LossStep step(model, nullptr);
  const Fidelity fidelity = measure_fidelity(step, rolling_windows(tokens, *prefix, max_length));
  Perplexity perplexity;
  perplexity.tokens = fidelity.tokens;
  perplexity.words = count_words(text);
  perplexity.bytes = static_cast<int64_t>(text.size());
  perplexity.nll = fidelity.student_nll * static_cast<double>(fidelity.tokens);
  return perplexity;
}

}  // namespace distill
