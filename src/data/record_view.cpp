#include "data/record_view.h"

#include <algorithm>

#include "distill/core/error.h"

namespace distill {

SourceColumns::SourceColumns(const RecordFormat& format, const SourceConfig& source) {
  for (const FormatColumn& column : format.columns()) {
    Entry& entry = entries_.emplace_back(Entry{column.field, source.column(column.field)});
    const auto text = source.text_template(column.field);
    if (text) entry.text.emplace(*text);
  }
}

const SourceColumns::Entry& SourceColumns::of(std::string_view field) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [field](const Entry& entry) { return entry.field == field; });
  if (found == entries_.end()) throw Error("the format has no field " + std::string(field));
  return *found;
}

const Json* RecordView::find(std::string_view field) const {
  const auto found = record_.find(column(field));
  return found == record_.end() ? nullptr : &*found;
}

const Json& RecordView::value(std::string_view field) const {
  return column_of(record_, column(field));
}

std::string RecordView::text(std::string_view field) const {
  const SourceColumns::Entry& entry = columns_.of(field);
  return entry.text ? entry.text->fill(record_) : text_column(record_, entry.column);
}

std::string RecordView::content(const SourceColumns::Entry& entry) const {
  if (entry.text) return entry.text->fill(record_);
  const auto found = record_.find(entry.column);
  return found == record_.end() ? "" : found->dump();
}

}  // namespace distill
