// Times the fused loss on given logits: bench_fused_loss [ROWS] [VOCABULARY], default 256 151936.
// Prints one JSON line a divergence and dtype: milliseconds a row, GB/s (both rows read once, the
// gradient written once), the gradient's error against the fp64 kernel in units of T (|p| + |q|);
// forward_kl and jsd also on what older processors run.
#include "distill/ops/fused_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "ops/cpu/fused_loss_cpu.h"

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

/// |own - exact| / T (|p| + |q|) on a few rows.
double gradient_error(FusedRows rows, const FusedLoss& loss, const LossRowsFunctions& functions) {
  constexpr int64_t kRows = 4;
  FusedRows exact;
  exact.targets = rows.targets.slice(0, 0, kRows);
  exact.student = rows.student.slice(0, 0, kRows).to(at::kDouble);
  exact.teacher = rows.teacher.slice(0, 0, kRows).to(at::kDouble);
  const at::Tensor p = (exact.student / kTemperature).softmax(-1);
  const at::Tensor q = (exact.teacher / kTemperature).softmax(-1);
  rows.targets = exact.targets;
  rows.student = rows.student.slice(0, 0, kRows).clone();
  rows.teacher = rows.teacher.slice(0, 0, kRows);
  fused_loss_cpu(rows, loss, true, functions);
  fused_loss_cpu(exact, loss, true, functions);
  const double size = kTemperature * (p.norm() + q.norm()).item<double>();
  return (rows.student.to(at::kDouble) - exact.student).norm().item<double>() / size;
}

double seconds(const FusedRows& rows, const at::Tensor& logits, const FusedLoss& loss,
               const LossRowsFunctions& functions) {
  std::vector<double> all;
  for (int i = 0; i < 6; ++i) {
    rows.student.copy_(logits);
    const auto begin = std::chrono::steady_clock::now();
    fused_loss_cpu(rows, loss, true, functions);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (i > 0) all.push_back(taken.count());
  }
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

void print_line(const FusedRows& rows, const at::Tensor& logits, const Named& each,
                const LossRowsFunctions& functions) {
  const FusedLoss loss{.divergence = each.divergence,
                       .temperature = kTemperature,
                       .ratio = 0.5,
                       .cross_entropy = true,
                       .divergence_scale = 0.5,
                       .cross_entropy_scale = 0.5};
  const double taken = seconds(rows, logits, loss, functions);
  const int64_t passes = each.divergence == Divergence::kNone ? 2 : 3;
  const double bytes = static_cast<double>(passes * logits.numel() * logits.element_size());
  rows.student.copy_(logits);
  std::printf(
      "{\"loss\": \"%s\", \"dtype\": \"%s\", \"instructions\": \"%s\", \"rows\": %lld, "
      "\"vocabulary\": %lld, \"threads\": %d, \"ms_per_row\": %.4f, \"gb_per_s\": %.2f, "
      "\"gradient_error\": %.2e}\n",
      each.name, logits.scalar_type() == at::kFloat ? "float32" : "bfloat16", functions.name,
      static_cast<long long>(logits.size(0)), static_cast<long long>(logits.size(1)),
      at::get_num_threads(), taken * 1e3 / static_cast<double>(logits.size(0)), bytes / taken / 1e9,
      gradient_error(rows, loss, functions));
  std::fflush(stdout);
}

void bench(int64_t row_count, int64_t vocabulary) {
  const std::vector<LossRowsFunctions> usable = usable_loss_rows();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    at::manual_seed(0);
    const at::Tensor logits = (at::randn({row_count, vocabulary}) * 3).to(type);
    FusedRows rows;
    rows.student = logits.clone();
    rows.teacher = (at::randn({row_count, vocabulary}) * 3).to(type);
    rows.targets = at::randint(0, vocabulary, {row_count}, at::kLong);
    for (const Named& each : kDivergences) print_line(rows, logits, each, usable[0]);
    for (size_t i = 1; i < usable.size(); ++i) {
      for (const Named& each : kDivergences) {
        if (each.divergence == Divergence::kForwardKl || each.divergence == Divergence::kJsd) {
          print_line(rows, logits, each, usable[i]);
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
    std::fprintf(stderr, "usage: bench_fused_loss [ROWS, at least 4] [VOCABULARY]\n");
    return 2;
  }
  distill::bench(rows, vocabulary);
}
