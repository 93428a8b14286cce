#include "text/tokenizer/tokenizer_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

auto parsing(const std::string& text) {
  return [text] { TokenizerFile::parse(text, "t.json"); };
}
auto refuses(const std::string& message) { return ThrowsMessage<DataError>(HasSubstr(message)); }

TEST(TokenizerFile, TakesVocabularyAndMergesOutOfTheRules) {
  const auto file = TokenizerFile::parse(R"( {"a": [1, {"vocab": {}}, "}"], "model": {
      "merges": ["a b", ["x y", "\u0120\ud83d\ude00"], "#version: 0.2"],
      "vocab": {"a": 0, "\n\"" : 2 , "\u00e9": 1}, "unk_token": null}, "z": -1.5e3} )",
                                         "t.json");
  EXPECT_EQ(file.vocabulary.find("a"), 0);
  EXPECT_EQ(file.vocabulary.find("\n\""), 2);
  EXPECT_EQ(file.vocabulary.token(1), "\u00e9");
  EXPECT_EQ(file.vocabulary.find("b"), Vocabulary::kAbsent);
  EXPECT_THAT(file.merges, ElementsAre(Pair("a", "b"), Pair("x y", "\u0120\U0001F600")));
  EXPECT_EQ(file.rules.dump(), R"({"a":[1,{"vocab":{}},"}"],"model":{"merges":null,)"
                               R"("vocab":null,"unk_token":null},"z":-1500.0})");
}

TEST(TokenizerFile, ErrorsSayTheLineAndTheColumn) {
  EXPECT_THAT(parsing("{\"model\": {\"vocab\":\n {\"a\": 0,\n  \"b\": x}}}"),
              refuses("t.json:3:8: expected an integer"));
  EXPECT_THAT(parsing(R"({"model": {"vocab": {"a": 0, "a": 1}}})"), refuses("\"a\" occurs twice"));
  EXPECT_THAT(parsing(R"({"model": {"vocab": {"a": 0, "b": 0}}})"), refuses("the same id 0"));
  EXPECT_THAT(parsing(R"({"model": {"vocab": {"a": 4000000000}}})"), refuses("4000000000"));
  EXPECT_THAT(parsing(R"({"model": {"vocab": {"a": -1}}})"), refuses("-1"));
  EXPECT_THAT(parsing(R"({"model": {"merges": ["abc"]}})"), refuses("a space between"));
  EXPECT_THAT(parsing(R"({"model": {"merges": [["a"]]}})"), refuses("expected ','"));
  EXPECT_THAT(parsing(R"({"model": {"vocab": {"\ud800": 1}}})"), refuses("surrogate"));
  EXPECT_THAT(parsing("{\"model\": {\"vocab\": {\"\xFF\": 1}}}"), refuses("t.json"));
}

TEST(TokenizerFile, EveryTruncationIsRefused) {
  const std::string whole =
      R"({"a": [true, "\u00e9"], "model": {"vocab": {"a": 0, "b\n": 1}, "merges": [["a", "b"]]}})";
  EXPECT_NO_THROW(parsing(whole)());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parsing(whole.substr(0, size))(), DataError) << whole.substr(0, size);
  }
}

TEST(TokenizerFile, DeepNestingIsRefused) {
  EXPECT_THROW(parsing("{\"a\": " + std::string(1 << 20, '['))(), DataError);
  const std::string nested = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_THROW(parsing("{\"a\": " + nested + "}")(), DataError);
}

}  // namespace
}  // namespace distill
