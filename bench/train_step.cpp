// Times training steps of a configuration: bench_train_step CONFIG STEPS [key.path=value ...]
// Prints one JSON line: median seconds a step, tokens/s, loss tokens/s, seconds from launch to the
// end of the first step, the same less a second step on the same documents, peak resident bytes.
// These two steps are not part of the median.
#include "distill/train/train_step.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "bench/measure.h"
#include "distill/core/error.h"
#include "distill/core/memory.h"
#include "distill/data/prefetch.h"
#include "distill/ops/device.h"
#include "distill/train/run_plan.h"

namespace distill {
namespace {

/// Seconds since the process was started: loading the libraries counts.
double process_seconds() {
  std::ifstream stat("/proc/self/stat");
  std::string word;
  for (int field = 1; field <= 22; ++field) stat >> word;
  std::ifstream uptime("/proc/uptime");
  double now = 0.0;
  uptime >> now;
  return now - std::stod(word) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void bench(const std::string& path, int64_t steps, const std::vector<std::string>& overrides) {
  const LoadedConfig loaded = load_run_config(path, overrides);
  const RunConfig& config = loaded.config;
  set_threads(config.run.threads);
  const at::Device device = resolve_device(config.run.device);
  const at::ScalarType dtype = resolve_dtype(config.run.dtype, device);
  const ModelPlan plan = plan_models(config);
  if (!plan.missing.empty()) throw DataError(plan.missing[0]);
  const PlannedData data = plan_data(config, DataFiles(config.data), plan, Counting::kNone);
  LoadedModels models = load_models(config, plan, device, dtype);
  Prefetcher stream(BatchStream(data.splits.train, {config.data, config.train.micro_batch_size},
                                static_cast<uint64_t>(config.run.seed)),
                    config.data.prefetch);
  LossStep loss_step(*models.student, models.teacher.get());
  TrainStep step(
      *models.student, loss_step, config.objective, config.optimizer,
      {config.train.max_grad_norm, config.train.gradient_checkpointing, config.student.freeze});
  keep_freed_memory();
  const auto next_batches = [&] {
    std::vector<Batch> batches;
    for (int64_t n = 0; n < config.train.gradient_accumulation_steps; ++n) {
      batches.push_back(stream.next());
    }
    return batches;
  };
  std::vector<double> seconds;
  int64_t tokens = 0, loss_tokens = 0;
  double loss = 0.0;
  const auto run = [&](const std::vector<Batch>& batches, int64_t i) {
    const auto begin = std::chrono::steady_clock::now();
    const StepReport report = step.run(batches, config.optimizer.learning_rate, {i, steps});
    loss = report.loss.item<double>();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (i < 0) return taken.count();
    seconds.push_back(taken.count());
    tokens += report.tokens;
    loss_tokens += report.loss_tokens;
    return taken.count();
  };
  const std::vector<Batch> opening = next_batches();
  run(opening, -1);
  const double first = process_seconds();
  const double start = first - run(opening, -1);
  for (int64_t i = 0; i < steps; ++i) run(next_batches(), i);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double step_seconds = median(seconds);
  const auto rate = [&](int64_t count) {
    return static_cast<double>(count) / static_cast<double>(steps) / step_seconds;
  };
  const Json result = {{"dtype", dtype_name(dtype)},
                       {"device", device.str()},
                       {"step_s", step_seconds},
                       {"tokens_per_s", rate(tokens)},
                       {"loss_tokens_per_s", rate(loss_tokens)},
                       {"start_s", start},
                       {"first_step_s", first},
                       {"peak_rss_gb", static_cast<double>(usage.ru_maxrss) / 1e6},
                       {"loss", loss}};
  std::printf("%s\n", result.dump().c_str());
}

}  // namespace
}  // namespace distill

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_train_step CONFIG STEPS [key.path=value ...]\n");
    return 2;
  }
  try {
    distill::bench(argv[1], std::max(1, std::atoi(argv[2])), {argv + 3, argv + argc});
  } catch (const distill::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
