// CSV and TSV after RFC 4180: a field may stand in quotes, which are doubled inside; lines end in
// LF or CR LF; the first row names the columns. Blank lines do not count.
#include <algorithm>

#include "data/record_layout.h"

namespace distill {
namespace {

/// Reads one row after another. Where the fields are not wanted, only their ends are found.
class RowReader {
 public:
  RowReader(std::string_view text, char separator) : text_(text), separator_(separator) {}

  /// One past the row that begins at `at`, without its line end. Throws BrokenText.
  size_t row(size_t at, std::vector<std::string>* fields) const {
    while (true) {
      std::string* field = fields != nullptr ? &fields->emplace_back() : nullptr;
      at = at < text_.size() && text_[at] == '"' ? quoted(at, field) : bare(at, field);
      if (at == text_.size() || text_[at] != separator_) return at;
      ++at;
    }
  }

  /// One past the line end at `at`.
  size_t next_line(size_t at) const {
    if (at < text_.size() && text_[at] == '\r') ++at;
    return at < text_.size() ? at + 1 : at;
  }

 private:
  bool ends_line(size_t at) const {
    if (at == text_.size() || text_[at] == '\n') return true;
    return text_[at] == '\r' && (at + 1 == text_.size() || text_[at + 1] == '\n');
  }

  size_t bare(size_t begin, std::string* field) const {
    size_t at = begin;
    for (; !ends_line(at) && text_[at] != separator_; ++at) {
      if (text_[at] == '"') {
        throw BrokenText(at,
                         "a quote inside a field that does not begin with one; put the field "
                         "in quotes and double the quotes in it");
      }
      if (text_[at] == '\r') throw BrokenText(at, "a carriage return without a line feed");
    }
    if (field != nullptr) *field = text_.substr(begin, at - begin);
    return at;
  }

  size_t quoted(size_t open, std::string* field) const {
    size_t at = open + 1;
    while (true) {
      const size_t quote = text_.find('"', at);
      if (quote == std::string_view::npos) {
        throw BrokenText(open, "the quotes are never closed; the file may be truncated");
      }
      if (field != nullptr) field->append(text_.substr(at, quote - at));
      at = quote + 1;
      const bool doubled = at < text_.size() && text_[at] == '"';
      if (!doubled) break;
      if (field != nullptr) *field += '"';
      ++at;
    }
    if (!ends_line(at) && text_[at] != separator_) {
      throw BrokenText(at, "expected the end of the field after its closing quote");
    }
    return at;
  }

  std::string_view text_;
  char separator_;
};

class CsvLayout : public RecordLayout {
 public:
  CsvLayout(std::string_view text, char separator)
      : text_(text), separator_(separator), rows_(text, separator), first_(skip_blank_lines(0)) {
    if (first_ == text_.size()) return;
    const size_t end = rows_.row(first_, &names_);
    if (const auto invalid = first_invalid_utf8(text_.substr(first_, end - first_))) {
      throw BrokenText(first_ + *invalid, "not valid UTF-8");
    }
    for (auto name = names_.begin(); name != names_.end(); ++name) {
      if (name->empty()) throw BrokenText(first_, "the header has a column without a name");
      if (std::find(names_.begin(), name, *name) != name) {
        throw BrokenText(first_, "the header names the column '" + *name + "' twice");
      }
    }
    first_ = skip_blank_lines(rows_.next_line(end));
  }

  std::vector<uint64_t> begins(const Progress& progress) const override {
    std::vector<uint64_t> begins;
    for (size_t at = first_; at < text_.size();) {
      begins.push_back(at);
      progress(at);
      at = skip_blank_lines(rows_.next_line(rows_.row(at, nullptr)));
    }
    return begins;
  }

  size_t end(size_t begin) const override { return rows_.row(begin, nullptr); }

  Json read(std::string_view record, const std::string& where, TextPlace first) const override {
    require_utf8_record(record, where, first);
    std::vector<std::string> fields;
    RowReader(record, separator_).row(0, &fields);
    if (fields.size() != names_.size()) {
      fail_at(where, first,
              "expected " + std::to_string(names_.size()) + " fields, as the header has, found " +
                  std::to_string(fields.size()));
    }
    Json row = Json::object();
    for (size_t i = 0; i < fields.size(); ++i) row[names_[i]] = std::move(fields[i]);
    return row;
  }

 private:
  size_t skip_blank_lines(size_t at) const {
    while (at < text_.size() && (text_[at] == '\n' || text_.substr(at, 2) == "\r\n")) {
      at = rows_.next_line(at);
    }
    return at;
  }

  std::string_view text_;
  char separator_;
  RowReader rows_;
  std::vector<std::string> names_;
  size_t first_;  // of the rows after the header
};

}  // namespace

std::unique_ptr<RecordLayout> csv_layout(std::string_view text, char separator) {
  return std::make_unique<CsvLayout>(text, separator);
}

}  // namespace distill
