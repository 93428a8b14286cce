// A file of records, plain or compressed, read as every type and formatted as every format.
#include "distill/data/records.h"

#include <algorithm>
#include <vector>

#include "data/decompress.h"
#include "distill/data/formatter.h"
#include "distill/data/record_format.h"
#include "fuzz/fuzz.h"

namespace distill::fuzz {
namespace {

constexpr size_t kLargestText = 1 << 14;
constexpr size_t kMostRecords = 4;

constexpr RecordOptions kReadings[] = {
    {FileType::kJson, SampleBy::kLine},      {FileType::kCsv, SampleBy::kLine},
    {FileType::kTsv, SampleBy::kLine},       {FileType::kText, SampleBy::kLine},
    {FileType::kText, SampleBy::kParagraph}, {FileType::kText, SampleBy::kDocument}};

/// Formatters of every format, with a chat template and, where that is allowed, without.
class Formatters {
 public:
  Formatters() {
    tokenizer_ = load_tokenizer(DISTILL_SOURCE_DIR "/tests/data/tokenizers/byte_level");
    const auto chat = ChatTemplate::parse(
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}{{ m.tool_calls }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant: {% endif %}",
        "template");
    for (const RegistryEntry& format : record_formats().entries()) {
      const Writing writing = record_formats().create(format.name)->writing();
      if (writing != Writing::kChat) add(format.name, nullptr);
      if (writing == Writing::kChat || writing == Writing::kChatOrPlain) add(format.name, chat);
    }
  }

  void check(const Json& record) const {
    for (const Formatter& formatter : formatters_) {
      accepts([&] { check(formatter.format(record)); });
    }
  }

 private:
  void add(const std::string& format, const std::shared_ptr<const ChatTemplate>& chat) {
    SourceConfig source;
    source.path = "input";
    source.format = format;
    source.eos_token = "</s>";
    formatters_.emplace_back(source, TrainOn::kAssistant, tokenizer_, chat);
  }

  void check(const Document& document) const {
    require(document.tokens.size() == document.is_target.size(), "a target for each token");
    for (const int64_t id : document.tokens) {
      require(id >= 0 && id < tokenizer_->vocab_size(), "ids below the size of the vocabulary");
    }
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<Formatter> formatters_;
};

void check_records(const std::filesystem::path& path, const RecordOptions& options,
                   const Formatters& formatters) {
  const RecordFile file(path, options);
  require(file.size() > 0, "a file without records is refused");
  for (size_t i = 0; i < std::min(file.size(), kMostRecords); ++i) {
    file.place(i);
    accepts([&] {
      const Json record = file.read(i);
      // Strict: throws for text that is not UTF-8. A number beyond its type would come back other.
      require(Json::parse(record.dump()) == record, "a record is what it is written as");
      formatters.check(record);
    });
  }
  require(file.text(file.size() - 1).size() <= kLargestText, "a record lies inside its file");
}

/// Only the beginning of what a small stream can grow to.
bool plain_text(std::string_view input, std::string& text) {
  struct Enough {};
  try {
    return accepts([&] {
      decompress(input, compression_of(input), "input", [&](std::string_view piece) {
        text += piece.substr(0, kLargestText - text.size());
        if (text.size() == kLargestText) throw Enough();
      });
    });
  } catch (const Enough&) {
    return true;
  }
}

}  // namespace
}  // namespace distill::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill;
  static const fuzz::Formatters formatters;
  std::string text;
  if (!fuzz::plain_text(fuzz::bytes_of(data, size), text)) return 0;
  // A stream inside a stream is text to the program; here it would fill the cache folder.
  if (compression_of(text) != Compression::kNone) return 0;
  const fuzz::MemoryFile input(text);
  for (const RecordOptions& options : fuzz::kReadings) {
    fuzz::accepts([&] { fuzz::check_records(input.path(), options, formatters); });
  }
  return 0;
}
