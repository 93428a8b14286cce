// Writing a model folder.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/hf_folder.h"
#include "distill/model/family.h"
#include "distill/model/loading.h"

namespace distill {

std::vector<std::pair<std::string, at::Tensor>> checkpoint_tensors(
    const Transformer& model, const std::function<at::Tensor(const Parameter&)>& pick) {
  const Family& family = find_family(model.config().family, "model");
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  std::map<std::string, std::vector<at::Tensor>> fused;
  walk(model.modules(),
       [&](WeightRole role, int64_t layer, std::string_view kind, const Parameter& parameter) {
         if (!parameter.value.defined()) return;
         at::Tensor tensor = pick(parameter);
         if (!tensor.defined()) return;
         const StoredWeight stored = stored_weight(family, role, layer, kind);
         if (stored.parts > 1) {
           std::vector<at::Tensor>& parts = fused[stored.name];
           parts.push_back(tensor);
           if (parts.size() < static_cast<size_t>(stored.parts)) return;
           tensor = at::cat(parts);
         }
         tensors.emplace_back(stored.name, stored.transposed ? tensor.t() : tensor);
       });
  return tensors;
}

void save_transformer(const Transformer& model, const std::filesystem::path& folder,
                      at::ScalarType dtype) {
  const at::NoGradGuard no_gradient;
  const TransformerConfig& config = model.config();
  const std::string config_json = transformer_config_to_json(config, dtype).dump(2) + "\n";
  make_directories(folder);
  write_weights(folder, checkpoint_tensors(model, [&](const Parameter& parameter) {
                  return parameter.value.detach().to(dtype);
                }));
  if (!config.generation_config.is_null()) {
    write_file(folder / "generation_config.json", config.generation_config.dump(2) + "\n");
  }
  write_file(folder / "config.json", config_json);
}

TokenizerFiles::TokenizerFiles(const std::filesystem::path& folder) {
  const auto add = [&](const std::filesystem::path& name) {
    files_.emplace_back(name, read_file(folder / name));
  };
  for (const char* name :
       {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
        "merges.txt", "vocab.txt", "added_tokens.json", "tokenizer.model", "spiece.model",
        "chat_template.json", "chat_template.jinja"}) {
    if (std::filesystem::exists(folder / name)) add(name);
  }
  const std::filesystem::path templates = "additional_chat_templates";
  if (!std::filesystem::is_directory(folder / templates)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder / templates)) {
    if (entry.is_regular_file()) add(templates / entry.path().filename());
  }
}

void TokenizerFiles::write(const std::filesystem::path& folder) const {
  for (const auto& [name, content] : files_) {
    make_directories((folder / name).parent_path());
    write_file(folder / name, content);
  }
}

}  // namespace distill
