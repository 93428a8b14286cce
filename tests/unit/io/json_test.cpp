#include "distill/io/json.h"

#include <gmock/gmock.h>

#include "scratch.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& text) {
  return data_error([&] { parse_json(text, "f.json"); });
}

TEST(Json, KeepsValuesAndTheOrderOfKeys) {
  const std::string text = R"({"z":[1,-2,2.5,"\u00e9\n",true,null,{}],"a":{"b":[]},"m":"x"})";
  EXPECT_EQ(parse_json(text, "f.json").dump(),
            "{\"z\":[1,-2,2.5,\"\u00e9\\n\",true,null,{}],"
            "\"a\":{\"b\":[]},\"m\":\"x\"}");
  EXPECT_EQ(parse_json(" 7 \n", "f.json"), 7);
  EXPECT_EQ(parse_json("18446744073709551615", "f.json").get<uint64_t>(), UINT64_MAX);
}

TEST(Json, NamesThePlaceOfASyntaxError) {
  EXPECT_THAT(error_of("{\n  \"a\": 1,\n  \"b\": }"), StartsWith("f.json:3:8: not valid JSON: "));
  EXPECT_THAT(error_of("[1, NaN]"), StartsWith("f.json:1:5: not valid JSON"));
  EXPECT_THAT(error_of("[1, 2] x"), StartsWith("f.json:1:8: not valid JSON"));
  EXPECT_THAT(error_of("[\"\u00e9\u00e9\", x]"), StartsWith("f.json:1:8: not valid JSON"));
  for (const char* text :
       {"", " ", "{", "[1,]", "{\"a\" 1}", "{\"a\":1,}", "Infinity", "01", "1e999", "'a'",
        "// c\n1", "\"\\x\"", "\"\t\"", "[1", "\"abc", "{1:2}", "nul"}) {
    EXPECT_THAT(error_of(text), StartsWith("f.json:1:")) << text;
  }
  EXPECT_THAT(error_of(std::string("[1\0]", 4)), StartsWith("f.json:1:3: "));
}

TEST(Json, CountsFromTheFirstPlaceOfARecord) {
  const auto error = [](const std::string& text, TextPlace first) {
    return data_error([&] { parse_json(text, "train.jsonl", first); });
  };
  EXPECT_THAT(error("{\"a\": oops}", {.line = 17}), StartsWith("train.jsonl:17:7: "));
  EXPECT_THAT(error("{\"a\": oops}", {.line = 3, .column = 5}), StartsWith("train.jsonl:3:11: "));
  EXPECT_THAT(error("{\n oops}", {.line = 3, .column = 5}), StartsWith("train.jsonl:4:2: "));
}

TEST(Json, MessagesHaveNoHalfACharacter) {
  EXPECT_EQ(error_of("{\"a\": \u00e9}"),
            "f.json:1:7: not valid JSON: syntax error while parsing value - invalid literal");
}

TEST(Json, RefusesDuplicateKeysAtAnyDepth) {
  EXPECT_EQ(error_of("{\"a\": 1, \"a\": 2}"), "f.json:1:10: the key \"a\" is given twice");
  EXPECT_EQ(error_of("[{}, {\"b\": {\"x\\\"\": 1,\n\"x\\\"\": 2}}]"),
            "f.json:2:1: the key \"x\"\" is given twice");
  EXPECT_EQ(error_of(R"({"\u0061": 1, "a": 2})"), "f.json:1:15: the key \"a\" is given twice");
  EXPECT_NO_THROW(parse_json("{\"a\": {\"a\": 1}, \"b\": {\"a\": 1}}", "f.json"));
}

TEST(Json, RefusesDeepNesting) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(200), "f.json"));
  EXPECT_EQ(error_of(nested(201)), "f.json:1:201: nested deeper than 200 levels");
  EXPECT_EQ(error_of(std::string(1'000'000, '[')), "f.json:1:201: nested deeper than 200 levels");
}

