#include "text/tokenizer/tokenizer_file.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "text/tokenizer/json_cursor.h"

namespace distill {
namespace {

class Reader {
 public:
  Reader(TokenizerFile& file, const std::string& where) : file_(file), cursor_(file.text, where) {}

  void read() {
    if (cursor_.peek() == '{') {
      cursor_.object([this](std::string_view key) {
        key == "model" && cursor_.peek() == '{' ? read_model() : cursor_.skip_value();
      });
    }
    keep(file_.text.size());
  }

  /// The text with null in place of what was read.
  const std::string& rest() const { return rest_; }

 private:
  void read_model() {
    cursor_.object([this](std::string_view key) {
      const char next = cursor_.peek();
      const size_t begin = cursor_.at();
      if (key == "vocab" && next == '{' && !seen_vocab_) {
        seen_vocab_ = true;
        cursor_.object([this](std::string_view token) { read_token(token); });
        replace(begin);
      } else if (key == "vocab" && next == '[' && !seen_vocab_) {
        seen_vocab_ = true;
        file_.scored = true;
        cursor_.array([this] { read_scored_token(); });
        replace(begin);
      } else if (key == "merges" && next == '[' && !seen_merges_) {
        seen_merges_ = true;
        cursor_.array([this] { read_merge(); });
        replace(begin);
      } else {
        cursor_.skip_value();
      }
    });
  }

  void read_token(std::string_view token) {
    const int64_t id = cursor_.integer();
    add([&] { file_.vocabulary.add(token, id); });
  }

  // ["token", score], whose id is its place.
  void read_scored_token() {
    cursor_.expect('[');
    const std::string_view token = cursor_.string(buffer_);
    add([&] { file_.vocabulary.add_again(token, file_.vocabulary.id_end()); });
    cursor_.expect(',');
    file_.scores.push_back(cursor_.number());
    cursor_.expect(']');
  }

  template <typename Add>
  void add(Add&& add) {
    try {
      add();
    } catch (const DataError& error) {
      cursor_.fail(std::string("model.vocab: ") + error.what());
    }
  }

  void read_merge() {
    if (cursor_.peek() == '[') {
      cursor_.expect('[');
      const std::string_view left = merge_string();
      cursor_.expect(',');
      const std::string_view right = merge_string();
      cursor_.expect(']');
      file_.merges.emplace_back(left, right);
      return;
    }
    const std::string_view both = merge_string();
    if (both.starts_with("#version")) return;
    const size_t space = both.find(' ');
    if (space == std::string_view::npos || both.find(' ', space + 1) != std::string_view::npos) {
      cursor_.fail("model.merges: expected two tokens with a space between, found \"" +
                   std::string(both) + "\"");
    }
    file_.merges.emplace_back(both.substr(0, space), both.substr(space + 1));
  }

  std::string_view merge_string() {
    const std::string_view view = cursor_.string(buffer_);
    return view.data() == buffer_.data() ? file_.escaped.emplace_back(view) : view;
  }

  void keep(size_t end) { rest_.append(file_.text, kept_, end - kept_); }
  // Lines stay where they are, for errors in what follows.
  void replace(size_t begin) {
    keep(begin);
    rest_ += "null";
    kept_ = cursor_.at();
    const auto first = file_.text.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = file_.text.begin() + static_cast<std::ptrdiff_t>(kept_);
    rest_.append(static_cast<size_t>(std::count(first, last, '\n')), '\n');
  }

  TokenizerFile& file_;
  JsonCursor cursor_;
  std::string rest_;
  std::string buffer_;
  size_t kept_ = 0;  // the text before is in rest_
  bool seen_vocab_ = false, seen_merges_ = false;
};

}  // namespace

TokenizerFile TokenizerFile::read(const std::filesystem::path& path) {
  return parse(read_file(path), path.string());
}

TokenizerFile TokenizerFile::parse(std::string text, const std::string& where) {
  TokenizerFile file;
  file.text = std::move(text);
  if (first_invalid_utf8(file.text)) {
    file.rules = parse_json(file.text, where);  // says where
  }
  Reader reader(file, where);
  reader.read();
  file.rules = parse_json(reader.rest(), where);
  return file;
}

}  // namespace distill
