#include "distill/text/streaming_decoder.h"

#include <gtest/gtest.h>

#include "distill/io/json.h"

namespace distill {
namespace {

std::shared_ptr<const Tokenizer> tokenizer(const std::string& name) {
  return load_tokenizer(DISTILL_SOURCE_DIR "/tests/data/tokenizers/" + name);
}

TEST(StreamingDecoder, GivesTheWholeTextInWholeCharacters) {
  for (const char* name : {"byte_level", "word_piece", "word_level", "unigram", "unigram_bytes"}) {
    SCOPED_TRACE(name);
    const auto one = tokenizer(name);
    for (const std::string text :
         {"hello  the words", "caf\u00e9 \u65e5\u672c \U0001F44D\U0001F3FD ok",
          " a \uFFFD b\uFFFD\uFFFD", "\U0001F44D", "", "  ", "isn't <s> a </s> [SEP] b"}) {
      for (const bool skip : {false, true}) {
        SCOPED_TRACE(text);
        const std::vector<int64_t> ids = one->ids(text, true);
        StreamingDecoder stream(*one, skip);
        std::string all;
        for (const int64_t id : ids) {
          const std::string part = stream.push(id);
          EXPECT_EQ(first_invalid_utf8(part), std::nullopt);
          all += part;
        }
        EXPECT_EQ(all + stream.finish(), one->decode(ids, skip));
      }
    }
  }
}

TEST(StreamingDecoder, HoldsAnIncompleteCharacterBack) {
  const auto bytes = tokenizer("byte_level");
  const std::vector<int64_t> ids = bytes->ids("a\U0001F44Db", false);
  ASSERT_GE(ids.size(), 4u);
  StreamingDecoder stream(*bytes, false);
  std::vector<std::string> parts;
  for (const int64_t id : ids) parts.push_back(stream.push(id));
  std::vector<std::string> expected(ids.size());
  expected.front() = "a";
  expected[ids.size() - 2] = "\U0001F44D";
  expected.back() = "b";
  EXPECT_EQ(parts, expected);
  EXPECT_EQ(stream.push(ids[1]), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push(ids[0]), "a");
}

TEST(StreamingDecoder, ReplacementCharactersMayBeTheText) {
  const auto bytes = tokenizer("unigram_bytes");
  std::vector<int64_t> ids;
  for (int i = 0; i < 300; ++i) {
    for (const char* byte : {"<0xEF>", "<0xBF>", "<0xBD>"}) {
      ids.push_back(bytes->token_to_id(byte).value());
    }
  }
  StreamingDecoder stream(*bytes, false);
  std::string all;
  for (const int64_t id : ids) all += stream.push(id);
  all += stream.finish();
  EXPECT_EQ(all.size(), ids.size());
  EXPECT_TRUE(all == bytes->decode(ids, false));
}

TEST(StreamingDecoder, IdsThatMakeNoTextEndInReplacementCharacters) {
  const auto bytes = tokenizer("byte_level");
  const int64_t stray = bytes->ids("\U0001F44D", false)[1];
  StreamingDecoder stream(*bytes, false);
  std::string all;
  for (int i = 0; i < 1000; ++i) all += stream.push(i % 7 == 0 ? -5 : stray);
  all += stream.finish();
  EXPECT_GT(all.size(), 2000u);
  EXPECT_EQ(all.size() % 3, 0u);
}

}  // namespace
}  // namespace distill
