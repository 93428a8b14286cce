// A record under the names of its format's fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_template.h"
#include "distill/data/data_config.h"
#include "distill/data/record_format.h"

namespace distill {

/// Where a source has what its format reads.
class SourceColumns {
 public:
  struct Entry {
    std::string field;
    std::string column;
    std::optional<TextTemplate> text = {};  // in place of the column
  };

  /// Throws DataError for a template that cannot be read.
  SourceColumns(const RecordFormat& format, const SourceConfig& source);

  const std::vector<Entry>& entries() const { return entries_; }
  /// Throws Error for a field that the format does not list.
  const Entry& of(std::string_view field) const;

 private:
  std::vector<Entry> entries_;
};

/// Holds on to both.
class RecordView {
 public:
  RecordView(const Json& record, const SourceColumns& columns)
      : record_(record), columns_(columns) {}

  const Json& json() const { return record_; }
  /// The name of a field's column, for messages.
  const std::string& column(std::string_view field) const { return columns_.of(field).column; }
  /// Null where the record does not have it.
  const Json* find(std::string_view field) const;
  /// Throws DataError that lists the columns there are.
  const Json& value(std::string_view field) const;
  /// What the source's template makes of the record, or a column of text. Throws DataError, as for
  /// any other type.
  std::string text(std::string_view field) const;
  /// What tells records apart: that text, or the column as JSON; nothing where it is absent.
  std::string content(const SourceColumns::Entry& entry) const;

 private:
  const Json& record_;
  const SourceColumns& columns_;
};

}  // namespace distill
