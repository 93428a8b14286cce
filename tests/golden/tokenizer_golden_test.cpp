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
#include "distill/text/pair_windows.h"
#include "distill/text/streaming_decoder.h"
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
std::vector<int64_t> code_point_offsets(const std::vector<ByteSpan>& spans,
                                        const std::string& text) {
  std::vector<int64_t> before(text.size() + 1, 0);  // code points that start before byte i
  for (size_t i = 0; i < text.size(); ++i) {
    before[i + 1] = before[i] + ((text[i] & 0xC0) != 0x80 ? 1 : 0);
  }
  std::vector<int64_t> out;
  for (const ByteSpan& span : spans) {
    out.push_back(before[static_cast<size_t>(span.begin)]);
    out.push_back(before[static_cast<size_t>(span.end)]);
  }
  return out;
}

/// What the streaming decoder gives out is whole characters and adds up to `decoded`.
void expect_streamed(const Tokenizer& tokenizer, const std::vector<int64_t>& ids,
                     bool skip_special_tokens, const std::string& decoded) {
  StreamingDecoder stream(tokenizer, skip_special_tokens);
  std::string all;
  for (const int64_t id : ids) {
    const std::string part = stream.push(id);
    EXPECT_EQ(first_invalid_utf8(part), std::nullopt);
    all += part;
  }
  EXPECT_EQ(all + stream.finish(), decoded);
}

void expect_case(const Tokenizer& tokenizer, const Json& entry) {
  const std::string text = entry["text"];
  SCOPED_TRACE(entry["text"].dump());
  const auto numbers = [&](const char* key) { return entry[key].get<std::vector<int64_t>>(); };
  const Encoding encoding = tokenizer.encode(text);
  EXPECT_EQ(encoding.ids, numbers("ids"));
  EXPECT_EQ(code_point_offsets(encoding.offsets, text), numbers("offsets"));
  EXPECT_EQ(tokenizer.ids(text, false), numbers("ids_no_special"));
  if (entry.contains("ids_special_as_text")) {
    EXPECT_EQ(
        tokenizer.encode(text, {.add_special_tokens = false, .special_tokens_as_text = true}).ids,
        numbers("ids_special_as_text"));
  }
  EXPECT_EQ(tokenizer.decode(encoding.ids, false), entry["decoded"].get<std::string>());
  EXPECT_EQ(tokenizer.decode(encoding.ids, true), entry["decoded_skip_special"].get<std::string>());
  expect_streamed(tokenizer, encoding.ids, false, entry["decoded"]);
  expect_streamed(tokenizer, encoding.ids, true, entry["decoded_skip_special"]);
}

void expect_pair(const Tokenizer& tokenizer, const Json& entry) {
  const std::string question = entry["question"], context = entry["context"];
  SCOPED_TRACE(entry["question"].dump());
  const auto windows = pair_windows(tokenizer, question, context,
                                    {.max_length = entry["max_length"], .stride = entry["stride"]});
  const Json& spans = entry["spans"];
  ASSERT_EQ(windows.size(), spans.size());
  for (size_t n = 0; n < windows.size(); ++n) {
    const PairWindow& window = windows[n];
    EXPECT_EQ(Json(window.ids), spans[n]["ids"]);
    EXPECT_EQ(Json(window.type_ids), spans[n]["type_ids"]);
    EXPECT_EQ(Json(window.texts), spans[n]["sequence_ids"]);
    // The numbers of each text's tokens are code points of that text.
    std::vector<int64_t> offsets = code_point_offsets(window.offsets, question);
    const std::vector<int64_t> in_context = code_point_offsets(window.offsets, context);
    for (size_t i = 0; i < offsets.size(); ++i) {
      if (window.texts[i / 2] == 1) offsets[i] = in_context[i];
    }
    EXPECT_EQ(Json(offsets), spans[n]["offsets"]);
  }
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

TEST(TokenizerGolden, WindowsOfQuestionsAndContextsAreEqual) {
  int count = 0;
  for (const fs::directory_entry& folder : fs::directory_iterator(fixtures() / "tokenizers")) {
    std::ifstream pairs(folder.path() / "pairs.jsonl");
    if (!pairs) continue;
    SCOPED_TRACE(folder.path().filename());
    const auto tokenizer = load_tokenizer(tokenizer_path(folder.path()));
    for (std::string line; std::getline(pairs, line); ++count) {
      expect_pair(*tokenizer, Json::parse(line));
    }
  }
  if (count == 0) GTEST_SKIP() << "the fixtures here have no pairs.jsonl";
  std::cout << "[  COMPARED] " << count << " questions\n";
}

TEST(TokenizerGolden, SmolLm2IsEqual) {
  const char* folder = std::getenv("DISTILL_SMOLLM2");
  const fs::path numbers = DISTILL_SOURCE_DIR "/build/reference/models/smollm2_golden.json";
  if (folder == nullptr) GTEST_SKIP() << "DISTILL_SMOLLM2 names no folder";
  if (!fs::exists(numbers)) GTEST_SKIP() << numbers << " is not there";
  const auto tokenizer = load_tokenizer(folder);
  const Json golden = read_json(numbers);
  EXPECT_GT(golden["tokenizer"].size(), 20u);
  for (const Json& entry : golden["tokenizer"]) {
    const std::string text = entry["text"];
    SCOPED_TRACE(entry["text"].dump());
    const std::vector<int64_t> ids = tokenizer->ids(text, true);
    EXPECT_EQ(Json(ids), entry["ids"]);
    EXPECT_EQ(tokenizer->decode(ids, false), entry["decoded"].get<std::string>());
    expect_streamed(*tokenizer, ids, false, entry["decoded"]);
  }
  EXPECT_EQ(Json(tokenizer->ids(golden["chat"]["text"].get<std::string>(), false)),
            golden["chat"]["ids"]);
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
    EXPECT_EQ(Json(code_point_offsets(encoding.offsets, text)), entry["offsets"]);
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