TEST(Json, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(error_of("[\n\"ok \xff\"]"), "f.json:2:5: not valid UTF-8");
  EXPECT_THAT(error_of("\xEF\xBB\xBF{}"), HasSubstr("byte order mark"));
  const Scratch scratch;
  const auto path = scratch.file("bad.json", "\"\xc3(\"");
  EXPECT_EQ(data_error([&] { read_json(path); }), path.string() + ":1:2: not valid UTF-8");
  EXPECT_THAT(data_error([&] { read_json(scratch / "absent.json"); }), HasSubstr("absent.json"));
}

TEST(Json, FindsTheFirstInvalidByte) {
  for (const char* good : {"", "plain", "\u00e9", "\u20ac", "\U0001F600", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(first_invalid_utf8(good), std::nullopt) << good;
  }
  const std::pair<const char*, size_t> bad[] = {{"\x80", 0},
                                                {"a\xC0\x80", 1},
                                                {"\xC1\xBF", 0},
                                                {"12345678\xE0\x80\x80", 8},
                                                {"\xED\xA0\x80", 0},
                                                {"\xF0\x80\x80\x80", 0},
                                                {"\xF4\x90\x80\x80", 0},
                                                {"\xF5\x80\x80\x80", 0},
                                                {"abc\xE2\x82", 3},
                                                {"\xE2\x82x", 0},
                                                {"\xF0\x9F\x98", 0},
                                                {"\u20ac\xFF", 3}};
  for (const auto& [text, offset] : bad) EXPECT_EQ(first_invalid_utf8(text), offset) << text;
}

TEST(Json, ReadsAVocabularyInLinearTime) {
  std::string text = "{\"vocab\": {";
  for (int i = 0; i < 150'000; ++i) {
    text += (i > 0 ? ", " : "") + ("\"token" + std::to_string(i)) + "\": " + std::to_string(i);
  }
  text += "}}";
  const Json json = parse_json(text, "f.json");  // minutes if each key were searched for
  EXPECT_EQ(json["vocab"].size(), 150'000);
  text.insert(text.size() - 2, ", \"token77\": 0");
  EXPECT_THAT(error_of(text), HasSubstr("\"token77\" is given twice"));
}

TEST(Json, ReadsTypedMembers) {
  const Json json = parse_json(
      R"({"i": 3, "n": null, "f": 2.5, "b": true, "s": "abc", "big": 18446744073709551615})", "c");
  EXPECT_EQ(json_int(json, "i", "c"), 3);
  EXPECT_EQ(json_int_or(json, "n", 9, "c"), 9);
  EXPECT_EQ(json_int_or(json, "absent", 9, "c"), 9);
  EXPECT_EQ(json_double_or(json, "f", 0, "c"), 2.5);
  EXPECT_EQ(json_double_or(json, "i", 0, "c"), 3.0);
  EXPECT_TRUE(json_bool_or(json, "b", false, "c"));
  EXPECT_EQ(json_string(json, "s", "c"), "abc");
  EXPECT_EQ(json_string_or(json, "absent", "x", "c"), "x");
  EXPECT_EQ(data_error([&] { json_int(json, "s", "c"); }),
            "c: s: expected an integer, found \"abc\"");
  EXPECT_EQ(data_error([&] { json_int(json, "f", "c"); }), "c: f: expected an integer, found 2.5");
  EXPECT_THAT(data_error([&] { json_int(json, "big", "c"); }), HasSubstr("expected an integer"));
  EXPECT_EQ(data_error([&] { json_int(json, "n", "c"); }), "c: n: missing");
  EXPECT_EQ(data_error([&] { json_bool_or(json, "i", true, "c"); }),
            "c: i: expected true or false, found 3");
  EXPECT_EQ(data_error([&] { json_string(Json(4), "s", "c"); }), "c: expected an object, found 4");
}

}  // namespace
}  // namespace distill
