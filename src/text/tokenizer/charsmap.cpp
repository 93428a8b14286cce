#include "text/tokenizer/charsmap.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/io/json.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

std::string from_base64(std::string_view text, const std::string& where) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) throw DataError(where + ": not base64: its length is no multiple of 4");
  while (text.ends_with("=")) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) throw DataError(where + ": not base64");
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return out;
}

uint32_t little_endian(std::string_view bytes) {
  const auto byte = [&](size_t i) { return uint32_t{static_cast<unsigned char>(bytes[i])}; };
  return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

// The parts of a unit of the double array.
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
uint32_t offset(uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }

}  // namespace

Charsmap::Charsmap(const std::string& base64, const std::string& where) {
  const std::string bytes = from_base64(base64, where);
  const size_t trie_bytes = bytes.size() < 4 ? 0 : little_endian(bytes) / 4 * size_t{4};
  if (trie_bytes == 0 || trie_bytes > bytes.size() - 4) {
    throw DataError(where + ": the table is cut off");
  }
  for (size_t at = 4; at < 4 + trie_bytes; at += 4) {
    trie_.push_back(little_endian(std::string_view(bytes).substr(at)));
  }
  replacements_ = bytes.substr(4 + trie_bytes);
  require_utf8(replacements_, where);
}

std::optional<std::string_view> Charsmap::find(std::string_view text) const {
  size_t node = offset(trie_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (byte == 0 || node >= trie_.size() || label(trie_[node]) != byte) return std::nullopt;
    const uint32_t unit = trie_[node];
    node ^= offset(unit);
    if (has_leaf(unit)) {
      if (node >= trie_.size()) return std::nullopt;
      return replacement(value(trie_[node]));
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> Charsmap::replacement(uint32_t place) const {
  const std::string_view all = replacements_;
  if (place > all.size() || (place < all.size() && is_utf8_continuation(all[place]))) {
    return std::nullopt;  // a damaged table
  }
  return all.substr(place, std::min(all.find('\0', place), all.size()) - place);
}

}  // namespace distill
