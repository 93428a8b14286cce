#include "text/jinja/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

void append_hex(BoundedText& out, std::string_view prefix, char32_t c, size_t digits) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.append(prefix);
  for (size_t i = digits; i-- > 0;) out.append(1, kHex.substr((c >> (4 * i)) & 0xFU, 1));
}

void append_string_repr(BoundedText& out, const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const bool use_double = has_single && text.find('"') == std::string::npos;
  const std::string_view quote = use_double ? "\"" : "'";
  out.append(quote);
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == '\\' || (c < 128 && quote[0] == static_cast<char>(c))) {
      out.append("\\");
      out.append_code_point(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (is_printable(c)) {
      out.append_code_point(c);
    } else if (c < 0x100) {
      append_hex(out, "\\x", c, 2);
    } else if (c < 0x10000) {
      append_hex(out, "\\u", c, 4);
    } else {
      append_hex(out, "\\U", c, 8);
    }
  }
  out.append(quote);
}

void append_repr(BoundedText& out, const Value& value);

void append_items(BoundedText& out, const std::vector<Value>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(out, items[i]);
  }
}

void append_sequence(BoundedText& out, const Sequence& sequence) {
  switch (sequence.kind) {
    case Sequence::Kind::kRange:
      throw Fault("a range cannot be printed; use range(...) | list");
    case Sequence::Kind::kTuple:
      out.append("(");
      append_items(out, sequence.items);
      out.append(sequence.items.size() == 1 ? ",)" : ")");
      return;
    case Sequence::Kind::kKeys:
      out.append("dict_keys(");
      break;
    case Sequence::Kind::kValues:
      out.append("dict_values(");
      break;
    case Sequence::Kind::kItems:
      out.append("dict_items(");
      break;
    case Sequence::Kind::kList:
      break;
  }
  out.append("[");
  append_items(out, sequence.items);
  out.append(sequence.kind == Sequence::Kind::kList ? "]" : "])");
}

void append_dict(BoundedText& out, const Dict& dict) {
  out.append("{");
  bool first = true;
  for (const auto& [key, item] : dict.entries()) {
    if (!first) out.append(", ");
    first = false;
    append_repr(out, key);
    out.append(": ");
    append_repr(out, item);
  }
  out.append("}");
}

void append_repr(BoundedText& out, const Value& value) {
  switch (value.type()) {
    case Value::Type::kUndefined:
      out.append("Undefined");
      return;
    case Value::Type::kNone:
      out.append("None");
      return;
    case Value::Type::kBool:
      out.append(value.as_bool() ? "True" : "False");
      return;
    case Value::Type::kInt:
      out.append(std::to_string(value.as_int()));
      return;
    case Value::Type::kFloat:
      out.append(float_repr(value.as_double()));
      return;
    case Value::Type::kString:
      if (value.as_text().markup) out.append("Markup(");
      append_string_repr(out, value.as_string());
      if (value.as_text().markup) out.append(")");
      return;
    case Value::Type::kSequence:
      return append_sequence(out, value.as_sequence());
    case Value::Type::kDict:
      return append_dict(out, value.as_dict());
    case Value::Type::kIterator:
      throw Fault("a generator cannot be printed; add `| list`");
    case Value::Type::kObject:
      throw Fault("a value of type " + value.type_name() + " cannot be printed");
  }
}

}  // namespace

void BoundedText::append(std::string_view text) { append(1, text); }

void BoundedText::append(size_t count, std::string_view text) {
  if (text.empty() || count == 0) return;
  if (count > (kMaxTextBytes - text_.size()) / text.size()) {
    throw Fault("a text grows beyond 64 MiB");
  }
  for (size_t i = 0; i < count; ++i) text_.append(text);
}

void BoundedText::append_code_point(char32_t code_point) {
  std::string bytes;
  jinja::append_code_point(bytes, code_point);
  append(bytes);
}

std::string to_text(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_undefined()) return {};
  return to_repr(value);
}

std::string to_repr(const Value& value) {
  BoundedText out;
  append_repr(out, value);
  return out.take();
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr;
  std::string text(buffer, end);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string escape_html(std::string_view text) {
  BoundedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      case '"':
        out.append("&#34;");
        break;
      default:
        out.append(text.substr(i, 1));
    }
  }
  return out.take();
}

bool less(const Value& a, const Value& b, std::string_view op) {
  if (a.is_number() && b.is_number()) {
    if (!a.is_float() && !b.is_float()) return a.as_int() < b.as_int();
    return a.as_double() < b.as_double();
  }
  if (a.is_string() && b.is_string()) return a.as_string() < b.as_string();
  const bool ordered = a.is_sequence() && b.is_sequence() &&
                       a.as_sequence().kind == b.as_sequence().kind &&
                       (a.as_sequence().kind == Sequence::Kind::kList ||
                        a.as_sequence().kind == Sequence::Kind::kTuple);
  if (!ordered) {
    if (a.is_undefined()) throw Fault(a.undefined_message());
    if (b.is_undefined()) throw Fault(b.undefined_message());
    throw Fault("'" + std::string(op) + "' not supported between instances of '" + a.type_name() +
                "' and '" + b.type_name() + "'");
  }
  const size_t shared = std::min(a.items().size(), b.items().size());
  for (size_t i = 0; i < shared; ++i) {
    if (!equal(a.items()[i], b.items()[i])) return less(a.items()[i], b.items()[i], op);
  }
  return a.items().size() < b.items().size();
}

}  // namespace distill::jinja
