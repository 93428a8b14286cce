#include "text/tokenizer/declared_tokens.h"

#include <algorithm>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr const char* kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

std::string content_of(const Json& token, const std::string& where) {
  if (token.is_string()) return token.get<std::string>();
  if (!token.is_object()) throw DataError(where + ": expected a token, found " + token.dump());
  return json_string(token, "content", where);
}

}  // namespace

Json read_object_if_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return Json::object();
  Json object = read_json(path);
  if (!object.is_object()) throw DataError(path.string() + ": expected an object");
  return object;
}

DeclaredTokens::DeclaredTokens(const std::filesystem::path& folder, const Vocabulary& vocabulary,
                               const std::vector<std::pair<std::string, std::string>>& defaults)
    : vocabulary_(vocabulary), where_(folder.string()), next_id_(vocabulary.id_end()) {
  const Json config = read_object_if_there(folder / "tokenizer_config.json");
  read_added(config, folder);
  read_roles(config, (folder / "tokenizer_config.json").string());
  const std::filesystem::path map = folder / "special_tokens_map.json";
  read_roles(read_object_if_there(map), map.string());
  for (const auto& [name, content] : defaults) {
    if (roles_.contains(name) || vocabulary_.find(content) == Vocabulary::kAbsent) continue;
    roles_[name] = content;
    add(content, true, where_);
  }
}

void DeclaredTokens::read_added(const Json& config, const std::filesystem::path& folder) {
  const std::string key = "added_tokens_decoder";
  std::vector<std::pair<int64_t, Json>> tokens;
  if (config.contains(key) && config[key].is_object()) {
    const std::string where = (folder / "tokenizer_config.json").string() + ": " + key;
    for (const auto& [id, token] : config[key].items()) {
      if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos) {
        throw DataError(where + ": expected ids, found \"" + id + "\"");
      }
      tokens.emplace_back(std::stoll(id), token);
    }
  } else {
    const std::filesystem::path path = folder / "added_tokens.json";
    const Json added = read_object_if_there(path);
    for (const auto& [content, id] : added.items()) {
      if (!id.is_number_integer()) throw DataError(path.string() + ": expected tokens and ids");
      tokens.emplace_back(id.get<int64_t>(), content);
    }
  }
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [id, token] : tokens) {
    const std::string content = content_of(token, where_);
    add(std::move(token), false, where_);
    if (const int64_t place = tokens_[content]["id"].get<int64_t>(); place != id) {
      throw DataError(where_ + ": the added token \"" + content + "\" has the id " +
                      std::to_string(id) + ", but its place is " + std::to_string(place));
    }
  }
}

void DeclaredTokens::read_roles(const Json& file, const std::string& where) {
  for (const char* name : kRoles) {
    if (roles_.contains(name) || !file.contains(name) || file[name].is_null()) continue;
    roles_[name] = content_of(file[name], where + ": " + name);
    add(file[name], true, where + ": " + name);
  }
  for (const char* name : {"additional_special_tokens", "extra_special_tokens"}) {
    if (!file.contains(name) || !file[name].is_array()) continue;
    for (const Json& token : file[name]) add(token, true, where + ": " + name);
  }
}

void DeclaredTokens::add(Json token, bool special, const std::string& where) {
  const std::string content = content_of(token, where);
  if (content.empty()) return;
  if (const auto known = tokens_.find(content); known != tokens_.end()) {
    if (special) known->second["special"] = true;
    return;
  }
  Json entry = token.is_object() ? std::move(token) : Json{{"content", content}};
  if (special) entry["special"] = true;
  const int32_t id = vocabulary_.find(content);
  entry["id"] = id == Vocabulary::kAbsent ? next_id_++ : id;
  tokens_.emplace(content, std::move(entry));
}

Json DeclaredTokens::role(const std::string& name) const {
  const auto found = roles_.find(name);
  if (found == roles_.end()) {
    throw DataError(where_ + ": the tokenizer needs a " + name + "; found none in its files");
  }
  return {{"content", found->second}, {"id", tokens_.at(found->second)["id"]}};
}

Json DeclaredTokens::rules() const {
  std::vector<Json> sorted;
  for (const auto& [content, token] : tokens_) sorted.push_back(token);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Json& a, const Json& b) {
    return a["id"].get<int64_t>() < b["id"].get<int64_t>();
  });
  return Json(sorted);
}

}  // namespace distill
