// Times the batches of a configuration's data, without a step: bench_loader CONFIG BATCHES
// [key.path=value ...]. Prints one JSON line: seconds until the data is open and until its first
// batch, tokens/s of BATCHES batches after it, the share of the batches' room that is filled
// (packing), peak resident bytes. With keep=1 before the overrides, the tokens are kept on disk
// first.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "distill/core/error.h"
#include "distill/ops/device.h"
#include "distill/train/run_plan.h"

namespace distill {
namespace {

void bench(const std::string& path, int64_t batches, bool keep,
           const std::vector<std::string>& overrides) {
  const LoadedConfig loaded = load_run_config(path, overrides);
  const RunConfig& config = loaded.config;
  set_threads(config.run.threads);
  const ModelPlan plan = plan_models(config);
  if (!plan.missing.empty()) throw DataError(plan.missing[0]);
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&begin] {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    return taken.count();
  };
  const PlannedData data = plan_data(config, DataFiles(config.data), plan, Counting::kNone);
  if (keep) data.splits.train->keep_tokens([](int64_t, int64_t) {});
  const double opened = seconds();
  const BatchOptions options(config.data, config.train.micro_batch_size);
  BatchStream stream(data.splits.train, options, static_cast<uint64_t>(config.run.seed));
  stream.next();
  const double first = seconds();
  int64_t tokens = 0;
  for (int64_t i = 0; i < batches; ++i) tokens += stream.next().token_count();
  const double rate = static_cast<double>(tokens) / (seconds() - first);
  const double room = static_cast<double>(batches * options.micro_batch_size * options.max_length);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"open_s\": %.3f, \"first_batch_s\": %.3f, \"tokens_per_second\": %.0f, \"filled\": %.4f, "
      "\"peak_bytes\": %ld}\n",
      opened, first, rate, options.packing ? static_cast<double>(tokens) / room : 0.0,
      usage.ru_maxrss * 1024);
}

}  // namespace
}  // namespace distill

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_loader CONFIG BATCHES [keep=1] [key.path=value ...]\n");
    return 2;
  }
  std::vector<std::string> overrides(argv + 3, argv + argc);
  const bool keep = !overrides.empty() && overrides[0] == "keep=1";
  if (keep) overrides.erase(overrides.begin());
  try {
    distill::bench(argv[1], std::stoll(argv[2]), keep, overrides);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_loader: %s\n", error.what());
    return 1;
  }
}
