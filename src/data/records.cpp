#include "distill/data/records.h"

#include <algorithm>

#include "data/plain_file.h"
#include "distill/core/error.h"

namespace distill {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

}  // namespace

RecordFile::RecordFile(const std::filesystem::path& path)
    : path_(path), file_(map_plain_file(path)), text_(file_.text()) {
  const size_t first = skip_space(0);
  is_list_ = first < text_.size() && text_[first] == '[';
  if (is_list_) {
    index_list(first);
  } else {
    index_lines();
  }
  if (begins_.empty()) throw DataError(path_.string() + ": the file has no records");
}

void RecordFile::index_lines() {
  for (size_t at = 0; at < text_.size();) {
    const size_t end = std::min(text_.find('\n', at), text_.size());
    if (skip_space(at) < end) begins_.push_back(at);
    at = end + 1;
  }
}

void RecordFile::index_list(size_t open) {
  size_t at = skip_space(open + 1);
  bool closed = at < text_.size() && text_[at] == ']';
  if (closed) ++at;
  while (!closed) {
    const size_t end = end_of_value(at);
    if (end == at) fail(at, "expected a record");
    begins_.push_back(at);
    at = skip_space(end);
    if (at == text_.size()) fail(at, "the list does not end; the file may be truncated");
    closed = text_[at] == ']';
    if (!closed && text_[at] != ',') fail(at, "expected ',' or ']' after a record");
    at = skip_space(at + 1);
  }
  if (skip_space(at) < text_.size()) fail(skip_space(at), "expected nothing after the list");
}

size_t RecordFile::skip_space(size_t at) const {
  return std::min(text_.find_first_not_of(kSpace, at), text_.size());
}

size_t RecordFile::end_of_value(size_t at) const {
  int64_t depth = 0;
  bool in_string = false;
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return text_.size();
}

std::string_view RecordFile::text(size_t record) const {
  const size_t begin = begins_.at(record);
  const size_t end =
      is_list_ ? end_of_value(begin) : std::min(text_.find('\n', begin), text_.size());
  std::string_view text = text_.substr(begin, end - begin);
  text.remove_suffix(text.size() - (text.find_last_not_of(kSpace) + 1));
  return text;
}

Json RecordFile::read(size_t record) const {
  try {
    return parse_json(text(record), path_.string());
  } catch (const DataError&) {
    // Counting lines takes a pass over the file, so only a bad record pays for it.
    return parse_json(text(record), path_.string(), locate(begins_[record]));
  }
}

TextPlace RecordFile::locate(size_t offset) const {
  const std::string_view before = text_.substr(0, offset);
  const std::string_view line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return {.line = 1 + std::count(before.begin(), before.end(), '\n'),
          .column = 1 + std::count_if(line.begin(), line.end(), is_lead)};
}

std::string RecordFile::place(size_t record) const {
  return path_.string() + ":" + std::to_string(locate(begins_.at(record)).line);
}

void RecordFile::fail(size_t offset, const std::string& what) const {
  const TextPlace place = locate(offset);
  throw DataError(path_.string() + ":" + std::to_string(place.line) + ":" +
                  std::to_string(place.column) + ": " + what);
}

ContentKey RecordFile::hash() const { return hash_text(text_); }

}  // namespace distill
