#include "distill/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/json.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const std::filesystem::path kFolder = DISTILL_SOURCE_DIR "/tests/data/tokenizers/byte_level";

const Tokenizer& byte_level() {
  static const auto tokenizer = load_tokenizer(kFolder);
  return *tokenizer;
}

/// The folder's tokenizer.json after a change, as a file of its own.
class ChangedFile {
 public:
  template <typename Change>
  explicit ChangedFile(Change&& change) {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    Json file = read_json(kFolder / "tokenizer.json");
    change(file);
    write_file(path(), file.dump(2));
  }
  ~ChangedFile() { std::filesystem::remove_all(folder_); }
  std::filesystem::path path() const { return folder_ / "tokenizer.json"; }

 private:
  std::filesystem::path folder_;
};

void expect_case(const Tokenizer& tokenizer, const Json& entry) {
  const std::string text = entry["text"];
  SCOPED_TRACE(entry["text"].dump());
  const auto expected = [&](const char* key, const char* otherwise) {
    return entry[entry.contains(key) ? key : otherwise];
  };
  const Encoding encoding = tokenizer.encode(text);
  EXPECT_EQ(Json(encoding.ids), entry["ids"]);
  std::vector<int64_t> offsets;
  for (const ByteSpan& span : encoding.offsets) {
    offsets.insert(offsets.end(), {span.begin, span.end});
  }
  EXPECT_EQ(Json(offsets), entry["offsets"]);
  EXPECT_EQ(Json(tokenizer.ids(text, false)), expected("ids_no_special", "ids"));
  if (entry.contains("ids_special_as_text")) {
    const EncodeOptions as_text{.add_special_tokens = false, .special_tokens_as_text = true};
    EXPECT_EQ(Json(tokenizer.encode(text, as_text).ids), entry["ids_special_as_text"]);
  }
  EXPECT_EQ(Json(tokenizer.decode(encoding.ids, false)), entry["decoded"]);
  EXPECT_EQ(Json(tokenizer.decode(encoding.ids, true)),
            expected("decoded_skip_special", "decoded"));
}

TEST(Tokenizer, EncodesAndDecodesLikeTheLibrary) {
  for (const char* name : {"byte_level", "word_piece", "word_level", "unigram", "unigram_bytes"}) {
    SCOPED_TRACE(name);
    const auto tokenizer = load_tokenizer(kFolder.parent_path() / name);
    std::ifstream file(kFolder.parent_path() / name / "cases.jsonl");
    int cases = 0;
    for (std::string line; std::getline(file, line); ++cases) {
      expect_case(*tokenizer, Json::parse(line));
    }
    EXPECT_GT(cases, 20);
  }
}

TEST(Tokenizer, RolesComeFromTheFirstFileThatNamesThem) {
  const SpecialTokens& special = byte_level().special();
  EXPECT_EQ(special.bos, "<s>");                         // tokenizer_config.json
  EXPECT_EQ(special.eos, "</s>");                        // also in special_tokens_map.json
  EXPECT_EQ(special.pad, "</s>");                        // null in the first, so the second
  EXPECT_EQ(special.unk, byte_level().id_to_token(33));  // config.json, the first of a list
  EXPECT_EQ(special.bos_id, byte_level().token_to_id("<s>"));
  EXPECT_EQ(special.pad_id, special.eos_id);
  EXPECT_EQ(special.unk_id, 33);
  EXPECT_TRUE(byte_level().adds_bos());
  EXPECT_TRUE(byte_level().is_special(*special.bos_id));
  EXPECT_FALSE(byte_level().is_special(*byte_level().token_to_id("word")));
  EXPECT_FALSE(byte_level().is_special(1 << 20));
  EXPECT_EQ(byte_level().vocab_size(), *byte_level().token_to_id("<s><s>") + 1);
  EXPECT_EQ(byte_level().id_to_token(-1), "");
  EXPECT_EQ(byte_level().token_to_id("not there"), std::nullopt);
}

