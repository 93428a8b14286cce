// JSON, strictly: UTF-8 is checked, duplicate keys, NaN and trailing text are refused, and errors
// say the file, the line and the column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace distill {

/// Keys keep their order: chat templates and written files depend on it.
using Json = nlohmann::ordered_json;

/// Where a text starts inside the file that `where` names: one record of many. Both count from 1.
struct TextPlace {
  int64_t line = 1;
  int64_t column = 1;
};

/// Throws DataError: "where:line:column: what"; columns count characters. Nesting deeper than 200
/// and a byte order mark are refused.
Json parse_json(std::string_view text, const std::string& where, TextPlace first = {});
Json read_json(const std::filesystem::path& path);

/// Typed members of an object. Throw DataError: "config.json: hidden_size: expected an integer,
/// found "abc"". The `_or` forms take a default for an absent or null member.
int64_t json_int(const Json& object, const std::string& key, const std::string& where);
int64_t json_int_or(const Json& object, const std::string& key, int64_t fallback,
                    const std::string& where);
double json_double_or(const Json& object, const std::string& key, double fallback,
                      const std::string& where);
bool json_bool_or(const Json& object, const std::string& key, bool fallback,
                  const std::string& where);
std::string json_string(const Json& object, const std::string& key, const std::string& where);
std::string json_string_or(const Json& object, const std::string& key, const std::string& fallback,
                           const std::string& where);

/// Offset of the first byte that is not part of valid UTF-8 (surrogates and overlong forms are
/// not).
std::optional<size_t> first_invalid_utf8(std::string_view text);

/// Throws DataError: "where:line:column: not valid UTF-8"; columns count bytes.
void require_utf8(std::string_view text, const std::string& where);

}  // namespace distill
