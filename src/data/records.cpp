#include "distill/data/records.h"

#include <algorithm>

#include "data/arrow_file.h"
#include "data/plain_file.h"
#include "data/record_index.h"
#include "data/record_layout.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"

namespace distill {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kRecordsAMark = 1024;
constexpr size_t kPiece = size_t{16} << 20;

FileType type_of(const std::filesystem::path& path, std::string_view file, FileType type) {
  if (type != FileType::kAuto) return type;
  const std::string extension = plain_extension(path);
  if (extension == ".csv") return FileType::kCsv;
  if (extension == ".tsv") return FileType::kTsv;
  if (extension == ".txt") return FileType::kText;
  if (extension == ".parquet") return FileType::kParquet;
  if (extension == ".arrow" || extension == ".feather") return FileType::kArrow;
  return table_type_of(file).value_or(FileType::kJson);
}

std::unique_ptr<RecordLayout> layout_of(std::string_view text, FileType type, SampleBy sample_by) {
  if (type == FileType::kCsv) return csv_layout(text, ',');
  if (type == FileType::kTsv) return csv_layout(text, '\t');
  if (type == FileType::kText) return text_layout(text, sample_by);
  return json_layout(text);
}

}  // namespace

TextPlace place_after(std::string_view text, TextPlace first) {
  const auto newlines = std::count(text.begin(), text.end(), '\n');
  const std::string_view line = text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
  const auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return {.line = first.line + newlines,
          .column =
              (newlines > 0 ? 1 : first.column) + std::count_if(line.begin(), line.end(), is_lead)};
}

void fail_at(const std::string& where, TextPlace place, const std::string& what) {
  throw DataError(where + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
                  ": " + what);
}

