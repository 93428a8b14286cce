// Times the language-model head with its losses, forward and backward, for both models:
//   bench_head_step [ROWS] [HIDDEN] [TEACHER_HIDDEN] [VOCABULARY] [float32 | bfloat16] [cpu | cuda]
// default 1024 576 576 49152 float32 cpu. The loss is 0.5 cross_entropy + 0.5 forward_kl at T = 2,
// a mean over the rows; the gradient of the weight adds into an fp32 buffer. Prints one JSON line:
// median seconds, seconds of its four matrix products alone in the same chunks and dtype
// (LibTorch's, the gradient of the weight in this dtype too), their share, seconds of a copy of as
// many bytes as the loss reads and writes at least (floor_seconds), the peak of bytes beside inputs
// and gradients of the weight.
#include "distill/objective/head_step.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "bench/measure.h"
#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/memory.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

constexpr int kSteps = 3;

struct Sizes {
  int64_t rows = 1024, hidden = 576, teacher_hidden = 576, vocabulary = 49152;
};

std::unique_ptr<LogitObjective> make_objective(const std::string& name,
                                               const std::string& options) {
  auto objective = logit_objectives().create(name);
  const ConfigFile file = ConfigFile::parse(options, "bench_head_step");
  file.read([&](Section& section) { objective->fields(section); });
  return objective;
}

class HeadBench {
 public:
  HeadBench(const Sizes& sizes, at::ScalarType type, at::Device device)
      : sizes_(sizes), device_(device) {
    at::manual_seed(0);
    const auto random = [&](int64_t rows, int64_t columns, double size) {
      return at::randn({rows, columns}, at::TensorOptions(device)).mul_(size).to(type);
    };
    const auto width = [](int64_t columns) {
      return 3.0 / std::sqrt(static_cast<double>(columns));
    };
    rows_.hidden = random(sizes.rows, sizes.hidden, 1.0);
    head_.weight = random(sizes.vocabulary, sizes.hidden, width(sizes.hidden));
    teacher_hidden_ = random(sizes.rows, sizes.teacher_hidden, 1.0);
    teacher_head_.weight =
        random(sizes.vocabulary, sizes.teacher_hidden, width(sizes.teacher_hidden));
    rows_.targets =
        at::randint(sizes.vocabulary, {sizes.rows}, at::TensorOptions(device).dtype(at::kLong));
    gradients_.weight = at::zeros_like(head_.weight, at::TensorOptions().dtype(at::kFloat));
    teacher_.rows = sizes.rows;
    teacher_.vocabulary = sizes.vocabulary;
    teacher_.dtype = type;
    teacher_.logits = [this](int64_t begin, int64_t end, const at::Tensor& out) {
      teacher_head_.logits_into(teacher_hidden_.slice(0, begin, end), out);
    };
    const double scale = 0.5 / static_cast<double>(sizes.rows);
    terms_ = {{cross_entropy_.get(), scale}, {forward_kl_.get(), scale}};
    fused_ = runs_fused(terms_, device, type);
    chunk_ = std::min(sizes.rows, chunk_rows(device, 2 * row_bytes(), fused_));
    keep_freed_memory();
  }

  nlohmann::ordered_json measure() {
    const PeakBytes peak(device_);
    const double seconds = median_seconds(
        device_, kSteps, [] {}, [&] { step(); });
    const std::optional<int64_t> peak_bytes = peak.read();
    const double products = products_seconds();
    const double floor =
        static_cast<double>(3 * sizes_.rows * row_bytes()) / copy_bandwidth(device_);
    nlohmann::ordered_json line = {{"rows", sizes_.rows},
                                   {"hidden", sizes_.hidden},
                                   {"teacher_hidden", sizes_.teacher_hidden},
                                   {"vocabulary", sizes_.vocabulary},
                                   {"dtype", dtype_name(head_.weight.scalar_type())},
                                   {"device", device_.is_cpu() ? "cpu" : "cuda"},
                                   {"threads", at::get_num_threads()},
                                   {"fused", fused_},
                                   {"chunk_rows", chunk_},
                                   {"seconds", seconds},
                                   {"product_seconds", products},
                                   {"product_share", products / seconds},
                                   {"floor_seconds", floor},
                                   {"times_products_and_floor", seconds / (products + floor)},
                                   {"peak_bytes", nullptr},
                                   {"loss", loss_}};
    if (peak_bytes) line["peak_bytes"] = *peak_bytes;
    return line;
  }

