// Each part of a tokenizer against what the `tokenizers` library makes of the same rules and texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<Json> rows_of(const std::string& kind) {
  std::vector<Json> rows;
  for (const char* name : {"parts.jsonl", "more_parts.jsonl"}) {
    const std::string path = std::string(DISTILL_SOURCE_DIR "/tests/data/tokenizers/") + name;
    std::ifstream file(path);
    const size_t before = rows.size();
    for (std::string line; std::getline(file, line);) {
      Json row = parse_json(line, path);
      if (row.contains(kind)) rows.push_back(std::move(row));
    }
    EXPECT_GT(rows.size(), before) << path;
  }
  return rows;
}

std::vector<int> flat(const std::vector<ByteSpan>& spans) {
  std::vector<int> out;
  for (const ByteSpan& span : spans) out.insert(out.end(), {span.begin, span.end});
  return out;
}

TEST(TokenizerParts, NormalizersGiveTheTextAndWhereItCameFrom) {
  for (const Json& row : rows_of("normalizer")) {
    const auto normalizer = parse_normalizer(row["normalizer"], "test");
    for (const Json& entry : row["cases"]) {
      const std::string text = entry["text"];
      SCOPED_TRACE(row["normalizer"].dump() + " of " + entry["text"].dump());
      const AlignedText out = normalizer->apply(AlignedText(text, 0, text.size()));
      EXPECT_EQ(out.text(), entry["normalized"].get<std::string>());
      std::vector<ByteSpan> spans;
      for_each_code_point(out.text(), [&](char32_t, size_t begin, size_t end) {
        spans.push_back(out.source(begin, end));
      });
      EXPECT_EQ(flat(spans), entry["offsets"].get<std::vector<int>>());
    }
  }
}

TEST(TokenizerParts, ComposedFormsLeaveOutWhatUnicodeExcludes) {
  // U+1D161 never comes out of a composition.
  const std::string text = "e\u0301\U0001D161", expected = "\u00e9\U0001D158\U0001D165\U0001D16F";
  for (const char* form : {R"({"type": "NFC"})", R"({"type": "NFKC"})"}) {
    const auto normalizer = parse_normalizer(Json::parse(form), "test");
    EXPECT_EQ(normalizer->apply(AlignedText(text, 0, text.size())).text(), expected);
  }
}

TEST(TokenizerParts, PreTokenizersGiveThePiecesAndWhereTheyCameFrom) {
  for (const Json& row : rows_of("pre_tokenizer")) {
    const auto pre_tokenizer = parse_pre_tokenizer(row["pre_tokenizer"], "test");
    for (const Json& entry : row["cases"]) {
      const std::string text = entry["text"];
      SCOPED_TRACE(row["pre_tokenizer"].dump() + " of " + entry["text"].dump());
      PreTokens tokens(AlignedText(text, 0, text.size()));
      pre_tokenizer->apply(tokens);
      tokens.expand_byte_level();
      std::vector<std::string> pieces;
      std::vector<ByteSpan> spans;
      for (const Piece piece : tokens.pieces()) {
        pieces.emplace_back(tokens.view(piece));
        spans.push_back(tokens.text().source(piece.begin, piece.end));
      }
      EXPECT_EQ(pieces, entry["pieces"].get<std::vector<std::string>>());
      EXPECT_EQ(flat(spans), entry["offsets"].get<std::vector<int>>());
    }
  }
}

TEST(TokenizerParts, DecodersGiveTheText) {
  for (const Json& row : rows_of("decoder")) {
    const auto decoder = parse_decoder(row["decoder"], "test");
    for (const Json& entry : row["cases"]) {
      SCOPED_TRACE(row["decoder"].dump() + " of " + entry["tokens"].dump());
      std::string text;
      for (const std::string& piece :
           decoder->apply(entry["tokens"].get<std::vector<std::string>>())) {
        text += piece;
      }
      EXPECT_EQ(text, entry["text"].get<std::string>());
    }
  }
}

TEST(TokenizerParts, PostProcessorsFrameATextAndTrimOffsets) {
  Vocabulary vocabulary;
  vocabulary.add("\u0120a\u0120", 7);
  const PostInput input{"  a  ", vocabulary, true};
  const auto run = [&](const char* rules, PostInput with) {
    std::vector<TextToken> tokens{{7, {1, 4}, {}}};
    parse_post_processor(Json::parse(rules), "test")->apply(tokens, with);
    std::vector<int> out;
    for (const TextToken& token : tokens) {
      out.insert(out.end(), {token.id, token.source.begin, token.source.end});
    }
    return out;
  };
  const char* roberta = R"({"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
                            "trim_offsets": true, "add_prefix_space": false})";
  EXPECT_EQ(run(roberta, input), (std::vector{0, 0, 0, 7, 2, 3, 2, 0, 0}));
  EXPECT_EQ(run(roberta, {input.text, vocabulary, false}), (std::vector{7, 2, 3}));
  // The space that the pre-tokenizer put in front is not one of the text's.
  EXPECT_EQ(run(R"({"type": "ByteLevel", "trim_offsets": true, "add_prefix_space": true})", input),
            (std::vector{7, 1, 3}));
  const char* sequence = R"({"type": "Sequence", "processors": [
      {"type": "ByteLevel", "trim_offsets": false},
      {"type": "TemplateProcessing", "special_tokens": {"B": {"id": "B", "ids": [5, 6]}},
       "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A"}}]}]})";
  EXPECT_EQ(run(sequence, input), (std::vector{5, 0, 0, 6, 0, 0, 7, 1, 4}));
}

