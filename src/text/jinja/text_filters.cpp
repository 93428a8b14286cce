// Filters that give text, and `default`.
#include <array>

#include "text/jinja/bind.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/methods.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

bool is_markup(const Value& value) { return value.is_string() && value.as_text().markup; }

/// The value as text, charged; what was markup stays markup in `like`.
std::string text_of(Interpreter& in, const Value& value) {
  std::string text = to_text(value);
  in.charge_bytes(text.size());
  return text;
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("filter", args, {});
  return Value::string(kMap(text_of(in, value)), is_markup(value));
}

bool starts_word(char32_t c) {
  return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_space(c);
}

/// Jinja's own idea of words, unlike str.title.
Value title(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("title", args, {});
  const std::u32string text = decode(text_of(in, value));
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const bool separator = starts_word(text[begin]);
    size_t end = begin;
    while (end < text.size() && starts_word(text[end]) == separator) ++end;
    out += to_upper(encode(text.substr(begin, 1)));
    out += to_lower(encode(text.substr(begin + 1, end - begin - 1)));
    begin = end;
  }
  return Value::string(std::move(out));
}

Value trim(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("trim", args, {"chars"});
  const std::string text = text_of(in, value);
  const std::string_view inner = bound.at(0).is_none()
                                     ? strip_space(text, Side::kBoth)
                                     : strip_characters(text, bound.text(0), Side::kBoth);
  return Value::string(std::string(inner), is_markup(value));
}

Value replace(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("replace", args, {"old", "new", "count"}, 2);
  const int64_t count = bound.at(2).is_none() ? -1 : bound.integer(2, -1);
  std::string text =
      replace_all(text_of(in, value), to_text(bound.at(0)), to_text(bound.at(1)), count);
  in.charge_bytes(text.size());
  return Value::string(std::move(text));
}

Value string(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("string", args, {});
  return value.is_string() ? value : Value::string(text_of(in, value));
}

Value safe(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("safe", args, {});
  return Value::string(text_of(in, value), true);
}

Value escape(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("escape", args, {});
  return is_markup(value) ? value : Value::string(escape_html(text_of(in, value)), true);
}

Value force_escape(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("forceescape", args, {});
  return Value::string(escape_html(text_of(in, value)), true);
}

Value default_value(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("default", args, {"default_value", "boolean"});
  const bool replaced = value.is_undefined() || (bound.flag(1, false) && !value.truthy());
  if (!replaced) return value;
  return bound.has(0) ? bound.at(0) : Value::string("");
}

Value indent(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("indent", args, {"width", "first", "blank"});
  if (!value.is_string()) throw Fault("indent needs a string, not " + value.type_name());
  const Value& width = bound.at(0);
  BoundedText indention;
  if (width.is_string()) {
    indention.append(width.as_string());
  } else {
    indention.append(static_cast<size_t>(std::max<int64_t>(bound.integer(0, 4), 0)), " ");
  }
  const std::string text = value.as_string() + "\n";
  in.charge_bytes(text.size());
  BoundedText out;
  if (bound.flag(1, false)) out.append(indention.view());
  bool first = true;
  for (const std::string_view line : split_lines(text)) {
    if (!first) out.append("\n");
    if (!first && (bound.flag(2, false) || !line.empty())) out.append(indention.view());
    out.append(line);
    first = false;
  }
  in.charge_bytes(out.size());
  return Value::string(out.take(), value.as_text().markup);
}

Value join(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("join", args, {"d", "attribute"});
  const std::string separator = bound.has(0) ? to_text(bound.at(0)) : "";
  const AttributePath path(bound.at(1));
  const std::shared_ptr<Iterator> items = iterate(value);
  BoundedText out;
  Value item;
  for (bool first = true; items->next(item); first = false) {
    in.charge(1);
    if (!first) out.append(separator);
    out.append(to_text(path.get(in, item)));
  }
  in.charge_bytes(out.size());
  return Value::string(out.take());
}

JsonStyle json_style(const Bound& bound) {
  JsonStyle style;
  style.ensure_ascii = bound.flag(0, false);
  if (bound.at(1).is_string()) {
    style.indent = bound.text(1);
  } else if (!bound.at(1).is_none()) {
    constexpr int64_t kWidest = 1000;
    const int64_t width = bound.integer(1, 0);
    if (width > kWidest) throw Fault("tojson: an indent beyond 1000 is not supported");
    style.indent = std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (!bound.at(2).is_none()) {
    const Value& pair = bound.at(2);
    if (!pair.is_sequence() || pair.items().size() != 2 || !pair.items()[0].is_string() ||
        !pair.items()[1].is_string()) {
      throw Fault("tojson: separators must be two strings");
    }
    style.item_separator = pair.items()[0].as_string();
    style.key_separator = pair.items()[1].as_string();
  }
  style.sort_keys = bound.flag(3, false);
  return style;
}

Value tojson(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("tojson", args, {"ensure_ascii", "indent", "separators", "sort_keys"});
  in.charge(value.weight());
  std::string text = to_json(value, json_style(bound));
  in.charge_bytes(text.size());
  return Value::string(std::move(text));
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"capitalize", mapped<capitalize>},
    {"d", default_value},
    {"default", default_value},
    {"e", escape},
    {"escape", escape},
    {"forceescape", force_escape},
    {"indent", indent},
    {"join", join},
    {"lower", mapped<to_lower>},
    {"replace", replace},
    {"safe", safe},
    {"string", string},
    {"title", title},
    {"tojson", tojson},
    {"trim", trim},
    {"upper", mapped<to_upper>},
});

}  // namespace

FilterFunction find_text_filter(std::string_view name) { return find_in(kFilters, name); }

}  // namespace distill::jinja