void require_utf8_record(std::string_view record, const std::string& where, TextPlace first) {
  const auto invalid = first_invalid_utf8(record);
  if (invalid) fail_at(where, place_after(record.substr(0, *invalid), first), "not valid UTF-8");
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

RecordFile::RecordFile(const std::filesystem::path& path, const RecordOptions& options)
    : path_(path), file_(map_plain_file(path)) {
  FileType type = type_of(path, file_.text(), options.type);
  if (type != FileType::kText && options.sample_by != SampleBy::kLine) {
    throw DataError(path_.string() + ": sample_by: only plain text files take it");
  }
  if (type == FileType::kParquet || type == FileType::kArrow) {
    file_ = map_rows(file_, type, path_.string());
    type = FileType::kJson;
    has_rows_ = true;
  }
  file_.expect_small_reads();
  text_ = file_.text();
  // Spreadsheets write the mark; JSON does not have it, and its parser refuses it.
  if (type != FileType::kJson && text_.starts_with(kByteOrderMark)) {
    text_.remove_prefix(kByteOrderMark.size());
  }
  try {
    layout_ = layout_of(text_, type, options.sample_by);
    find_records(std::to_string(static_cast<int>(type)) + "/" +
                 std::to_string(static_cast<int>(options.sample_by)) + "/" +
                 std::to_string(text_.size()));
  } catch (const BrokenText& error) {
    fail_at(path_.string(), place_after(text_.substr(0, error.offset()), {}), error.what());
  }
  if (size() == 0) throw DataError(path_.string() + ": the file has no records");
}

RecordFile::~RecordFile() = default;

/// Scans the text once, of which no more than a piece is in memory at a time.
void RecordFile::find_records(const std::string& kind) {
  const bool large = text_.size() >= kWorthAnIndex;
  if (large) {
    if (auto kept = find_index(path_, kind)) {
      index_ = std::make_unique<const RecordIndex>(std::move(*kept));
      return;
    }
    log_info("indexing " + path_.string() + " (" +
             format_bytes(static_cast<int64_t>(text_.size())) + ")");
  }
  const FileStamp stamp = stamp_of(path_);
  size_t released = 0;
  std::vector<uint64_t> begins = layout_->begins([&](size_t at) {
    if (at < released + kPiece) return;
    throw_if_stopped();
    file_.release(released, at);
    released = at;
  });
  file_.release();
  if (!large) {
    index_ = std::make_unique<const RecordIndex>(std::move(begins), std::nullopt);
    return;
  }
  const ContentKey hash = hash_text_piecewise();
  try {
    keep_index(path_, kind, stamp, begins, hash);
  } catch (const DataError& error) {
    log_warning(std::string(error.what()) + "; the file is indexed anew by each run");
  }
  auto kept = find_index(path_, kind);
  index_ = std::make_unique<const RecordIndex>(kept ? std::move(*kept)
                                                    : RecordIndex(std::move(begins), hash));
}

ContentKey RecordFile::hash_text_piecewise() const {
  Hasher hasher;
  for (size_t at = 0; at < text_.size(); at += kPiece) {
    const std::string_view piece = text_.substr(at, kPiece);
    hasher.add(piece.data(), piece.size());
    file_.release(at, at + kPiece);
  }
  file_.release();
  return hasher.key();
}

size_t RecordFile::size() const { return index_->begins().size(); }

std::string_view RecordFile::text(size_t record) const {
  const size_t begin = index_->begin(record);
  return text_.substr(begin, layout_->end(begin) - begin);
}

Json RecordFile::read(size_t record) const {
  const std::string_view bytes = text(record);
  const std::string where = has_rows_ ? place(record) : path_.string();
  const auto first = [&] { return has_rows_ ? TextPlace{} : locate(index_->begin(record)); };
  if (bytes.size() > kLongestRecord) {
    fail_at(where, first(),
            "the record has " + format_bytes(static_cast<int64_t>(bytes.size())) + "; at most " +
                format_bytes(int64_t{kLongestRecord}) + " are read");
  }
  try {
    return layout_->read(bytes, where, {});
  } catch (const DataError&) {
    // Finding the line takes a look at the text before, so only a bad record pays for it.
    return layout_->read(bytes, where, first());
  }
}

int64_t RecordFile::newlines_before(size_t offset) const {
  const auto count = [this](size_t from, size_t to) {
    const std::string_view part = text_.substr(from, to - from);
    return std::count(part.begin(), part.end(), '\n');
  };
  const std::span<const uint64_t> begins = index_->begins();
  std::call_once(counted_, [&] {
    int64_t newlines = 0;
    size_t at = 0;
    for (size_t i = 0; i < begins.size(); i += kRecordsAMark) {
      newlines += count(at, begins[i]);
      at = begins[i];
      newlines_.push_back(newlines);
    }
    file_.release();
  });
  const auto after = std::upper_bound(begins.begin(), begins.end(), offset);
  if (after == begins.begin()) return count(0, offset);
  const size_t mark = static_cast<size_t>(after - begins.begin() - 1) / kRecordsAMark;
  return newlines_[mark] + count(begins[mark * kRecordsAMark], offset);
}

TextPlace RecordFile::locate(size_t offset) const {
  const size_t line = offset == 0 ? 0 : text_.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
  return place_after(text_.substr(line, offset - line), {.line = 1 + newlines_before(offset)});
}

std::string RecordFile::place(size_t record) const {
  if (has_rows_) return path_.string() + "[" + std::to_string(record) + "]";
  return path_.string() + ":" + std::to_string(locate(index_->begin(record)).line);
}

ContentKey RecordFile::hash() const {
  if (index_->hash()) return *index_->hash();
  std::call_once(hashed_, [this] {
    require_unchanged();
    hash_ = hash_text_piecewise();
  });
  return hash_;
}

void RecordFile::require_unchanged() const {
  if (file_.path != path_) return;  // a copy, which is whole and written by nobody
  std::string change;
  try {
    const FileStamp now = stamp_of(path_);
    const FileStamp& then = file_.stamp;
    if (now.size == then.size && now.modified == then.modified) return;
    change = path_.string() + ": the file has changed since it was opened: ";
    change += now.size == then.size ? "its " + std::to_string(now.size) + " bytes were written anew"
                                    : "it had " + std::to_string(then.size) + " bytes and has " +
                                          std::to_string(now.size) + " now";
  } catch (const DataError& error) {
    change = error.what();
  }
  throw DataError(change + "; once it is back as it was, the run can be resumed");
}

}  // namespace distill
