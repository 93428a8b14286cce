#include "distill/model/family.h"

#include "distill/core/error.h"
#include "model/families/families.h"

namespace distill {

std::span<const Family> families() {
  static constexpr Family kFamilies[] = {
      {"gpt2", read_gpt2, gpt2_weights, "transformer."}, {"llama", read_llama, llama_weights, ""},
      {"mistral", read_mistral, llama_weights, ""},      {"qwen2", read_qwen2, llama_weights, ""},
      {"qwen3", read_qwen3, llama_weights, ""},
  };
  return kFamilies;
}

const Family& find_family(std::string_view model_type, const std::string& where) {
  std::string known;
  for (const Family& family : families()) {
    if (family.model_type == model_type) return family;
    known += (known.empty() ? "" : ", ") + std::string(family.model_type);
  }
  throw DataError(where + ": model_type: \"" + std::string(model_type) +
                  "\" is not supported (known: " + known + ")");
}

std::string StoredWeight::parameter_name() const {
  return parts == 1 ? name : name + '#' + std::to_string(part);
}

StoredWeight stored_weight(const Family& family, WeightRole role, int64_t layer,
                           std::string_view kind) {
  for (const WeightRow& row : family.weight_rows()) {
    if (row.role != role) continue;
    std::string name(row.name);
    if (const size_t at = name.find("{}"); at != std::string::npos) {
      name.replace(at, 2, std::to_string(layer));
    }
    name.append(".").append(kind);
    return {std::move(name), row.transposed && kind == "weight", row.part, row.parts};
  }
  throw Error("family " + std::string(family.model_type) + " has no name for one of its weights");
}

}  // namespace distill
