// str's methods that look for text in text.
#include <algorithm>
#include <array>
#include <cstring>

#include "text/jinja/bind.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

/// The first place of `part` from `from` on, in linear time.
size_t find_from(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return std::string::npos;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? std::string::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

/// The last place of `part` that starts at `from` or before. Its time is charged as what a search
/// from the right can cost.
size_t find_last(Interpreter& in, std::string_view text, std::string_view part, size_t from) {
  in.charge((text.size() / 64) * (part.size() / 64));
  return text.rfind(part, from);
}

/// Pieces between runs of white space, at most `limit` of them split off; from the right end when
/// `from_right`.
std::vector<Value> split_space(Interpreter& in, std::string_view text, int64_t limit,
                               bool from_right) {
  std::vector<Value> pieces;
  const Side first = from_right ? Side::kRight : Side::kLeft;
  for (text = strip_space(text, first); !text.empty(); text = strip_space(text, first)) {
    in.charge(2);
    size_t end = 0;
    const bool last = limit >= 0 && static_cast<int64_t>(pieces.size()) >= limit;
    if (last) end = text.size();
    while (end < text.size()) {
      const size_t from = from_right ? text.size() - end - 1 : end;
      size_t begin = from;
      while (from_right && begin > 0 &&
             (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) {
        --begin;
      }
      size_t next = begin;
      if (is_space(next_code_point(text, next))) break;
      end = from_right ? text.size() - begin : next;
    }
    const size_t at = from_right ? text.size() - end : 0;
    pieces.push_back(Value::string(std::string(text.substr(at, end))));
    text = from_right ? text.substr(0, at) : text.substr(end);
  }
  if (from_right) std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

std::vector<Value> split_text(Interpreter& in, const std::string& text,
                              const std::string& separator, int64_t limit, bool from_right) {
  if (separator.empty()) throw Fault("empty separator");
  std::vector<size_t> cuts;
  if (from_right) {
    size_t end = text.size();
    while (limit < 0 || static_cast<int64_t>(cuts.size()) < limit) {
      if (end < separator.size()) break;
      const size_t cut = find_last(in, text, separator, end - separator.size());
      if (cut == std::string::npos) break;
      cuts.push_back(cut);
      end = cut;
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    size_t from = 0;
    while (limit < 0 || static_cast<int64_t>(cuts.size()) < limit) {
      const size_t cut = find_from(text, separator, from);
      if (cut == std::string::npos) break;
      cuts.push_back(cut);
      from = cut + separator.size();
    }
  }
  in.charge(4 * cuts.size());
  std::vector<Value> pieces;
  size_t begin = 0;
  for (const size_t cut : cuts) {
    pieces.push_back(Value::string(text.substr(begin, cut - begin)));
    begin = cut + separator.size();
  }
  pieces.push_back(Value::string(text.substr(begin)));
  return pieces;
}

template <bool kFromRight>
Value split(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("split", args, {"sep", "maxsplit"});
  const int64_t limit = bound.integer(1, -1);
  if (bound.at(0).is_none())
    return Value::list(split_space(in, self.as_string(), limit, kFromRight));
  return Value::list(split_text(in, self.as_string(), bound.text(0), limit, kFromRight));
}

Value splitlines(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("splitlines", args, {"keepends"});
  std::vector<Value> lines;
  for (const std::string_view line : split_lines(self.as_string(), bound.flag(0, false))) {
    in.charge(2);
    lines.push_back(Value::string(std::string(line)));
  }
  return Value::list(std::move(lines));
}

template <bool kFromRight>
Value partition(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("partition", args, {"sep"}, 1);
  const std::string& text = self.as_string();
  const std::string& separator = bound.text(0);
  if (separator.empty()) throw Fault("empty separator");
  const size_t at =
      kFromRight ? find_last(in, text, separator, text.size()) : find_from(text, separator, 0);
  const auto make = [](std::string a, std::string b, std::string c) {
    return Value::tuple(
        {Value::string(std::move(a)), Value::string(std::move(b)), Value::string(std::move(c))});
  };
  if (at == std::string::npos) return kFromRight ? make("", "", text) : make(text, "", "");
  return make(text.substr(0, at), separator, text.substr(at + separator.size()));
}

/// The text between two optional code point positions; nothing when they leave no place for even an
/// empty text.
std::optional<std::string_view> window(Interpreter& in, const Value& self, const Value& start,
                                       const Value& stop) {
  const std::string_view text = self.as_string();
  const auto bytes_before = [&](const Value& position) {
    return get_slice(in, self, Value(), position, Value()).as_string().size();
  };
  const size_t begin = start.is_none() ? 0 : bytes_before(start);
  const size_t end = stop.is_none() ? text.size() : bytes_before(stop);
  const bool beyond = !start.is_none() && begin == text.size() &&
                      to_index(start, "a position") > static_cast<int64_t>(count_code_points(text));
  if (begin > end || beyond) return std::nullopt;
  return text.substr(begin, end - begin);
}

template <bool kAtEnd>
Value has_affix(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound(kAtEnd ? "endswith" : "startswith", args, {"affix", "start", "end"}, 1);
  const auto text = window(in, self, bound.at(1), bound.at(2));
  const auto matches = [&](const Value& affix) {
    if (affix.is_undefined()) throw Fault(affix.undefined_message());
    if (!affix.is_string()) {
      throw Fault(std::string(kAtEnd ? "endswith" : "startswith") +
                  " first arg must be str or a tuple of str, not " + affix.type_name());
    }
    if (!text) return false;
    return kAtEnd ? text->ends_with(affix.as_string()) : text->starts_with(affix.as_string());
  };
  if (!bound.at(0).is_sequence(Sequence::Kind::kTuple)) return Value::boolean(matches(bound.at(0)));
  const auto& affixes = bound.at(0).items();
  return Value::boolean(std::any_of(affixes.begin(), affixes.end(), matches));
}

template <bool kFromRight, bool kMustExist>
Value find(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("find", args, {"sub", "start", "end"}, 1);
  const auto text = window(in, self, bound.at(1), bound.at(2));
  const std::string& part = bound.text(0);
  const size_t at = !text        ? std::string::npos
                    : kFromRight ? find_last(in, *text, part, text->size())
                                 : find_from(*text, part, 0);
  if (at == std::string::npos) {
    if (kMustExist) throw Fault("substring not found");
    return Value::integer(-1);
  }
  const size_t offset = static_cast<size_t>(text->data() - self.as_string().data()) + at;
  const std::string_view before = std::string_view(self.as_string()).substr(0, offset);
  return Value::integer(static_cast<int64_t>(count_code_points(before)));
}

Value count(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("count", args, {"sub", "start", "end"}, 1);
  const auto text = window(in, self, bound.at(1), bound.at(2));
  const std::string& part = bound.text(0);
  if (!text) return Value::integer(0);
  if (part.empty()) return Value::integer(static_cast<int64_t>(count_code_points(*text)) + 1);
  int64_t found = 0;
  for (size_t at = find_from(*text, part, 0); at != std::string::npos;
       at = find_from(*text, part, at + part.size())) {
    ++found;
  }
  return Value::integer(found);
}

Value replace(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("replace", args, {"old", "new", "count"}, 2);
  std::string text =
      replace_all(self.as_string(), bound.text(0), bound.text(1), bound.integer(2, -1));
  in.charge_bytes(text.size());
  return like(self, std::move(text));
}

template <bool kSuffix>
Value remove_affix(Interpreter&, const Value& self, const CallArgs& args) {
  const Bound bound(kSuffix ? "removesuffix" : "removeprefix", args, {"affix"}, 1);
  const std::string& text = self.as_string();
  const std::string& affix = bound.text(0);
  if (kSuffix ? !text.ends_with(affix) : !text.starts_with(affix)) return self;
  return like(self, text.substr(kSuffix ? 0 : affix.size(), text.size() - affix.size()));
}

constexpr auto kMethods = std::to_array<NamedMethod>({
    {"count", count},
    {"endswith", has_affix<true>},
    {"find", find<false, false>},
    {"index", find<false, true>},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace},
    {"rfind", find<true, false>},
    {"rindex", find<true, true>},
    {"rpartition", partition<true>},
    {"rsplit", split<true>},
    {"split", split<false>},
    {"splitlines", splitlines},
    {"startswith", has_affix<false>},
});

}  // namespace

std::string replace_all(const std::string& text, const std::string& old, const std::string& fresh,
                        int64_t count) {
  BoundedText out;
  size_t at = 0;
  for (; count != 0; --count) {
    size_t found = find_from(text, old, at);
    if (found == std::string::npos) break;
    if (old.empty()) {
      // Before every character, and at the end.
      out.append(fresh);
      if (at == text.size()) return out.take();
      size_t next = at;
      next_code_point(text, next);
      out.append(std::string_view(text).substr(at, next - at));
      at = next;
    } else {
      out.append(std::string_view(text).substr(at, found - at));
      out.append(fresh);
      at = found + old.size();
    }
  }
  out.append(std::string_view(text).substr(at));
  return out.take();
}

Method find_search_method(const std::string& name) { return find_method_in(kMethods, name); }

}  // namespace distill::jinja
