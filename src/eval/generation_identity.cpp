#include "distill/eval/generation_identity.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "distill/config/config_file.h"
#include "distill/core/hash.h"
#include "distill/core/version.h"
#include "distill/io/hf_folder.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

/// True for keys that say which text comes out; the model and the prompts are known by their
/// hashes.
bool shapes_the_text(const std::string& key) {
  static const std::vector<std::string> kOthers = {
      "model", "output", "overwrite", "prompts_file", "batch_size", "device", "dtype", "threads"};
  return !key.starts_with("prompts.") && key != "prompts" &&
         std::find(kOthers.begin(), kOthers.end(), key) == kOthers.end();
}

std::string hash_of_prompts(const GenerationPlan& plan) {
  Hasher hasher;
  for (const std::string& prompt : plan.prompts) hasher.add(prompt);
  return hasher.key().hex();
}

std::string hash_of_prompt_ids(const GenerationPlan& plan) {
  Hasher hasher;
  for (const std::vector<int64_t>& ids : plan.prompt_ids) {
    hasher.add(static_cast<int64_t>(ids.size())).add(ids.data(), ids.size() * sizeof(int64_t));
  }
  return hasher.key().hex();
}

}  // namespace

GenerationIdentity generation_identity(const GenerateConfig& config, const GenerationPlan& plan,
                                       const std::filesystem::path& folder,
                                       const Tokenizer& tokenizer, at::Device device,
                                       at::ScalarType dtype) {
  GenerationIdentity identity;
  GenerateConfig copy = config;
  for (const auto& [key, value] : flatten_config([&](Section& section) { copy.fields(section); })) {
    if (shapes_the_text(key)) identity.text.emplace_back(key, value);
  }
  identity.text.emplace_back("dtype", dtype_name(dtype));
  identity.text.emplace_back("model's weights", WeightFiles(folder).hash().hex());
  identity.text.emplace_back("model's config.json", hash_file(folder / "config.json").hex());
  identity.text.emplace_back("tokenizer", tokenizer.hash().hex());
  identity.text.emplace_back("prompts", hash_of_prompts(plan));
  identity.text.emplace_back("tokens of the prompts", hash_of_prompt_ids(plan));
  identity.text.emplace_back("stop ids", Json(plan.sampling.stop_ids).dump());
  identity.rounding = {{"batch_size", std::to_string(config.batch_size)},
                       {"device", device.str()},
                       {"threads", std::to_string(at::get_num_threads())},
                       {"build of distill", build_id()}};
  return identity;
}

}  // namespace distill
