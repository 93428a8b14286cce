// Every tokenizer of the fixtures: ids, offsets and decoded text equal those of the `tokenizers`
// library. DISTILL_FIXTURES names the folder with tokenizers/<name>/{source.json,cases.jsonl}.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "distill/core/files.h"
#include "distill/io/json.h"
#include "distill/text/tokenizer.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

fs::path fixtures() {
  const char* folder = std::getenv("DISTILL_FIXTURES");
  return folder != nullptr ? folder : DISTILL_SOURCE_DIR "/tests/data/fixtures";
}

/// The tokenizer.json that a fixture is about; empty if it is about something else.
fs::path tokenizer_path(const fs::path& fixture) {
  const Json source = read_json(fixture / "source.json");
  if (!source.contains("tokenizer_json")) return {};
  const Json& place = source["tokenizer_json"];
  const bool inside = place["tree"] == "fixtures";
  return (inside ? fixtures() : fixtures() / ".." / place["tree"].get<std::string>()) /
         place["path"].get<std::string>();
}

/// [begin, end) pairs in code points of `text`, end to end.
std::vector<int64_t> code_point_offsets(const Encoding& encoding, const std::string& text) {
  std::vector<int64_t> before(text.size() + 1, 0);  // code points that start before byte i
  for (size_t i = 0; i < text.size(); ++i) {
    before[i + 1] = before[i] + ((text[i] & 0xC0) != 0x80 ? 1 : 0);
  }
  std::vector<int64_t> out;
  for (const ByteSpan& span : encoding.offsets) {
    out.push_back(before[static_cast<size_t>(span.begin)]);
    out.push_back(before[static_cast<size_t>(span.end)]);
  }
  return out;
}

void expect_case(const Tokenizer& tokenizer, const Json& entry) {
  const std::string text = entry["text"];
  SCOPED_TRACE(entry["text"].dump());
  const auto numbers = [&](const char* key) { return entry[key].get<std::vector<int64_t>>(); };
  const Encoding encoding = tokenizer.encode(text);
  EXPECT_EQ(encoding.ids, numbers("ids"));
  EXPECT_EQ(code_point_offsets(encoding, text), numbers("offsets"));
  EXPECT_EQ(tokenizer.ids(text, false), numbers("ids_no_special"));
  if (entry.contains("ids_special_as_text")) {
    EXPECT_EQ(
        tokenizer.encode(text, {.add_special_tokens = false, .special_tokens_as_text = true}).ids,
        numbers("ids_special_as_text"));
  }
  EXPECT_EQ(tokenizer.decode(encoding.ids, false), entry["decoded"].get<std::string>());
  EXPECT_EQ(tokenizer.decode(encoding.ids, true), entry["decoded_skip_special"].get<std::string>());
}

TEST(TokenizerGolden, EveryFixtureIsEqual) {
  const fs::path root = fixtures() / "tokenizers";
  ASSERT_TRUE(fs::is_directory(root)) << root;
  int run = 0;
  for (const fs::directory_entry& folder : fs::directory_iterator(root)) {
    if (!fs::exists(folder.path() / "cases.jsonl")) continue;
    const std::string name = folder.path().filename();
    SCOPED_TRACE(name);
    const fs::path path = tokenizer_path(folder.path());
    if (path.empty()) continue;
    const auto tokenizer = load_tokenizer(path);
    std::ifstream cases(folder.path() / "cases.jsonl");
    int count = 0;
    for (std::string line; std::getline(cases, line); ++count) {
      expect_case(*tokenizer, Json::parse(line));
    }
    std::cout << "[  COMPARED] " << name << ": " << count << " cases\n";
    EXPECT_GT(count, 0);
    ++run;
  }
  EXPECT_GT(run, 0);
}

/// The archive of texts beside the fixtures; empty if it is not here.
fs::path data() {
  const fs::path path = fixtures() / ".." / "data";
  return fs::is_directory(path / "llama.cpp-vocab") ? path : fs::path();
}

std::vector<std::string> cut(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos;) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

TEST(TokenizerGolden, SentencePieceIsEqual) {
  if (data().empty()) GTEST_SKIP() << "needs the archive's data";
  const fs::path folder = fs::path(testing::TempDir()) / "sentencepiece";
  fs::create_directories(folder);
  fs::copy_file(data() / "tok-sentencepiece/test_model.model", folder / "tokenizer.model",
                fs::copy_options::overwrite_existing);
  write_file(folder / "tokenizer_config.json", R"({"add_bos_token": true, "add_eos_token": true})");
  const auto tokenizer = load_tokenizer(folder);
  std::ifstream cases(fixtures() / "tokenizers/sentencepiece-unigram/cases.jsonl");
  int count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    const Json entry = Json::parse(line);
    const std::string text = entry["text"];
    SCOPED_TRACE(entry["text"].dump());
    // The library knows no special tokens in a text.
    EncodeOptions as_text{.add_special_tokens = true, .special_tokens_as_text = true};
    EXPECT_EQ(Json(tokenizer->encode(text, as_text).ids), entry["ids"]);
    as_text.add_special_tokens = false;
    const Encoding encoding = tokenizer->encode(text, as_text);
    EXPECT_EQ(Json(encoding.ids), entry["ids_no_special"]);
    EXPECT_EQ(Json(code_point_offsets(encoding, text)), entry["offsets"]);
    EXPECT_EQ(tokenizer->decode(encoding.ids, false), entry["decoded"].get<std::string>());
  }
  EXPECT_EQ(count, 449);
}

TEST(TokenizerGolden, LlamaCppsVectorsAreEqual) {
  if (data().empty()) GTEST_SKIP() << "needs the archive's data";
  const std::pair<const char*, fs::path> kVectors[] = {
      {"gpt-2", data() / "hf-configs/gpt2-base/tokenizer.json"},
      {"qwen2", data() / "tok-qwen2"},
      {"bert-bge", data() / "tok-bert"}};
  for (const auto& [name, path] : kVectors) {
    SCOPED_TRACE(name);
    const auto tokenizer = load_tokenizer(path);
    const fs::path file = data() / "llama.cpp-vocab" / ("ggml-vocab-" + std::string(name));
    const auto texts = cut(read_file(file.string() + ".gguf.inp"), "\n__ggml_vocab_test__\n");
    const auto lines = cut(read_file(file.string() + ".gguf.out"), "\n");
    ASSERT_GE(lines.size(), texts.size());
    EXPECT_GT(texts.size(), 40u);
    for (size_t i = 0; i < texts.size(); ++i) {
      std::istringstream line(lines[i]);
      const std::vector<int64_t> expected(std::istream_iterator<int64_t>(line), {});
      EXPECT_EQ(tokenizer->ids(texts[i], false), expected) << texts[i];
    }
  }
}

TEST(TokenizerGolden, BertsQuestionsAreEqual) {
  if (data().empty()) GTEST_SKIP() << "needs the archive's data";
  const fs::path folder = data() / "tok-bert";
  const auto tokenizer = load_tokenizer(folder);
  const Json questions = read_json(folder / "golden/question_tokens.json");
  const Json ids = read_json(folder / "golden/tokenized_questions.json");
  ASSERT_EQ(questions.size(), ids.size());
  EXPECT_EQ(questions.size(), 10570u);
  for (size_t i = 0; i < questions.size(); ++i) {
    const std::string text = questions[i]["original"];
    EXPECT_EQ(tokenizer->ids(text, false), ids[i].get<std::vector<int64_t>>()) << text;
  }
}

}  // namespace
}  // namespace distill