template <typename Parse>
auto parsing(Parse parse, const char* rules) {
  return [=] { parse(Json::parse(rules), "t.json: part"); };
}

TEST(TokenizerParts, WhatIsNotSupportedIsRefusedByName) {
  EXPECT_THAT(parsing(parse_normalizer, R"({"type": "BertNormalizer2"})"),
              ThrowsMessage<DataError>(HasSubstr("t.json: part: the type BertNormalizer2")));
  EXPECT_THAT(parsing(parse_pre_tokenizer, R"({"type": "Sequence", "pretokenizers": [
                         {"type": "Digits"}, {"type": "UnicodeScripts"}]})"),
              ThrowsMessage<DataError>(HasSubstr("pretokenizers[1]: the type UnicodeScripts")));
  EXPECT_THAT(parsing(parse_post_processor, R"({"type": "Other"})"),
              ThrowsMessage<DataError>(HasSubstr("Other")));
  EXPECT_THAT(parsing(parse_decoder, R"({"type": "CTC"})"),
              ThrowsMessage<DataError>(HasSubstr("CTC")));
  EXPECT_THAT(parsing(parse_decoder, R"(["Fuse"])"),
              ThrowsMessage<DataError>(HasSubstr("expected an object")));
}

TEST(TokenizerParts, RulesThatAreWrongAreRefused) {
  const auto refused = [](auto parse, const char* rules, const char* message) {
    EXPECT_THAT(parsing(parse, rules), ThrowsMessage<DataError>(HasSubstr(message))) << rules;
  };
  refused(parse_pre_tokenizer,
          R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})", "byte 2");
  refused(parse_pre_tokenizer,
          R"({"type": "Split", "pattern": {"Regex": "[a&&b]"}, "behavior": "Isolated"})",
          "intersection");
  refused(parse_pre_tokenizer,
          R"({"type": "Split", "pattern": {"Regex": "[a[bc]]"}, "behavior": "Isolated"})",
          "class inside a class");
  refused(parse_pre_tokenizer,
          R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"})", "Sideways");
  refused(parse_pre_tokenizer,  // it would cut characters in two
          R"({"type": "Split", "pattern": {"Regex": "\\C"}, "behavior": "Isolated"})", "\\C");
  refused(parse_pre_tokenizer, R"({"type": "Metaspace", "replacement": "ab"})", "one character");
  const auto charsmap = [&](const char* base64, const char* message) {
    const Json rules = {{"type", "Precompiled"}, {"precompiled_charsmap", base64}};
    refused(parse_normalizer, rules.dump().c_str(), message);
  };
  charsmap("", "cut off");
  charsmap("AAA", "multiple of 4");
  charsmap("AAA*", "not base64");
  charsmap("CAAAAAAAAAA=", "cut off");  // 8 bytes of trie, but 4 follow
  charsmap("BAAAAAAAAAD/", "UTF-8");
  refused(parse_normalizer, R"({"type": "Replace", "pattern": "a", "content": ""})", "Regex");
  refused(parse_post_processor, R"({"type": "TemplateProcessing", "single": []})", "one Sequence");
  refused(parse_post_processor, R"({"type": "BertProcessing", "sep": ["x"], "cls": ["y", 1]})",
          "a token and its id");
}

/// Rules that pass but could fill the memory, or go on for ever, with a short text.
TEST(TokenizerParts, RulesThatRunAwayEndWithAnError) {
  const AlignedText text("\u00e9a", 0, 3);
  const auto cut = [&](const Json& rules) {
    return [rules, text] {
      PreTokens tokens(text);
      parse_pre_tokenizer(rules, "test")->apply(tokens);
    };
  };
  const auto repeat = [](const char* key, const Json& part) {
    Json rules = {{"type", "Sequence"}, {key, Json::array()}};
    for (int i = 0; i < 40; ++i) rules[key].push_back(part);
    return rules;
  };
  const Json replace =
      Json::parse(R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"})");
  const auto grows = ThrowsMessage<DataError>(HasSubstr("64 times"));
  EXPECT_THAT([&] { parse_normalizer(repeat("normalizers", replace), "test")->apply(text); },
              grows);
  EXPECT_THAT([&] { parse_decoder(repeat("decoders", replace), "test")->apply({"a"}); }, grows);
  const Json byte_level = {{"type", "ByteLevel"}, {"use_regex", false}};
  EXPECT_THAT(cut(repeat("pretokenizers", byte_level)), grows);
  const auto split_at = [&](const char* regex) {
    return cut({{"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", regex}}}});
  };
  EXPECT_THAT(split_at(R"r((?(DEFINE)(?<q>a\K))(?=.(?&q)))r"),
              ThrowsMessage<DataError>(HasSubstr("ends before it begins")));
}

}  // namespace
}  // namespace distill
