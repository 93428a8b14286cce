#include "data/contamination.h"

#include <utf8proc.h>

#include <algorithm>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr uint64_t kBase = 0x9E3779B97F4A7C15;  // odd: of the polynomial over a window's words
constexpr uint64_t kShort = 0xD6E8FEB86659FD93;
constexpr size_t kFirstCapacity = 1024;
constexpr size_t kSlack = 256;  // slots after the capacity, for the keys that are pushed past it

/// Every bit of the result depends on every bit of the value; no two values share one.
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93;
  value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93;
  return value ^ (value >> 32);
}

constexpr uint32_t kSpace = ' ';
constexpr uint32_t kDropped = 0;

/// A code point as it counts in a word: in lower case, or kSpace, or kDropped.
uint32_t normal_form(utf8proc_int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
      return kSpace;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_CF:  // soft hyphens, marks without width
      return kDropped;
    default:
      return static_cast<uint32_t>(utf8proc_tolower(code));
  }
}

/// The same of ASCII, whose symbols ($, +, <, ...) are punctuation, too, and whose control
/// characters are white space.
uint32_t ascii_form(uint32_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
  const bool in_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
  if (in_word) return c;
  return c <= ' ' || c == 0x7F ? kSpace : kDropped;
}

constexpr uint32_t kTableSize = 0x10000;

const std::vector<uint16_t>& forms() {
  static const std::vector<uint16_t> table = [] {
    std::vector<uint16_t> made(kTableSize);
    for (uint32_t c = 0; c < kTableSize; ++c) {
      const uint32_t form =
          c < 0x80 ? ascii_form(c) : normal_form(static_cast<utf8proc_int32_t>(c));
      made[c] = static_cast<uint16_t>(form < kTableSize ? form : c);
    }
    return made;
  }();
  return table;
}

/// The words of a text, one after another.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text), forms_(forms().data()) {}

  /// False at the end of the text.
  bool next() {
    bool found = false;
    uint64_t hash = 0;
    for (; at_ < text_.size(); at_ += width_) {
      const uint32_t form = read();
      if (form == kDropped) continue;
      if (form == kSpace) {
        if (!found) continue;
        break;
      }
      if (!found) begin_ = at_;
      found = true;
      hash = (hash ^ form) * kBase + 1;
      end_ = at_ + width_;
    }
    hash_ = mix(hash);
    return found;
  }
  uint64_t hash() const { return hash_; }
  size_t begin() const { return begin_; }
  size_t end() const { return end_; }

 private:
  /// The form of the code point at at_, whose bytes are width_. A byte that is not UTF-8 stands for
  /// itself.
  uint32_t read() {
    const auto first = static_cast<unsigned char>(text_[at_]);
    width_ = 1;
    if (first < 0x80) return forms_[first];
    utf8proc_int32_t code = -1;
    const auto width =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text_.data() + at_),
                         static_cast<utf8proc_ssize_t>(text_.size() - at_), &code);
    if (width <= 0) return first;
    width_ = static_cast<size_t>(width);
    const auto point = static_cast<uint32_t>(code);
    return point < kTableSize ? forms_[point] : normal_form(code);
  }

  std::string_view text_;
  const uint16_t* forms_;
  size_t at_ = 0;
  size_t width_ = 1;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t hash_ = 0;
};

/// Calls `visit(key, begin, end)` with each n-gram of the text and its bytes, or once with the key
/// of a shorter text's words; until it returns true.
template <typename Visit>
void visit_ngrams(std::string_view text, size_t n, uint64_t drop, const Visit& visit) {
  struct Word {
    uint64_t hash;
    size_t begin;
  };
  std::vector<Word> window(n);
  uint64_t sum = 0;
  size_t count = 0;
  size_t oldest = 0;
  Words words(text);
  while (words.next()) {
    Word& word = window[oldest];
    sum = (sum - (count < n ? 0 : word.hash) * drop) * kBase + words.hash();
    word = {words.hash(), words.begin()};
    oldest = oldest + 1 == n ? 0 : oldest + 1;
    if (++count >= n && visit(mix(sum), window[oldest].begin, words.end())) return;
  }
  if (count > 0 && count < n) visit(mix(sum + count * kShort), window[0].begin, words.end());
}

/// Where a key falls among `count`, in the order of the keys.
size_t share(uint64_t key, size_t count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<size_t>((Wide{key} * count) >> 64);
}

}  // namespace

NgramIndex::NgramIndex(size_t n) : n_(n), drop_(1) {
  if (n < 1) throw Error("NgramIndex: n is 0");
  for (size_t i = 1; i < n; ++i) drop_ *= kBase;
  grow();
}

bool NgramIndex::may_have(uint64_t key) const {
  const uint64_t bit = share(key << 32, 8 * capacity_);
  return (bits_[bit / 64] >> (bit % 64) & 1) != 0;
}

size_t NgramIndex::slot(uint64_t key) const {
  size_t at = share(key, capacity_);
  while (keys_[at] != 0 && keys_[at] < key) ++at;  // the last slot stays empty
  return at;
}

void NgramIndex::insert(uint64_t key, uint32_t place) {
  const size_t at = slot(key);
  if (keys_[at] == key) return;
  uint64_t* const end = keys_.data() + keys_.size();
  uint64_t* const gap = std::find(keys_.data() + at, end, 0U);
  if (size_ >= capacity_ - capacity_ / 10 || end - gap <= 1) {
    grow();
    return insert(key, place);
  }
  uint32_t* const owner = owners_.data() + at;
  const auto moved = gap - (keys_.data() + at);
  std::copy_backward(gap - moved, gap, gap + 1);
  std::copy_backward(owner, owner + moved, owner + moved + 1);
  keys_[at] = key;
  owners_[at] = place;
  const uint64_t bit = share(key << 32, 8 * capacity_);
  bits_[bit / 64] |= uint64_t{1} << (bit % 64);
  ++size_;
}

void NgramIndex::grow() {
  const std::vector<uint64_t> keys = std::move(keys_);
  const std::vector<uint32_t> owners = std::move(owners_);
  capacity_ = std::max(kFirstCapacity, capacity_ + capacity_ / 4);
  keys_.assign(capacity_ + kSlack, 0);
  owners_.assign(capacity_ + kSlack, 0);
  bits_.assign(capacity_ / 8 + 1, 0);
  size_ = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] != 0) insert(keys[i], owners[i]);
  }
}

void NgramIndex::add(std::string_view text, std::string place) {
  if (places_.size() == UINT32_MAX) throw DataError(place + ": too many evaluation texts");
  const auto owner = static_cast<uint32_t>(places_.size());
  places_.push_back(std::move(place));
  visit_ngrams(text, n_, drop_, [&](uint64_t key, size_t, size_t) {
    insert(std::max<uint64_t>(key, 1), owner);
    return false;
  });
}

std::optional<NgramIndex::Match> NgramIndex::find(std::string_view text) const {
  std::optional<Match> match;
  visit_ngrams(text, n_, drop_, [&](uint64_t key, size_t begin, size_t end) {
    key = std::max<uint64_t>(key, 1);
    if (!may_have(key)) return false;
    const size_t at = slot(key);
    if (keys_[at] != key) return false;
    match = Match{places_[owners_[at]], std::string(text.substr(begin, end - begin))};
    return true;
  });
  return match;
}

size_t NgramIndex::bytes() const { return keys_.size() * (sizeof(uint64_t) + sizeof(uint32_t)); }

}  // namespace distill
