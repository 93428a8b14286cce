// A file of records, read at random. The file is mapped and only the place of each record is kept
// (8 bytes, for a large file in the user's cache folder), so files larger than memory work. A gzip
// or zstd file is decompressed once, into the user's cache folder ($XDG_CACHE_HOME/distill/text),
// and that copy is mapped: records stay addressable by number, and lines and columns in messages
// are those of the text. The same holds of Parquet and Arrow files, whose copy is the JSONL of
// their rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "distill/core/hash.h"
#include "distill/io/json.h"
#include "distill/io/mapped_file.h"

namespace distill {

/// kAuto: by the file's extension, .gz and .zst aside: .csv, .tsv, .txt, .parquet, .arrow; any
/// other by its first bytes Parquet or Arrow, else JSON.
enum class FileType { kAuto, kJson, kCsv, kTsv, kText, kParquet, kArrow };
/// What is a record of a plain text file: a line, the lines up to a blank one, or all of it.
enum class SampleBy { kLine, kParagraph, kDocument };

struct RecordOptions {
  FileType type = FileType::kAuto;
  SampleBy sample_by = SampleBy::kLine;  ///< another one is refused where the file is not text
};

class RecordIndex;
class RecordLayout;

/// JSON: JSONL (blank lines do not count), or one list, which its first character tells.
/// CSV and TSV: RFC 4180, with a header row; a record is an object of strings.
/// Text: a record is {"text": ...}.
/// Parquet and Arrow: a record is a row, as an object with a member for each column.
/// Immutable and safe to share between threads.
class RecordFile {
 public:
  /// Longer records are refused when they are read: offsets inside a text have 32 bits, and one
  /// record is parsed in memory.
  static constexpr size_t kLongestRecord = size_t{64} << 20;

  /// Throws DataError: absent, empty, a list that does not end, quotes that do not fit (with line
  /// and column), a compressed stream that is broken (with its byte), a table that is broken or has
  /// columns that are not read.
  explicit RecordFile(const std::filesystem::path& path, const RecordOptions& options = {});
  ~RecordFile();

  const std::filesystem::path& path() const { return path_; }
  size_t size() const;
  /// The record's bytes as they stand in the file; of a row, as JSON.
  std::string_view text(size_t record) const;
  /// Throws DataError with path, line and column.
  Json read(size_t record) const;
  /// "path:line"; of a row "path[row]", where the first is 0 as in Python.
  std::string place(size_t record) const;
  /// Identity of the whole text, read once; compressed or not, it is the same. Throws DataError as
  /// `require_unchanged` does.
  ContentKey hash() const;
  /// Throws DataError where the file on disk is not of the size and time of modification that it
  /// had when it was opened: records would come from two versions of it, or from beyond its end.
  /// One stat; none for a file whose records are in a copy.
  void require_unchanged() const;
  size_t bytes() const { return text_.size(); }
  /// Lets the text leave this process's memory until it is read again.
  void release() const { file_.release(); }

 private:
  void find_records(const std::string& kind);
  ContentKey hash_text_piecewise() const;
  TextPlace locate(size_t offset) const;
  int64_t newlines_before(size_t offset) const;

  std::filesystem::path path_;
  MappedFile file_;
  std::string_view text_;
  bool has_rows_ = false;  // lines of the text are none of the file
  std::unique_ptr<const RecordLayout> layout_;
  std::unique_ptr<const RecordIndex> index_;
  mutable std::once_flag hashed_;
  mutable ContentKey hash_;  // of a text whose index does not have it
  mutable std::once_flag counted_;
  mutable std::vector<int64_t> newlines_;  // before every 1024th record, once a place was asked for
};

}  // namespace distill
