#include "text/tokenizer/special_tokens.h"

#include "distill/core/error.h"
#include "distill/io/json.h"

namespace distill {
namespace {

struct Role {
  const char* name;
  std::optional<std::string> SpecialTokens::*token;
  std::optional<int64_t> SpecialTokens::*id;
};

constexpr Role kRoles[] = {
    {"bos_token", &SpecialTokens::bos, &SpecialTokens::bos_id},
    {"eos_token", &SpecialTokens::eos, &SpecialTokens::eos_id},
    {"pad_token", &SpecialTokens::pad, &SpecialTokens::pad_id},
    {"unk_token", &SpecialTokens::unk, &SpecialTokens::unk_id},
};

// "<s>" or {"content": "<s>", ...}.
std::optional<std::string> token_of(const Json& file, const Role& role, const std::string& where) {
  if (!file.contains(role.name) || file[role.name].is_null()) return std::nullopt;
  const Json& value = file[role.name];
  if (value.is_object()) return json_string(value, "content", where + ": " + role.name);
  return json_string(file, role.name, where);
}

// 2, or [2, 32000], of which the first counts.
std::optional<int64_t> id_of(const Json& config, const Role& role, const std::string& where) {
  const std::string key = std::string(role.name) + "_id";
  if (!config.contains(key) || config[key].is_null()) return std::nullopt;
  const Json& value = config[key];
  if (!value.is_array()) return json_int(config, key, where);
  if (value.empty() || !value[0].is_number_integer()) {
    throw DataError(where + ": " + key + ": expected an id or a list of ids, found " +
                    value.dump());
  }
  return value[0].get<int64_t>();
}

Json read_if_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return Json::object();
  Json file = read_json(path);
  if (!file.is_object()) throw DataError(path.string() + ": expected an object");
  return file;
}

}  // namespace

SpecialTokens read_special_tokens(const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  SpecialTokens special;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const Json file = read_if_there(folder / name);
    for (const Role& role : kRoles) {
      if (special.*role.token) continue;
      special.*role.token = token_of(file, role, (folder / name).string());
      if (special.*role.token) special.*role.id = tokenizer.token_to_id(*(special.*role.token));
    }
  }
  const std::filesystem::path path = folder / "config.json";
  const Json config = read_if_there(path);
  for (const Role& role : kRoles) {
    if (special.*role.token) continue;
    const std::optional<int64_t> id = id_of(config, role, path.string());
    if (!id) continue;
    const std::string token = tokenizer.id_to_token(*id);
    if (token.empty()) continue;  // the model has the row, the tokenizer has no token for it
    special.*role.token = token;
    special.*role.id = id;
  }
  return special;
}

}  // namespace distill
