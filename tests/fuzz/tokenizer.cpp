// A tokenizer.json, a zero byte, a text.
#include "distill/text/tokenizer.h"

#include <utility>
#include <vector>

#include "distill/io/json.h"
#include "distill/text/streaming_decoder.h"
#include "fuzz/fuzz.h"
#include "text/tokenizer/file_tokenizer.h"

namespace distill::fuzz {
namespace {

void require_text(const std::string& text, const char* property) {
  require(!first_invalid_utf8(text), property);
}

void check_offsets(const Encoding& encoding, std::string_view text, bool trimmed) {
  ByteSpan last;
  for (const ByteSpan& span : encoding.offsets) {
    require(span.begin >= 0 && span.begin <= span.end, "a span ends behind its beginning");
    require(static_cast<size_t>(span.end) <= text.size(), "a span lies inside the text");
    // Of tokens that share a character, trimming may shorten any.
    require(trimmed || (span.begin >= last.begin && span.end >= last.end), "spans follow the text");
    last = span;
  }
}

void check_decode(const Tokenizer& tokenizer, const std::vector<int64_t>& ids) {
  for (const bool skip_special : {true, false}) {
    accepts([&] { require_text(tokenizer.decode(ids, skip_special), "decode gives UTF-8"); });
    accepts([&] {
      StreamingDecoder decoder(tokenizer, skip_special);
      for (const int64_t id : ids) {
        require_text(decoder.push(id), "a stream gives whole characters");
      }
      require_text(decoder.finish(), "a stream ends in whole characters");
    });
  }
}

void check_encode(const Tokenizer& tokenizer, std::string_view text, bool trimmed) {
  for (const bool as_text : {false, true}) {
    const Encoding encoding =
        tokenizer.encode(text, {.add_special_tokens = false, .special_tokens_as_text = as_text});
    require(encoding.ids.size() == encoding.offsets.size(), "a span for each id");
    check_offsets(encoding, text, trimmed);
    for (const int64_t id : encoding.ids) {
      require(id >= 0 && id < tokenizer.vocab_size(), "ids below the size of the vocabulary");
    }
    check_decode(tokenizer, encoding.ids);
  }
  const Encoding framed = tokenizer.encode(text, {.add_special_tokens = true});
  require(framed.ids.size() == framed.offsets.size(), "a span for each id");
}

/// Ids that no text has given.
void check_any_ids(const Tokenizer& tokenizer, std::string_view bytes) {
  std::vector<int64_t> ids = {-1, INT64_MIN, INT64_MAX, tokenizer.vocab_size()};
  for (const char byte : bytes) ids.push_back(static_cast<unsigned char>(byte));
  check_decode(tokenizer, ids);
  for (const int64_t id : ids) {
    tokenizer.is_special(id);
    tokenizer.token_to_id(tokenizer.id_to_token(id));
  }
}

}  // namespace
}  // namespace distill::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill;
  const fuzz::TwoParts input(fuzz::bytes_of(data, size));
  const std::string_view text = input.second;
  std::shared_ptr<const Tokenizer> tokenizer;
  bool trimmed = false;
  fuzz::accepts([&] {
    const std::string where = "tokenizer.json";
    TokenizerFile file = TokenizerFile::parse(std::string(input.first), where);
    trimmed = file.rules.is_object() && !file.rules.value("post_processor", Json()).is_null();
    tokenizer = make_file_tokenizer(std::move(file), where, {});
  });
  if (!tokenizer) return 0;
  fuzz::accepts([&] { fuzz::check_encode(*tokenizer, text, trimmed); });
  fuzz::accepts([&] { fuzz::check_any_ids(*tokenizer, text.substr(0, 64)); });
  return 0;
}
