#include "train/run_identity.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>

#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"
#include "distill/core/version.h"
#include "distill/io/hf_folder.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

/// True for keys that a resumed run must share.
bool shapes_the_run(const std::string& key) {
  static const std::vector<std::string> kPrefixes = {"teacher.",
                                                     "student.",
                                                     "data.",
                                                     "objective.",
                                                     "train.gradient_accumulation_steps",
                                                     "run.seed",
                                                     "run.dtype",
                                                     "train.micro_batch_size"};
  if (key == "data.prefetch" || key == "data.token_cache" || key == "teacher.device") return false;
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&key](const std::string& prefix) { return key.rfind(prefix, 0) == 0; });
}

}  // namespace

RunIdentity run_identity(const LoadedConfig& loaded, const ModelPlan& plan,
                         const DataSplits& data) {
  const StudentConfig& student = loaded.config.student;
  RunIdentity identity;
  for (const auto& [key, value] : loaded.values) {
    if (key == "student.freeze" && student.freeze.empty()) continue;  // as if it were not there
    if (shapes_the_run(key)) identity.emplace_back(key, value);
  }
  if (plan.teacher) {
    identity.emplace_back("teacher weights", WeightFiles(plan.teacher->folder).hash().hex());
  }
  if (student.path && !student.freeze.empty()) {
    // No checkpoint holds their masters: a resume reads them from where the run began.
    identity.emplace_back("frozen weights", WeightFiles(plan.student->folder).hash().hex());
  }
  identity.emplace_back("tokenizer", plan.tokenizer->hash().hex());
  identity.emplace_back("training data", data.train->hash().hex());
  return identity;
}

void write_run_files(const RunFolder& folder, const LoadedConfig& loaded, at::Device device,
                     at::ScalarType dtype, const RunIdentity& identity) {
  write_file(folder.path() / "config.yaml", loaded.resolved);
  Json run = {{"version", version()},          {"commit", commit()},
              {"libtorch", TORCH_VERSION},     {"device", device.str()},
              {"dtype", dtype_name(dtype)},    {"threads", at::get_num_threads()},
              {"seed", loaded.config.run.seed}};
  for (const auto& [key, value] : identity) {
    if (key.find('.') == std::string::npos) run["hashes"][key] = value;
  }
  write_file(folder.path() / "run.json", run.dump(2) + "\n");
}

void warn_of_other_threads(const fs::path& checkpoint) {
  const fs::path path = fs::canonical(checkpoint).parent_path() / "run.json";
  if (!fs::exists(path)) return;
  const int64_t then = read_json(path).value("threads", int64_t{0});
  const int64_t now = at::get_num_threads();
  if (then == 0 || then == now) return;
  log_warning("the run began with " + std::to_string(then) + plural(" CPU thread", then) +
              " and goes on with " + std::to_string(now) +
              ": results may differ in the last bits; run.threads=" + std::to_string(then) +
              " keeps them");
}

}  // namespace distill
