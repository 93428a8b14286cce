#include "distill/io/json.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <vector>

#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {
namespace {

constexpr size_t kMaxDepth = 200;

/// The text as nlohmann's reader sees it; `*seen` is how far it has read.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor() = default;
  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_ = nullptr;
  const char** seen_ = nullptr;
};

/// Index of a key that an earlier one equals. `keys` may hold 150000: a table of indices, open
/// addressing, at most half full.
std::optional<size_t> find_duplicate(const std::string* keys, size_t count) {
  size_t size = 4;
  while (size < 2 * count) size *= 2;
  std::vector<size_t> table(size, count);
  for (size_t i = 0; i < count; ++i) {
    size_t slot = std::hash<std::string>()(keys[i]) & (size - 1);
    for (; table[slot] != count; slot = (slot + 1) & (size - 1)) {
      if (keys[table[slot]] == keys[i]) return i;
    }
    table[slot] = i;
  }
  return std::nullopt;
}

/// Builds the tree. nlohmann's own handler would search an object's members for every new key, and
/// copies a member's whole value when the members move. Values wait on one stack until their array
/// or object ends.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, const std::string& where, TextPlace first)
      : text_(text), where_(where), first_(first), seen_(text.data()) {}

  Json parse() {
    const char* begin = text_.data();
    Json::sax_parse(Cursor(begin, &seen_), Cursor(begin + text_.size(), &seen_), this);
    return std::move(values_.back());
  }

  [[noreturn]] void fail(size_t offset, const std::string& what) const {
    const std::string_view before = text_.substr(0, std::min(offset, text_.size()));
    const size_t newline = before.rfind('\n');
    const bool first_line = newline == std::string_view::npos;
    const std::string_view line = first_line ? before : before.substr(newline + 1);
    const auto characters = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    throw DataError(where_ + ":" +
                    std::to_string(first_.line + std::count(before.begin(), before.end(), '\n')) +
                    ":" + std::to_string((first_line ? first_.column : 1) + characters) + ": " +
                    what);
  }

  bool null() override { return push(Json()); }
  bool boolean(bool value) override { return push(Json(value)); }
  bool number_integer(int64_t value) override { return push(Json(value)); }
  bool number_unsigned(uint64_t value) override { return push(Json(value)); }
  bool number_float(double value, const std::string& /*text*/) override {
    return push(Json(value));
  }
  bool string(std::string& value) override { return push(Json(std::move(value))); }
  bool binary(Json::binary_t& /*value*/) override { return false; }

  bool start_object(size_t /*count*/) override { return open(); }
  bool start_array(size_t /*count*/) override { return open(); }

  bool key(std::string& name) override {
    keys_.push_back(std::move(name));
    key_ends_.push_back(offset());
    return true;
  }

  bool end_object() override {
    const Frame frame = close();
    const size_t count = keys_.size() - frame.key;
    if (const auto twice = find_duplicate(keys_.data() + frame.key, count)) {
      fail(start_of_string(key_ends_[frame.key + *twice]),
           "the key \"" + keys_[frame.key + *twice] + "\" is given twice");
    }
    Json::object_t members;
    members.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      // The container's own: ordered_map's looks for the key first.
      members.Json::object_t::Container::emplace_back(std::move(keys_[frame.key + i]),
                                                      std::move(values_[frame.value + i]));
    }
    keys_.resize(frame.key);
    key_ends_.resize(frame.key);
    values_.resize(frame.value);
    return push(Json(std::move(members)));
  }

  bool end_array() override {
    const Frame frame = close();
    const auto first = values_.begin() + static_cast<std::ptrdiff_t>(frame.value);
    Json::array_t items(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.resize(frame.value);
    return push(Json(std::move(items)));
  }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..."
    const std::string_view what = error.what();
    const size_t place = what.find("column ");
    const size_t colon = place == std::string_view::npos ? place : what.find(": ", place);
    const size_t id = what.find("] ");
    std::string_view message = colon != std::string_view::npos ? what.substr(colon + 2)
                               : id != std::string_view::npos  ? what.substr(id + 2)
                                                               : what;
    // What was read last may end in the middle of a character.
    if (first_invalid_utf8(message)) message = message.substr(0, message.find("; last read"));
    fail(position > 0 ? position - 1 : 0, "not valid JSON: " + std::string(message));
  }

 private:
  struct Frame {
    size_t value;  // the first of the values and keys that belong to it
    size_t key;
  };

  size_t offset() const { return static_cast<size_t>(seen_ - text_.data()); }

  /// Offset of the quote that opens the string which ends (quote included) at `end`.
  size_t start_of_string(size_t end) const {
    for (size_t at = end - 1; at > 0;) {
      --at;
      size_t backslashes = 0;
      while (backslashes < at && text_[at - 1 - backslashes] == '\\') ++backslashes;
      if (text_[at] == '"' && backslashes % 2 == 0) return at;
    }
    return 0;
  }

  bool push(Json&& value) {
    values_.push_back(std::move(value));
    return true;
  }

  bool open() {
    if (frames_.size() == kMaxDepth) {
      fail(offset() - 1, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    }
    frames_.push_back({values_.size(), keys_.size()});
    return true;
  }

  Frame close() {
    const Frame frame = frames_.back();
    frames_.pop_back();
    return frame;
  }

  std::string_view text_;
  const std::string& where_;
  TextPlace first_;
  const char* seen_;
  std::vector<Json> values_;
  std::vector<std::string> keys_;
  std::vector<size_t> key_ends_;
  std::vector<Frame> frames_;
};

