// How a text is cut into records: one layout a kind of file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distill/core/error.h"
#include "distill/data/records.h"

namespace distill {

/// A text that breaks its format in a place that no single record answers for.
class BrokenText : public DataError {
 public:
  BrokenText(size_t offset, const std::string& what) : DataError(what), offset_(offset) {}
  size_t offset() const { return offset_; }

 private:
  size_t offset_;
};

/// Hears how far a scan has come: once a record.
using Progress = std::function<void(size_t offset)>;

/// Holds on to the text that it was made for. Immutable.
class RecordLayout {
 public:
  virtual ~RecordLayout() = default;
  /// Where the records begin, ascending. Throws BrokenText.
  virtual std::vector<uint64_t> begins(const Progress& progress) const = 0;
  /// One past the last byte of the record that begins there.
  virtual size_t end(size_t begin) const = 0;
  /// Throws DataError: "where:line:column: what"; `first` is the record's place.
  virtual Json read(std::string_view record, const std::string& where, TextPlace first) const = 0;
};

std::unique_ptr<RecordLayout> json_layout(std::string_view text);
/// Throws BrokenText for a header that cannot be used.
std::unique_ptr<RecordLayout> csv_layout(std::string_view text, char separator);
std::unique_ptr<RecordLayout> text_layout(std::string_view text, SampleBy sample_by);

/// The place after `text`, which starts at `first`; columns count characters.
TextPlace place_after(std::string_view text, TextPlace first);
[[noreturn]] void fail_at(const std::string& where, TextPlace place, const std::string& what);
/// Fails at the first byte of the record that is not part of valid UTF-8.
void require_utf8_record(std::string_view record, const std::string& where, TextPlace first);
/// True where the line (without its line feed) has nothing but white space.
bool is_blank(std::string_view line);

}  // namespace distill