 private:
  int64_t row_bytes() const {
    return sizes_.vocabulary * static_cast<int64_t>(head_.weight.element_size());
  }

  void step() {
    const HeadResult result =
        head_step(rows_, head_, gradients_, teacher_, terms_, {}, {.buffers = &buffers_});
    loss_ = ((result.sums[0] + result.sums[1]) * terms_[0].scale).item<double>();
  }

  /// Both models' logits, the gradients of the hidden rows and of the weight; nothing between.
  double products_seconds() const {
    const at::NoGradGuard no_grad;
    const auto options = rows_.hidden.options();
    const at::Tensor logits = at::zeros({chunk_, sizes_.vocabulary}, options);
    const at::Tensor teacher_logits = at::zeros_like(logits);
    const at::Tensor d_hidden = at::zeros_like(rows_.hidden);
    const at::Tensor d_weight = at::zeros_like(head_.weight);
    return median_seconds(
        device_, kSteps, [] {},
        [&] {
          for (int64_t begin = 0; begin < sizes_.rows; begin += chunk_) {
            const int64_t end = std::min(begin + chunk_, sizes_.rows);
            const at::Tensor hidden = rows_.hidden.slice(0, begin, end);
            at::Tensor own = logits.slice(0, 0, end - begin);
            at::Tensor other = teacher_logits.slice(0, 0, end - begin);
            at::Tensor d_rows = d_hidden.slice(0, begin, end);
            at::mm_out(own, hidden, head_.weight.t());
            at::mm_out(other, teacher_hidden_.slice(0, begin, end), teacher_head_.weight.t());
            at::mm_out(d_rows, own, head_.weight);
            d_weight.addmm_(own.t(), hidden);
          }
        });
  }

  Sizes sizes_;
  at::Device device_;
  std::unique_ptr<LogitObjective> cross_entropy_ = make_objective("cross_entropy", "{}");
  std::unique_ptr<LogitObjective> forward_kl_ = make_objective("forward_kl", "{temperature: 2.0}");
  std::vector<HeadTerm> terms_;
  HeadRows rows_;
  Head head_, teacher_head_;
  at::Tensor teacher_hidden_;
  TeacherRows teacher_;
  HeadGradients gradients_;
  HeadBuffers buffers_;
  bool fused_ = false;
  int64_t chunk_ = 0;
  double loss_ = 0.0;
};

}  // namespace
}  // namespace distill

int main(int argc, char** argv) {
  distill::Sizes sizes;
  int64_t* const numbers[] = {&sizes.rows, &sizes.hidden, &sizes.teacher_hidden, &sizes.vocabulary};
  for (int i = 0; i < 4 && i + 1 < argc; ++i) *numbers[i] = std::atoll(argv[i + 1]);
  if (std::any_of(std::begin(numbers), std::end(numbers), [](int64_t* n) { return *n < 1; })) {
    std::fprintf(stderr,
                 "usage: bench_head_step [ROWS] [HIDDEN] [TEACHER_HIDDEN] [VOCABULARY] "
                 "[float32 | bfloat16] [cpu | cuda]\n");
    return 2;
  }
  try {
    const at::Device device = distill::resolve_device(argc > 6 ? argv[6] : "cpu");
    const at::ScalarType type = distill::resolve_dtype(argc > 5 ? argv[5] : "float32", device);
    distill::HeadBench bench(sizes, type, device);
    std::printf("%s\n", bench.measure().dump().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
