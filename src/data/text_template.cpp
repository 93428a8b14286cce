#include "data/text_template.h"

#include "distill/core/error.h"

namespace distill {

TextTemplate::TextTemplate(std::string_view source) {
  std::string text;
  for (size_t at = 0; at < source.size(); ++at) {
    const char c = source[at];
    const bool doubled = at + 1 < source.size() && source[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      text += c;
      ++at;
    } else if (c == '}') {
      throw DataError("'}' without '{'; write }} for a brace");
    } else if (c == '{') {
      const size_t end = source.find_first_of("{}", at + 1);
      if (end == std::string_view::npos || source[end] == '{' || end == at + 1) {
        throw DataError("expected a column's name and '}' after '{'; write {{ for a brace");
      }
      pieces_.push_back({std::move(text), false});
      text.clear();
      pieces_.push_back({std::string(source.substr(at + 1, end - at - 1)), true});
      at = end;
    } else {
      text += c;
    }
  }
  pieces_.push_back({std::move(text), false});
}

std::string TextTemplate::fill(const Json& record) const {
  std::string filled;
  for (const Piece& piece : pieces_) {
    if (!piece.is_column) {
      filled += piece.text;
      continue;
    }
    const Json& value = column_of(record, piece.text);
    if (!value.is_primitive() || value.is_null()) {
      throw DataError("the column '" + piece.text + "': expected text or a number, found " +
                      shorten(value));
    }
    filled += value.is_string() ? value.get_ref<const std::string&>() : value.dump();
  }
  return filled;
}

const Json& column_of(const Json& record, const std::string& name) {
  if (!record.is_object()) {
    throw DataError("expected a record (a JSON object), found " + shorten(record));
  }
  const auto found = record.find(name);
  if (found != record.end()) return *found;
  std::string columns;
  for (const auto& [column, value] : record.items()) {
    columns += (columns.empty() ? "'" : ", '") + column + "'";
  }
  throw DataError("the column '" + name + "' is missing; the record has " +
                  (columns.empty() ? "none" : columns));
}

const std::string& text_column(const Json& record, const std::string& name) {
  const Json& value = column_of(record, name);
  if (!value.is_string()) {
    throw DataError("the column '" + name + "': expected a string, found " + shorten(value));
  }
  return value.get_ref<const std::string&>();
}

std::string shorten(const Json& value) {
  constexpr size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text += "...";
  }
  return text;
}

}  // namespace distill
