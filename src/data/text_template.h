// "Question: {question}": text with the columns of a record in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "distill/io/json.h"

namespace distill {

class TextTemplate {
 public:
  /// Throws DataError for a brace without its other half and for an empty name.
  explicit TextTemplate(std::string_view source);

  /// Throws DataError for a column that is missing or neither text, number nor boolean.
  std::string fill(const Json& record) const;

 private:
  struct Piece {
    std::string text;
    bool is_column;
  };
  std::vector<Piece> pieces_;
};

/// A column of a record. Throws DataError that lists the columns there are.
const Json& column_of(const Json& record, const std::string& name);

/// A column of text. Throws DataError for any other type.
const std::string& text_column(const Json& record, const std::string& name);

/// A value as an error message shows it: JSON, cut when long.
std::string shorten(const Json& value);

}  // namespace distill
