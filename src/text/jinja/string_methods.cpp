// str's methods, but those in string_search.cpp.
#include <algorithm>
#include <array>

#include "text/jinja/bind.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/methods.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

template <std::string (*kMap)(std::string_view)>
Value mapped(Interpreter&, const Value& self, const CallArgs& args) {
  const Bound bound("str method", args, {});
  return like(self, kMap(self.as_string()));
}

template <Side kSide>
Value stripped(Interpreter&, const Value& self, const CallArgs& args) {
  const Bound bound("strip", args, {"chars"});
  const std::string& text = self.as_string();
  const bool space = bound.at(0).is_none();
  return like(self, std::string(space ? strip_space(text, kSide)
                                      : strip_characters(text, bound.text(0), kSide)));
}

Value join(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("join", args, {"iterable"}, 1);
  BoundedText out;
  size_t index = 0;
  for (const Value& item : collect(in, bound.at(0))) {
    if (!item.is_string()) {
      throw Fault("sequence item " + std::to_string(index) + ": expected str instance, " +
                  item.type_name() + " found");
    }
    if (index++ > 0) out.append(self.as_string());
    out.append(item.as_string());
  }
  in.charge_bytes(out.size());
  return like(self, out.take());
}

enum class Adjust { kLeft, kRight, kCenter };

template <Adjust kAdjust>
Value adjusted(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("ljust", args, {"width", "fillchar"}, 1);
  const std::string fill = bound.has(1) ? bound.text(1) : " ";
  if (count_code_points(fill) != 1) throw Fault("the fill character must be one character long");
  const auto length = static_cast<int64_t>(count_code_points(self.as_string()));
  const int64_t width = bound.integer(0, 0);
  const int64_t room = width > length ? width - length : 0;
  const int64_t left = kAdjust == Adjust::kLeft    ? 0
                       : kAdjust == Adjust::kRight ? room
                                                   : room / 2 + (room & width & 1);
  BoundedText out;
  out.append(static_cast<size_t>(left), fill);
  out.append(self.as_string());
  out.append(static_cast<size_t>(room - left), fill);
  in.charge_bytes(out.size());
  return like(self, out.take());
}

Value zfill(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("zfill", args, {"width"}, 1);
  const std::string& text = self.as_string();
  const auto length = static_cast<int64_t>(count_code_points(text));
  const int64_t width = bound.integer(0, 0);
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  BoundedText out;
  out.append(text.substr(0, sign));
  out.append(static_cast<size_t>(width > length ? width - length : 0), "0");
  out.append(text.substr(sign));
  in.charge_bytes(out.size());
  return like(self, out.take());
}

bool is_alphanumeric(char32_t c) { return is_alpha(c) || is_digit(c); }

template <bool (*kTest)(char32_t)>
Value all_are(Interpreter&, const Value& self, const CallArgs& args) {
  const Bound bound("str method", args, {});
  const std::u32string text = decode(self.as_string());
  return Value::boolean(!text.empty() && std::all_of(text.begin(), text.end(), kTest));
}

template <bool (*kTest)(char32_t), bool (*kOpposite)(char32_t)>
Value is_case(Interpreter&, const Value& self, const CallArgs& args) {
  const Bound bound("str method", args, {});
  const std::u32string text = decode(self.as_string());
  return Value::boolean(std::any_of(text.begin(), text.end(), kTest) &&
                        std::none_of(text.begin(), text.end(), kOpposite));
}

constexpr auto kMethods = std::to_array<NamedMethod>({
    {"capitalize", mapped<capitalize>},
    {"center", adjusted<Adjust::kCenter>},
    {"isalnum", all_are<is_alphanumeric>},
    {"isalpha", all_are<is_alpha>},
    {"isdigit", all_are<is_digit>},
    {"islower", is_case<is_lower, is_upper>},
    {"isspace", all_are<is_space>},
    {"isupper", is_case<is_upper, is_lower>},
    {"join", join},
    {"ljust", adjusted<Adjust::kLeft>},
    {"lower", mapped<to_lower>},
    {"lstrip", stripped<Side::kLeft>},
    {"rjust", adjusted<Adjust::kRight>},
    {"rstrip", stripped<Side::kRight>},
    {"strip", stripped<Side::kBoth>},
    {"title", mapped<to_title>},
    {"upper", mapped<to_upper>},
    {"zfill", zfill},
});

}  // namespace

Method find_string_method(const std::string& name) {
  const Method method = find_method_in(kMethods, name);
  return method != nullptr ? method : find_search_method(name);
}

}  // namespace distill::jinja
