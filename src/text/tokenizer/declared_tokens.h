// The special and added tokens of a folder without tokenizer.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "distill/io/json.h"
#include "text/tokenizer/vocabulary.h"

namespace distill {

class DeclaredTokens {
 public:
  /// Reads tokenizer_config.json (roles, added_tokens_decoder), special_tokens_map.json (roles) and
  /// added_tokens.json, each if it is there. `defaults`: tokens of roles that no file names, which
  /// count if the vocabulary has them. Throws DataError.
  DeclaredTokens(const std::filesystem::path& folder, const Vocabulary& vocabulary,
                 const std::vector<std::pair<std::string, std::string>>& defaults);

  /// "cls_token" and the like: an object with content and id. Throws DataError if there is none.
  Json role(const std::string& name) const;
  bool has_role(const std::string& name) const { return roles_.contains(name); }
  /// As the key added_tokens of tokenizer.json.
  Json rules() const;

 private:
  void read_added(const Json& config, const std::filesystem::path& folder);
  void read_roles(const Json& file, const std::string& where);
  /// `token`: a string, or an object with content.
  void add(Json token, bool special, const std::string& where);

  const Vocabulary& vocabulary_;
  std::string where_;
  std::map<std::string, std::string> roles_;
  std::map<std::string, Json> tokens_;  // by content
  int64_t next_id_;
};

/// The object that the file holds, empty if it is not there. Throws DataError.
Json read_object_if_there(const std::filesystem::path& path);

}  // namespace distill
