// Folders without tokenizer.json.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/json.h"
#include "distill/text/tokenizer.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
namespace fs = std::filesystem;

const fs::path kTokenizers = DISTILL_SOURCE_DIR "/tests/data/tokenizers";

class VocabularyFiles : public testing::Test {
 protected:
  VocabularyFiles()
      : folder_(fs::path(testing::TempDir()) /
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::create_directories(folder_);
  }
  ~VocabularyFiles() override { fs::remove_all(folder_); }

  void write(const char* name, const std::string& text) const { write_file(folder_ / name, text); }
  /// vocab.json and merges.txt of the byte-level tokenizer.
  void write_byte_level() const {
    const Json model = read_json(kTokenizers / "byte_level/tokenizer.json")["model"];
    write("vocab.json", model["vocab"].dump());
    std::string merges = "#version: 0.2\n";
    for (const Json& merge : model["merges"]) {
      merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
    }
    write("merges.txt", merges);
  }
  void expect_refused(const char* message) const {
    EXPECT_THAT([&] { load_tokenizer(folder_); }, ThrowsMessage<DataError>(HasSubstr(message)));
  }

  fs::path folder_;
};

TEST_F(VocabularyFiles, AListOfWordPiecesIsBert) {
  const auto expected = load_tokenizer(kTokenizers / "word_piece");
  std::string lines;
  for (int64_t id = 0; id < expected->vocab_size(); ++id) lines += expected->id_to_token(id) + "\n";
  write("vocab.txt", lines);
  const auto tokenizer = load_tokenizer(folder_);
  const std::string text = "Hello caf\u00e9, [SEP] isn't 4.50";
  EXPECT_EQ(tokenizer->ids(text, true), expected->ids(text, true));
  EXPECT_EQ(tokenizer->decode(tokenizer->ids(text, true), true),
            expected->decode(expected->ids(text, true), true));
  write("tokenizer_config.json", R"({"do_lower_case": false, "tokenizer_class": "BertTokenizer"})");
  EXPECT_NE(load_tokenizer(folder_)->ids(text, true), expected->ids(text, true));
  write("tokenizer_config.json", R"({"tokenizer_class": "BertJapaneseTokenizer"})");
  expect_refused("BertJapaneseTokenizer");
  write("tokenizer_config.json", R"({"cls_token": "[CLASS]"})");
  EXPECT_EQ(load_tokenizer(folder_)->ids("", true).front(), expected->vocab_size());
  fs::remove(folder_ / "tokenizer_config.json");
  write("vocab.txt", "a\nb\na\n");
  expect_refused("vocab.txt: token \"a\" occurs twice");
  write("vocab.txt", "a\nb\n");
  expect_refused("cls_token");
}

TEST_F(VocabularyFiles, AVocabularyWithMergesIsOfItsClass) {
  write_byte_level();
  expect_refused("unknown tokenizer_class");
  write("tokenizer_config.json",
        R"({"tokenizer_class": "GPT2TokenizerFast", "eos_token": "</s>", "add_bos_token": true,
            "bos_token": {"content": "<s>", "lstrip": true}})");
  const auto gpt2 = load_tokenizer(folder_);
  EXPECT_EQ(gpt2->decode(gpt2->ids("hello the </s>", false), true), "hello the ");
  EXPECT_EQ(gpt2->special().eos, "</s>");
  EXPECT_TRUE(gpt2->adds_bos());
  EXPECT_EQ(gpt2->ids("hello  <s>", false).size(), gpt2->ids("hello<s>", false).size());
  write("tokenizer_config.json", R"({"tokenizer_class": "RobertaTokenizer", "sep_token": "</s>",
                                     "cls_token": "<s>"})");
  const auto roberta = load_tokenizer(folder_);
  EXPECT_EQ(roberta->id_to_token(roberta->ids("hello", true).back()), "</s>");
  write("tokenizer_config.json", R"({"tokenizer_class": "CLIPTokenizer"})");
  expect_refused("CLIPTokenizer");
  write("tokenizer_config.json", R"({"tokenizer_class": "Qwen2Tokenizer"})");
  const auto qwen2 = load_tokenizer(folder_);
  EXPECT_EQ(qwen2->ids("e\u0301", false), qwen2->ids("\u00e9", false));
  write("added_tokens.json", R"({"<x>": 100000})");
  expect_refused("\"<x>\" has the id 100000");
  write("added_tokens.json", R"({"<x>": )" + std::to_string(qwen2->vocab_size()) + "}");
  EXPECT_EQ(load_tokenizer(folder_)->ids("<x>", false), std::vector{qwen2->vocab_size()});
  write("vocab.json", "{\"a\": 0,\n\"b\": 0}");
  expect_refused("vocab.json:2:");
  fs::remove(folder_ / "added_tokens.json");
  write("vocab.json", "[]");
  expect_refused("vocab.json: model: vocab: expected an object");
}

}  // namespace
}  // namespace distill
