// Expected values from the `tokenizers` library, truncation `only_second`.
#include "distill/text/pair_windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/json.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Ids = std::vector<int64_t>;

const std::filesystem::path kFolder = DISTILL_SOURCE_DIR "/tests/data/tokenizers/word_piece";

const Tokenizer& word_piece() {
  static const auto tokenizer = load_tokenizer(kFolder);
  return *tokenizer;
}

std::vector<int32_t> flat(const std::vector<ByteSpan>& spans) {
  std::vector<int32_t> out;
  for (const ByteSpan& span : spans) out.insert(out.end(), {span.begin, span.end});
  return out;
}

TEST(PairWindows, OverlapByTheStride) {
  const auto windows =
      pair_windows(word_piece(), "the fox", "hello, world! 3.50;", {.max_length = 14, .stride = 2});
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].ids, (Ids{2, 90, 103, 64, 3, 106, 58, 7, 80, 51, 63, 4, 10, 3}));
  EXPECT_EQ(windows[1].ids, (Ids{2, 90, 103, 64, 3, 4, 10, 8, 100, 13, 3}));
  EXPECT_EQ(windows[1].type_ids, (Ids{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(windows[1].texts, (Ids{-1, 0, 0, 0, -1, 1, 1, 1, 1, 1, -1}));
  EXPECT_EQ(flat(windows[1].offsets), (std::vector{0,  0,  0,  3,  4,  6,  6,  7,  0,  0, 12,
                                                   13, 14, 15, 15, 16, 16, 18, 18, 19, 0, 0}));
}

TEST(PairWindows, OneWindowIfAllFits) {
  const auto ids = [](const char* first, const char* second, WindowOptions options) {
    const auto windows = pair_windows(word_piece(), first, second, options);
    EXPECT_EQ(windows.size(), 1u);
    return windows.front().ids;
  };
  const Ids both = ids("the fox", "hello, world! 3.50;", {});
  EXPECT_EQ(ids("the fox", "hello, world! 3.50;", {.max_length = 17, .stride = 100}), both);
  EXPECT_EQ(ids("", "hello", {}).size(), 5u);
  EXPECT_EQ(ids("the", "", {.max_length = 4, .stride = 9}), (Ids{2, 90, 3, 3}));
}

TEST(PairWindows, NoRoomIsAnError) {
  const auto windows = [](int64_t max_length, int64_t stride) {
    return [=] {
      pair_windows(word_piece(), "the fox", "hello, world! 3.50;",
                   {.max_length = max_length, .stride = stride});
    };
  };
  EXPECT_THAT(windows(6, 0), ThrowsMessage<DataError>(HasSubstr("are 6 tokens: of max_length 6")));
  EXPECT_THAT(windows(8, 2), ThrowsMessage<DataError>(HasSubstr("with stride 2")));
  EXPECT_THAT(windows(-1, -1), ThrowsMessage<DataError>(HasSubstr("max_length -1")));
  EXPECT_NO_THROW(windows(8, 1)());
}

/// The folder's tokenizer with another post-processor.
std::shared_ptr<const Tokenizer> with_post_processor(const char* rules) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "pair_windows_tokenizer.json";
  Json file = read_json(kFolder / "tokenizer.json");
  file["post_processor"] = Json::parse(rules);
  write_file(path, file.dump());
  return load_tokenizer(path);
}

TEST(PairWindows, TheTemplateOrdersTheTexts) {
  const auto tokenizer = with_post_processor(R"({"type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"Sequence": {"id": "B", "type_id": 3}}, {"SpecialToken": {"id": "|", "type_id": 1}},
               {"Sequence": {"id": "A", "type_id": 2}}],
      "special_tokens": {"|": {"id": "|", "ids": [8], "tokens": ["|"]}}})");
  const auto window = pair_windows(*tokenizer, "the", "fox", {}).front();
  EXPECT_EQ(window.ids, (Ids{103, 64, 8, 90}));
  EXPECT_EQ(window.type_ids, (Ids{3, 3, 1, 2}));
  EXPECT_EQ(window.texts, (Ids{1, 1, -1, 0}));
}

TEST(PairWindows, TokenizersWithoutATemplate) {
  const auto bare = pair_windows(*with_post_processor("null"), "the", "fox", {}).front();
  EXPECT_EQ(bare.ids, (Ids{90, 103, 64}));
  EXPECT_EQ(bare.type_ids, (Ids{0, 1, 1}));
  const auto silent = with_post_processor(R"({"type": "TemplateProcessing", "special_tokens": {},
                                              "single": [{"Sequence": {"id": "A"}}]})");
  EXPECT_THAT([&] { pair_windows(*silent, "a", "b", {}); },
              ThrowsMessage<DataError>(HasSubstr("how two texts make one sequence")));
  const char* twice = R"({"type": "TemplateProcessing", "special_tokens": {},
      "single": [{"Sequence": {"id": "A"}}], "pair": [{"Sequence": {"id": "A"}}]})";
  EXPECT_THAT([&] { with_post_processor(twice); },
              ThrowsMessage<DataError>(HasSubstr("pair: expected the Sequences A and B")));
}

}  // namespace
}  // namespace distill
