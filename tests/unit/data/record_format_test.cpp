// What holds for every format: its columns are what it reads, and the docs have it.
#include "distill/data/record_format.h"

#include <gmock/gmock.h>

#include "distill/core/files.h"
#include "distill/data/formatter.h"
#include "fakes.h"

namespace distill {
namespace {

using testing::HasSubstr;

const auto kChat = std::make_shared<FakeChat>();

Json conversation(const std::string& who, const std::string& what) {
  const auto turn = [&](const std::string& user, const std::string& text) {
    Json message = Json::object();
    message[who] = user;
    message[what] = text;
    return message;
  };
  return Json::array({turn("user", "what"), turn("assistant", "words")});
}

/// A column's value in a record whose plain text is not empty.
Json value_of(const std::string& field) {
  if (field == "messages") return conversation("role", "content");
  if (field == "conversations") return conversation("from", "value");
  if (field == "tools") return parse_json(R"([{"name": "f"}])", "tools");
  if (field == "tokens") return parse_json("[104, 105]", "tokens");
  if (field == "loss_mask") return parse_json("[0, 1]", "loss_mask");
  return "words of " + field;
}

class EveryFormat : public testing::TestWithParam<RegistryEntry> {
 protected:
  EveryFormat() : format(record_formats().create(GetParam().name)) {
    source.path = "f.jsonl";
    source.format = GetParam().name;
    for (const FormatColumn& column : format->columns()) {
      record[column.field] = value_of(column.field);
    }
  }
  Formatter formatter(const std::shared_ptr<const ChatTemplate>& chat = kChat,
                      bool has_eos = true) const {
    return {source, TrainOn::kAssistant, std::make_shared<FakeTokenizer>(false, has_eos), chat};
  }

  std::unique_ptr<const RecordFormat> format;
  SourceConfig source;
  Json record = Json::object();
};

TEST_P(EveryFormat, ReadsItsColumnsUnderAnyName) {
  const Document expected = formatter().format(record);
  EXPECT_FALSE(expected.tokens.empty());
  const std::string text = formatter().plain_text(record);
  EXPECT_FALSE(text.empty());
  Json renamed = Json::object();
  for (const FormatColumn& column : format->columns()) {
    source.columns.emplace_back(column.field, "my " + column.field);
    renamed["my " + column.field] = record[column.field];
  }
  EXPECT_EQ(formatter().format(renamed).tokens, expected.tokens);
  EXPECT_EQ(formatter().format(renamed).is_target, expected.is_target);
  EXPECT_EQ(formatter().plain_text(renamed), text);
}

TEST_P(EveryFormat, MissesRequiredColumnsOnly) {
  for (const FormatColumn& column : format->columns()) {
    Json without = record;
    without.erase(column.field);
    if (column.required) {
      const std::string problem = "the column '" + column.field + "' is missing";
      EXPECT_THAT(data_error([&] { formatter().format(without); }), HasSubstr(problem));
      EXPECT_THAT(data_error([&] { formatter().plain_text(without); }), HasSubstr(problem));
    } else {
      EXPECT_NO_THROW(formatter().format(without)) << column.field;
      EXPECT_NO_THROW(formatter().plain_text(without)) << column.field;
    }
  }
}

TEST_P(EveryFormat, KeysAreOfItsColumns) {
  const ContentKey key = formatter().content_key(record);
  Json other = record;
  other["id"] = 1;
  EXPECT_EQ(formatter().content_key(other), key);
  EXPECT_EQ(formatter().format(other).tokens, formatter().format(record).tokens);
  for (const FormatColumn& column : format->columns()) {
    other = record;
    other[column.field] = "another";
    EXPECT_NE(formatter().content_key(other), key) << column.field;
  }
}

TEST_P(EveryFormat, NeedsWhatItIsWrittenWith) {
  const Writing writing = format->writing();
  const auto builds = [this](const std::shared_ptr<const ChatTemplate>& chat, bool has_eos) {
    try {
      formatter(chat, has_eos);
      return true;
    } catch (const DataError&) {
      return false;
    }
  };
  EXPECT_TRUE(builds(kChat, true));
  EXPECT_EQ(builds(nullptr, true), writing != Writing::kChat);
  EXPECT_EQ(builds(kChat, false), writing != Writing::kPlain);
  EXPECT_EQ(builds(nullptr, false), writing == Writing::kTokens);
}

TEST_P(EveryFormat, IsInTheDocs) {
  const std::string docs = read_file(DISTILL_SOURCE_DIR "/docs/data.md");
  const size_t begin = docs.find("| `" + GetParam().name + "` | `{");
  ASSERT_NE(begin, std::string::npos);
  const std::string row = docs.substr(begin, docs.find('\n', begin) - begin);
  for (const FormatColumn& column : format->columns()) {
    EXPECT_THAT(row, HasSubstr("\"" + column.field + "\": "));
    EXPECT_THAT(GetParam().summary, HasSubstr(column.field));
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryFormat, testing::ValuesIn(record_formats().entries()),
                         [](const auto& test) { return test.param.name; });

TEST(RecordFormats, AnUnknownNameIsRefused) {
  SourceConfig source;
  source.path = "f.jsonl";
  source.format = "parquet";
  EXPECT_THROW(Formatter(source, TrainOn::kAll, std::make_shared<FakeTokenizer>(), nullptr),
               ConfigError);
}

}  // namespace
}  // namespace distill
