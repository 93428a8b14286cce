// Plain text: lines, paragraphs, or the whole file. CR LF is read as LF.
#include <algorithm>

#include "data/record_layout.h"

namespace distill {
namespace {

std::string with_line_feeds(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dropped = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (!dropped) plain += text[i];
  }
  return plain;
}

class TextLayout : public RecordLayout {
 public:
  TextLayout(std::string_view text, SampleBy sample_by) : text_(text), sample_by_(sample_by) {}

  std::vector<uint64_t> begins(const Progress& progress) const override {
    std::vector<uint64_t> begins;
    bool inside = false;  // a record that goes on
    for (size_t at = 0; at < text_.size(); at = next_line(at)) {
      progress(at);
      if (is_blank(line(at))) {
        inside = inside && sample_by_ == SampleBy::kDocument;
      } else if (!inside) {
        begins.push_back(sample_by_ == SampleBy::kDocument ? 0 : at);
        inside = sample_by_ != SampleBy::kLine;
      }
    }
    return begins;
  }

  size_t end(size_t begin) const override {
    if (sample_by_ == SampleBy::kDocument) return text_.size();
    size_t end = end_of_line(begin);
    if (sample_by_ == SampleBy::kLine) return end;
    for (size_t at = next_line(begin); at < text_.size() && !is_blank(line(at));
         at = next_line(at)) {
      end = end_of_line(at);
    }
    return end;
  }

  Json read(std::string_view record, const std::string& where, TextPlace first) const override {
    require_utf8_record(record, where, first);
    Json row = Json::object();
    row["text"] = with_line_feeds(record);
    return row;
  }

 private:
  std::string_view line(size_t at) const { return text_.substr(at, text_.find('\n', at) - at); }
  size_t next_line(size_t at) const { return std::min(text_.find('\n', at), text_.size() - 1) + 1; }
  /// Without its line feed or CR LF.
  size_t end_of_line(size_t at) const {
    const size_t end = at + line(at).size();
    return end > at && text_[end - 1] == '\r' ? end - 1 : end;
  }

  std::string_view text_;
  SampleBy sample_by_;
};

}  // namespace

std::unique_ptr<RecordLayout> text_layout(std::string_view text, SampleBy sample_by) {
  return std::make_unique<TextLayout>(text, sample_by);
}

}  // namespace distill
