// Times the fused loss on given logits: bench_fused_loss [ROWS] [VOCABULARY] [cpu | cuda], default
// 256 151936 cpu. Prints one JSON line a divergence and dtype: milliseconds a row, GB/s (both rows
// read once, the gradient written once), the share of the time that a copy of as many bytes would
// take (its floor), bytes beside the logits, the gradient's error against the fp64 kernel in units
// of T (|p| + |q|). On a CPU, forward_kl and jsd also on what older processors run;
// on a GPU of compute capability 9.x also with a cluster of blocks a row.
#include "distill/ops/fused_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "bench/measure.h"
#include "distill/core/error.h"
#include "distill/ops/device.h"
#include "ops/cpu/fused_loss_cpu.h"
#include "ops/cuda_library.h"
#include "ops/plain_rows.h"

namespace distill {
namespace {

struct Named {
  const char* name;
  Divergence divergence;
};

constexpr Named kDivergences[] = {{"cross_entropy alone", Divergence::kNone},
                                  {"forward_kl", Divergence::kForwardKl},
                                  {"reverse_kl", Divergence::kReverseKl},
                                  {"symmetric_kl", Divergence::kSymmetricKl},
                                  {"jsd", Divergence::kJsd},
                                  {"skewed_forward_kl", Divergence::kSkewedForwardKl},
                                  {"skewed_reverse_kl", Divergence::kSkewedReverseKl},
                                  {"total_variation", Divergence::kTotalVariation},
                                  {"mse_logits", Divergence::kMseLogits}};

constexpr double kTemperature = 2.0;

/// One way to compute the loss.
struct Kernel {
  std::string instructions;
  std::function<void(const FusedRows&, const FusedLoss&)> run;
};

/// With a cluster of blocks a row, which fused_loss does not take by itself.
void run_clusters(const FusedRows& rows, const FusedLoss& loss) {
  const FusedRowLosses losses = empty_losses(rows, loss);
  const char* error = fused_loss_cuda()({.rows = plain_rows(rows, true, losses),
                                         .row_count = rows.student.size(0),
                                         .bfloat16 = rows.student.scalar_type() == at::kBFloat16,
                                         .kernel = LossKernel::kOfClusters},
                                        loss);
  if (error != nullptr) throw Error(std::string("the CUDA kernel of clusters: ") + error);
}

bool has_clusters(at::Device device) {
  FusedRows one;
  one.student = at::zeros({1, 8}, at::TensorOptions(device));
  one.targets = at::zeros({1}, at::TensorOptions(device).dtype(at::kLong));
  try {
    run_clusters(one, {.cross_entropy = true});
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return false;
  }
  return true;
}

std::vector<Kernel> usable_cuda_kernels(at::Device device) {
  std::vector<Kernel> kernels = {
      {"CUDA blocks", [](const auto& rows, const auto& loss) { fused_loss(rows, loss, true); }}};
  if (has_clusters(device)) kernels.push_back({"CUDA clusters", run_clusters});
  return kernels;
}

std::vector<Kernel> usable_kernels(at::Device device) {
  if (!device.is_cpu()) return usable_cuda_kernels(device);
  std::vector<Kernel> kernels;
  for (const LossRowsFunctions& functions : usable_loss_rows()) {
    kernels.push_back({functions.name, [functions](const auto& rows, const auto& loss) {
                         fused_loss_cpu(rows, loss, true, functions);
                       }});
  }
  return kernels;
}

/// |own - exact| / T (|p| + |q|) on a few rows.
double gradient_error(FusedRows rows, const FusedLoss& loss, const Kernel& kernel) {
  constexpr int64_t kRows = 4;
  FusedRows exact;
  exact.targets = rows.targets.slice(0, 0, kRows).cpu();
  exact.student = rows.student.slice(0, 0, kRows).cpu().to(at::kDouble);
  exact.teacher = rows.teacher.slice(0, 0, kRows).cpu().to(at::kDouble);
  const at::Tensor p = (exact.student / kTemperature).softmax(-1);
  const at::Tensor q = (exact.teacher / kTemperature).softmax(-1);
  rows.targets = rows.targets.slice(0, 0, kRows);
  rows.student = rows.student.slice(0, 0, kRows).clone();
  rows.teacher = rows.teacher.slice(0, 0, kRows);
  kernel.run(rows, loss);
  fused_loss(exact, loss, true);
  const double size = kTemperature * (p.norm() + q.norm()).item<double>();
  return (rows.student.cpu().to(at::kDouble) - exact.student).norm().item<double>() / size;
}

class LossBench {
 public:
  LossBench(at::Device device, at::ScalarType type, int64_t row_count, int64_t vocabulary,
            double bytes_per_second)
      : device_(device), bytes_per_second_(bytes_per_second) {
    at::manual_seed(0);
    const auto random = [&] {
      return at::randn({row_count, vocabulary}, at::TensorOptions(device)).mul_(3).to(type);
    };
    logits_ = random();
    rows_.student = logits_.clone();
    rows_.teacher = random();
    rows_.targets = at::randint(vocabulary, {row_count}, logits_.options().dtype(at::kLong));
  }

