// JSONL, or one JSON list.
#include <algorithm>

#include "data/record_layout.h"

namespace distill {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

size_t skip_space(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

size_t without_trailing_space(std::string_view text, size_t begin, size_t end) {
  const std::string_view record = text.substr(begin, end - begin);
  return begin + record.find_last_not_of(kSpace) + 1;
}

/// One past the value that starts at `at`, by its brackets and quotes alone.
size_t end_of_value(std::string_view text, size_t at) {
  int64_t depth = 0;
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
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
  return text.size();
}

class JsonLayout : public RecordLayout {
 public:
  explicit JsonLayout(std::string_view text) : text_(text) {}

  Json read(std::string_view record, const std::string& where, TextPlace first) const override {
    return parse_json(record, where, first);
  }

 protected:
  std::string_view text_;
};

class JsonLines : public JsonLayout {
 public:
  using JsonLayout::JsonLayout;

  std::vector<uint64_t> begins(const Progress& progress) const override {
    std::vector<uint64_t> begins;
    for (size_t at = skip_space(text_, 0); at < text_.size();) {
      const size_t line = text_.rfind('\n', at) + 1;  // npos + 1 is 0
      begins.push_back(line);
      progress(line);
      at = skip_space(text_, std::min(text_.find('\n', at), text_.size()));
    }
    return begins;
  }

  size_t end(size_t begin) const override {
    return without_trailing_space(text_, begin, std::min(text_.find('\n', begin), text_.size()));
  }
};

class JsonList : public JsonLayout {
 public:
  using JsonLayout::JsonLayout;

  std::vector<uint64_t> begins(const Progress& progress) const override {
    std::vector<uint64_t> begins;
    size_t at = skip_space(text_, skip_space(text_, 0) + 1);
    bool closed = at < text_.size() && text_[at] == ']';
    if (closed) ++at;
    while (!closed) {
      const size_t end = end_of_value(text_, at);
      if (end == at) throw BrokenText(at, "expected a record");
      begins.push_back(at);
      progress(at);
      at = skip_space(text_, end);
      if (at == text_.size()) {
        throw BrokenText(at, "the list does not end; the file may be truncated");
      }
      closed = text_[at] == ']';
      if (!closed && text_[at] != ',') {
        throw BrokenText(at, "expected ',' or ']' after a record");
      }
      at = skip_space(text_, at + 1);
    }
    at = skip_space(text_, at);
    if (at < text_.size()) throw BrokenText(at, "expected nothing after the list");
    return begins;
  }

  size_t end(size_t begin) const override {
    return without_trailing_space(text_, begin, end_of_value(text_, begin));
  }
};

}  // namespace

std::unique_ptr<RecordLayout> json_layout(std::string_view text) {
  const size_t first = skip_space(text, 0);
  const std::string_view line = text.substr(first, text.find('\n', first) - first);
  if (line.size() < text.size() - first && line.substr(0, 1) == "{" && is_blank(line.substr(1))) {
    throw BrokenText(first, "an object over several lines; expected an object a line, or a list");
  }
  if (first < text.size() && text[first] == '[') return std::make_unique<JsonList>(text);
  return std::make_unique<JsonLines>(text);
}

}  // namespace distill
