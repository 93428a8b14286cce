// Every tokenizer of the fixtures: ids, offsets and decoded text equal those of the `tokenizers`
// library. DISTILL_FIXTURES names the folder with tokenizers/<name>/{source.json,cases.jsonl}.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "distill/core/error.h"
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
    if (path.empty()) {
      std::cout << "[  SKIPPED ] " << name << ": not a tokenizer.json\n";
      continue;
    }
    std::shared_ptr<const Tokenizer> tokenizer;
    try {
      tokenizer = load_tokenizer(path);
    } catch (const DataError& error) {
      const std::string what = error.what();
      if (what.find("is not supported") == std::string::npos) throw;
      std::cout << "[  SKIPPED ] " << name << ": " << what << "\n";
      continue;
    }
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

}  // namespace
}  // namespace distill