/// The end of one well-formed character at `at`, or `at` itself.
const unsigned char* skip_character(const unsigned char* at, const unsigned char* end) {
  const auto continues = [&](int i) { return end - at > i && (at[i] & 0xC0) == 0x80; };
  const unsigned char lead = at[0];
  if (lead < 0x80) return at + 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? at + 2 : at;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return at;
    const bool overlong = lead == 0xE0 && at[1] < 0xA0;
    const bool surrogate = lead == 0xED && at[1] >= 0xA0;
    return overlong || surrogate ? at : at + 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return at;
    const bool overlong = lead == 0xF0 && at[1] < 0x90;
    const bool too_large = lead == 0xF4 && at[1] >= 0x90;
    return overlong || too_large ? at : at + 4;
  }
  return at;
}

std::string describe(const Json& value) {
  constexpr size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

/// The member, or null where it is absent or null.
const Json* find_member(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object()) {
    throw DataError(where + ": expected an object, found " + describe(object));
  }
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

template <typename T>
T convert(const Json& value, const std::string& key, const std::string& where) {
  const auto expected = [&](const char* what) -> DataError {
    return DataError(where + ": " + key + ": expected " + what + ", found " + describe(value));
  };
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) throw expected("true or false");
  } else if constexpr (std::is_same_v<T, int64_t>) {
    constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();
    const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= kLargest;
    if (!value.is_number_integer() || !fits) throw expected("an integer");
  } else if constexpr (std::is_same_v<T, double>) {
    if (!value.is_number()) throw expected("a number");
  } else {
    if (!value.is_string()) throw expected("a string");
  }
  return value.get<T>();
}

template <typename T>
T member(const Json& object, const std::string& key, const std::string& where) {
  const Json* value = find_member(object, key, where);
  if (value == nullptr) throw DataError(where + ": " + key + ": missing");
  return convert<T>(*value, key, where);
}

template <typename T>
T member_or(const Json& object, const std::string& key, const T& fallback,
            const std::string& where) {
  const Json* value = find_member(object, key, where);
  return value == nullptr ? fallback : convert<T>(*value, key, where);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where, TextPlace first) {
  TreeBuilder builder(text, where, first);
  if (text.starts_with("\xEF\xBB\xBF")) {
    builder.fail(0, "the text starts with a byte order mark; save it as UTF-8 without one");
  }
  if (const auto bad = first_invalid_utf8(text)) builder.fail(*bad, "not valid UTF-8");
  return builder.parse();
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

int64_t json_int(const Json& object, const std::string& key, const std::string& where) {
  return member<int64_t>(object, key, where);
}

int64_t json_int_or(const Json& object, const std::string& key, int64_t fallback,
                    const std::string& where) {
  return member_or(object, key, fallback, where);
}

double json_double_or(const Json& object, const std::string& key, double fallback,
                      const std::string& where) {
  return member_or(object, key, fallback, where);
}

bool json_bool_or(const Json& object, const std::string& key, bool fallback,
                  const std::string& where) {
  return member_or(object, key, fallback, where);
}

std::string json_string(const Json& object, const std::string& key, const std::string& where) {
  return member<std::string>(object, key, where);
}

std::string json_string_or(const Json& object, const std::string& key, const std::string& fallback,
                           const std::string& where) {
  return member_or(object, key, fallback, where);
}

std::optional<size_t> first_invalid_utf8(std::string_view text) {
  const auto* const begin = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = begin + text.size();
  for (const unsigned char* at = begin; at < end;) {
    uint64_t eight = 0;
    if (end - at >= 8) {
      std::memcpy(&eight, at, 8);
      if ((eight & 0x8080808080808080U) == 0) {
        at += 8;
        continue;
      }
    }
    const unsigned char* next = skip_character(at, end);
    if (next == at) return static_cast<size_t>(at - begin);
    at = next;
  }
  return std::nullopt;
}

void require_utf8(std::string_view text, const std::string& where) {
  const std::optional<size_t> bad = first_invalid_utf8(text);
  if (!bad) return;
  const std::string_view before = text.substr(0, *bad);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = *bad - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  throw DataError(where + ":" + std::to_string(line) + ":" + std::to_string(column) +
                  ": not valid UTF-8");
}

}  // namespace distill
