// What makes a run this run: the keys and hashes that a resume must share, and the files that
// record them.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "distill/data/dataset.h"
#include "distill/train/model_plan.h"
#include "distill/train/run_config.h"
#include "distill/train/run_folder.h"

namespace distill {

using RunIdentity = std::vector<std::pair<std::string, std::string>>;

/// The keys that a resumed run must share, and the hashes of what the run reads.
RunIdentity run_identity(const LoadedConfig& loaded, const ModelPlan& plan, const DataSplits& data);

/// config.yaml and run.json.
void write_run_files(const RunFolder& folder, const LoadedConfig& loaded, at::Device device,
                     at::ScalarType dtype, const RunIdentity& identity);

/// A sum is split among threads, so another number of them gives other last bits.
void warn_of_other_threads(const std::filesystem::path& checkpoint);

}  // namespace distill
