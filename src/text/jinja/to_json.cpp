// json.dumps, byte for byte.
#include <algorithm>
#include <cmath>

#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const Value& value) {
    switch (value.type()) {
      case Value::Type::kNone:
        return out_.append("null");
      case Value::Type::kBool:
        return out_.append(value.as_bool() ? "true" : "false");
      case Value::Type::kInt:
        return out_.append(std::to_string(value.as_int()));
      case Value::Type::kFloat:
        return out_.append(float_text(value.as_double()));
      case Value::Type::kString:
        return write_string(value.as_string());
      case Value::Type::kDict:
        return write_object(value.as_dict());
      case Value::Type::kSequence:
        if (value.is_sequence(Sequence::Kind::kList) || value.is_sequence(Sequence::Kind::kTuple)) {
          return write_array(value.items());
        }
        [[fallthrough]];
      default:
        throw Fault("Object of type " + value.type_name() + " is not JSON serializable");
    }
  }

  std::string take() { return out_.take(); }

 private:
  static std::string float_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return float_repr(value);
  }

  static std::string key_text(const Value& key) {
    switch (key.type()) {
      case Value::Type::kString:
        return key.as_string();
      case Value::Type::kNone:
        return "null";
      case Value::Type::kBool:
        return key.as_bool() ? "true" : "false";
      case Value::Type::kInt:
        return std::to_string(key.as_int());
      case Value::Type::kFloat:
        return float_text(key.as_double());
      default:
        throw Fault("keys must be str, int, float, bool or None, not " + key.type_name());
    }
  }

  void new_line() {
    if (!style_.indent) return;
    out_.append("\n");
    out_.append(level_, *style_.indent);
  }

  template <typename Items, typename WriteItem>
  void write_all(const Items& items, std::string_view open, std::string_view close,
                 WriteItem write_item) {
    out_.append(open);
    if (items.empty()) return out_.append(close);
    ++level_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_.append(style_.item_separator);
      first = false;
      new_line();
      write_item(item);
    }
    --level_;
    new_line();
    out_.append(close);
  }

  void write_array(const std::vector<Value>& items) {
    write_all(items, "[", "]", [&](const Value& item) { write(item); });
  }

  void write_object(const Dict& dict) {
    auto entries = dict.entries();
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [](const auto& a, const auto& b) { return less(a.first, b.first); });
    }
    write_all(entries, "{", "}", [&](const auto& entry) {
      write_string(key_text(entry.first));
      out_.append(style_.key_separator);
      write(entry.second);
    });
  }

  void write_escape(char32_t unit) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out_.append("\\u");
    for (const unsigned shift : {12U, 8U, 4U, 0U})
      out_.append(kHex.substr((unit >> shift) & 0xFU, 1));
  }

  void write_string(std::string_view text) {
    out_.append("\"");
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      const char32_t c = next_code_point(text, at);
      if (c == '"') {
        out_.append("\\\"");
      } else if (c == '\\') {
        out_.append("\\\\");
      } else if (c == '\n') {
        out_.append("\\n");
      } else if (c == '\r') {
        out_.append("\\r");
      } else if (c == '\t') {
        out_.append("\\t");
      } else if (c == '\f') {
        out_.append("\\f");
      } else if (c == '\b') {
        out_.append("\\b");
      } else if (c < 0x20 || (style_.ensure_ascii && c >= 0x7F && c < 0x10000)) {
        write_escape(c);
      } else if (style_.ensure_ascii && c >= 0x10000) {
        write_escape(0xD800 + ((c - 0x10000) >> 10U));
        write_escape(0xDC00 + ((c - 0x10000) & 0x3FFU));
      } else {
        out_.append(text.substr(begin, at - begin));
      }
    }
    out_.append("\"");
  }

  const JsonStyle& style_;
  BoundedText out_;
  size_t level_ = 0;
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value);
  return writer.take();
}

}  // namespace distill::jinja