TEST(Tokenizer, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const std::string text = "a\xFF\xE2\x82z\xED\xA0\x80\xF0\x9F";
  const std::string clean = "a\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD\uFFFD";  // as Python's "replace"
  const Encoding encoding = byte_level().encode(text);
  EXPECT_EQ(encoding.ids, byte_level().encode(clean).ids);
  EXPECT_EQ(encoding.offsets.back(), (ByteSpan{8, 10}));
  EXPECT_EQ(byte_level().decode(encoding.ids, true), clean);
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_NO_THROW(byte_level().encode(std::string(3, static_cast<char>(byte))));
  }
}

TEST(Tokenizer, UnknownIdsDecodeToNothing) {
  EXPECT_EQ(byte_level().decode({-1, 97, 1 << 30}, false), "a");
  EXPECT_EQ(byte_level().decode({}, true), "");
}

TEST(Tokenizer, LongTextsTakeLinearTime) {
  const auto seconds = [](const std::string& text) {
    const auto start = std::chrono::steady_clock::now();
    const size_t count = byte_level().encode(text).ids.size();
    EXPECT_GT(count, text.size() / 16);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  // A merge loop, a search for added tokens or a backtracking expression that is quadratic would
  // take hours.
  EXPECT_LT(seconds(std::string(1000000, 'a')), 60);
  for (const char* unit : {"ab", " ", "\n \t", "<s ", "<", "1", "a\u0301", "\xFF"}) {
    std::string text;
    while (text.size() < 250000) text += unit;
    EXPECT_LT(seconds(text), 60) << unit;
  }
}

TEST(Tokenizer, ThreadsShareOne) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong) {
    threads.emplace_back([&count] {
      for (int i = 0; i < 300; ++i) {
        const std::string text = "hello the " + std::to_string(i) + " words</s>";
        if (byte_level().decode(byte_level().ids(text, false), false) != text) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(Tokenizer, TheHashIsOfWhatMatters) {
  const auto hash_after = [](auto&& change) {
    return load_tokenizer(ChangedFile(change).path())->hash();
  };
  EXPECT_EQ(hash_after([](Json&) {}), byte_level().hash());  // only the layout differs
  EXPECT_EQ(hash_after([](Json& file) { file["truncation"] = nullptr; }), byte_level().hash());
  EXPECT_NE(hash_after([](Json& file) { file["normalizer"] = nullptr; }), byte_level().hash());
  EXPECT_NE(hash_after([](Json& file) { file["model"]["merges"].erase(3); }), byte_level().hash());
  EXPECT_NE(hash_after([](Json& file) { file["added_tokens"][0]["lstrip"] = true; }),
            byte_level().hash());
}

TEST(Tokenizer, WholeWordsOfTheVocabularyWinWithIgnoreMerges) {
  const ChangedFile changed([](Json& file) {
    file["model"]["ignore_merges"] = true;
    file["model"]["merges"] = Json::array();
  });
  const auto tokenizer = load_tokenizer(changed.path());
  EXPECT_EQ(tokenizer->ids("hello", false), std::vector{*tokenizer->token_to_id("hello")});
  EXPECT_EQ(tokenizer->ids("hell", false), std::vector{*tokenizer->token_to_id("hell")});
  EXPECT_EQ(tokenizer->ids("helo", false).size(), 4u);
}

/// Expected values from the `tokenizers` library: lengths are those of the byte-level characters.
TEST(Tokenizer, BytesWithoutATokenShiftTheOffsetsBehindThem) {
  const ChangedFile changed([](Json& file) {
    Json& vocabulary = file["model"]["vocab"];
    for (const char* lacking : {"!", "\u0106"}) {  // the latter stands for the byte 6
      const Json id = vocabulary[lacking];
      vocabulary.erase(lacking);
      vocabulary["lacking" + id.dump()] = id;
    }
  });
  const auto tokenizer = load_tokenizer(changed.path());
  const auto encoded = [&](const char* text) {
    return tokenizer->encode(text, {.add_special_tokens = false});
  };
  using Spans = std::vector<ByteSpan>;
  EXPECT_EQ(encoded("\6(\6)").ids, (std::vector<int64_t>{40, 41}));
  EXPECT_EQ(encoded("\6(\6)").offsets, (Spans{{0, 1}, {0, 1}}));
  EXPECT_EQ(encoded("!(\6)").offsets, (Spans{{0, 1}, {1, 2}}));
  EXPECT_EQ(encoded("a \6\6b,\7!").offsets, (Spans{{0, 1}, {1, 2}, {4, 5}, {5, 6}, {6, 7}}));
  EXPECT_EQ(encoded("\u00e9\6\u00e9!").offsets, (Spans{{0, 2}, {2, 5}}));
  // A character is not taken for the byte that it stands for.
  EXPECT_EQ(encoded("\6").ids, std::vector<int64_t>());
  EXPECT_EQ(tokenizer->decode(encoded("\u0106").ids, false), "\u0106");
}

TEST(Tokenizer, WhatIsPutInFrontOfAPieceBeginsWhereThePieceDoes) {
  const ChangedFile changed([](Json& file) {
    file = Json::parse(
        R"({"added_tokens": [{"id": 0, "content": "<s>", "special": true}],
            "normalizer": {"type": "Replace", "pattern": {"Regex": "^ *"}, "content": "^"},
            "model": {"type": "WordLevel", "vocab": {"<s>": 0, "^ab": 1, "<unk>": 2},
                      "unk_token": "<unk>"}})");
  });
  const auto tokenizer = load_tokenizer(changed.path());
  using Spans = std::vector<ByteSpan>;
  EXPECT_EQ(tokenizer->encode("ab<s>ab").offsets, (Spans{{0, 2}, {2, 5}, {5, 7}}));
  EXPECT_EQ(tokenizer->encode("  ab<s> ab").offsets, (Spans{{1, 4}, {4, 7}, {7, 10}}));
}

TEST(Tokenizer, UnigramTakesTheLastOfEqualTokensAndRefusesWhatHasNoToken) {
  const ChangedFile changed([](Json& file) {
    file = Json::parse(
        R"({"model": {"vocab": [["a", -1], ["b", -2.5e0], ["a", -1]], "unk_id": null}})");
  });
  const auto tokenizer = load_tokenizer(changed.path());
  EXPECT_EQ(tokenizer->ids("aba", false), (std::vector<int64_t>{2, 1, 2}));
  EXPECT_EQ(tokenizer->id_to_token(0), "a");
  EXPECT_EQ(tokenizer->vocab_size(), 3);
  EXPECT_THAT([&] { tokenizer->ids("abc", false); }, ThrowsMessage<DataError>(HasSubstr("\"c\"")));
}

TEST(Tokenizer, WhatIsNotSupportedIsRefusedByName) {
  const auto refuses = [](auto&& change, const char* message) {
    const ChangedFile changed(change);
    EXPECT_THAT([&] { load_tokenizer(changed.path()); },
                ThrowsMessage<DataError>(HasSubstr(message)));
  };
  refuses([](Json& file) { file["model"]["type"] = "Unigram2"; }, "Unigram2");
  refuses([](Json& file) { file["model"]["vocab"] = Json::array(); }, "expected an object");
  const auto unigram = [](Json vocab, Json unk_id) {
    return [=](Json& file) {
      file["model"] = {{"type", "Unigram"}, {"vocab", vocab}, {"unk_id", unk_id}};
    };
  };
  refuses(unigram(Json::array(), 0), "expected a list of tokens");
  refuses(unigram(Json::parse(R"({"a": 0})"), 0), "expected a list of tokens");
  refuses(unigram(Json::array({Json::array({"a", 0})}), 1), "unk_id: 1");
  refuses(unigram(Json::array({Json::array({"a", "0"})}), 0), "expected a number");
  refuses(unigram(Json::array({"a"}), 0), "expected '['");
  refuses([](Json& file) { file["model"]["dropout"] = 0.1; }, "dropout");
  refuses([](Json& file) { file["normalizer"]["type"] = "Other"; }, "Other");
  refuses([](Json& file) { file["pre_tokenizer"]["pretokenizers"][1]["type"] = "X"; },
          "pre_tokenizer: pretokenizers[1]: the type X");
  refuses([](Json& file) { file["added_tokens"][1]["id"] = 900; }, "has the id 900");
  refuses([](Json& file) { file["model"]["merges"][0][1] = "qq"; }, "\"qq\" is not in");
  refuses([](Json& file) { file.erase("model"); }, "with a model");
  EXPECT_THROW(load_tokenizer("/nowhere"), DataError);
}

}  // namespace
}  // namespace distill