  void print(const Named& each, const Kernel& kernel) {
    const FusedLoss loss{.divergence = each.divergence,
                         .temperature = kTemperature,
                         .ratio = 0.5,
                         .cross_entropy = true,
                         .divergence_scale = 0.5,
                         .cross_entropy_scale = 0.5};
    const auto prepare = [&] { rows_.student.copy_(logits_); };
    const double seconds = median_seconds(device_, 5, prepare, [&] { kernel.run(rows_, loss); });
    prepare();
    const PeakBytes peak(device_);
    kernel.run(rows_, loss);
    synchronize(device_);
    const std::optional<int64_t> peak_bytes = peak.read();
    prepare();
    const int64_t passes = each.divergence == Divergence::kNone ? 2 : 3;
    const auto bytes = static_cast<double>(passes * static_cast<int64_t>(logits_.nbytes()));
    nlohmann::ordered_json line = {
        {"loss", each.name},
        {"dtype", dtype_name(logits_.scalar_type())},
        {"instructions", kernel.instructions},
        {"device", device_.is_cpu() ? "cpu" : "cuda"},
        {"rows", logits_.size(0)},
        {"vocabulary", logits_.size(1)},
        {"threads", at::get_num_threads()},
        {"ms_per_row", seconds * 1e3 / static_cast<double>(logits_.size(0))},
        {"gb_per_s", bytes / seconds / 1e9},
        {"copy_gb_per_s", bytes_per_second_ / 1e9},
        {"floor_share", bytes / bytes_per_second_ / seconds},
        {"peak_bytes", nullptr},
        {"gradient_error", gradient_error(rows_, loss, kernel)}};
    if (peak_bytes) line["peak_bytes"] = *peak_bytes;
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }

 private:
  at::Device device_;
  double bytes_per_second_;
  at::Tensor logits_;  // what rows_.student holds before each call
  FusedRows rows_;
};

void bench(int64_t row_count, int64_t vocabulary, const std::string& device_name) {
  const at::Device device = resolve_device(device_name);
  if (!has_fused_loss(device, at::kFloat))
    throw ConfigError("libdistill_cuda.so is not beside the program");
  const std::vector<Kernel> kernels = usable_kernels(device);
  const double bytes_per_second = copy_bandwidth(device);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    LossBench bench(device, type, row_count, vocabulary, bytes_per_second);
    for (const Named& each : kDivergences) bench.print(each, kernels[0]);
    for (size_t i = 1; i < kernels.size(); ++i) {
      for (const Named& each : kDivergences) {
        if (each.divergence == Divergence::kForwardKl || each.divergence == Divergence::kJsd) {
          bench.print(each, kernels[i]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace distill

int main(int argc, char** argv) {
  const int64_t rows = argc > 1 ? std::atoll(argv[1]) : 256;
  const int64_t vocabulary = argc > 2 ? std::atoll(argv[2]) : 151936;
  if (rows < 4 || vocabulary < 2) {
    std::fprintf(stderr, "usage: bench_fused_loss [ROWS, at least 4] [VOCABULARY] [cpu | cuda]\n");
    return 2;
  }
  try {
    distill::bench(rows, vocabulary, argc > 3 ? argv[3] : "cpu");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
