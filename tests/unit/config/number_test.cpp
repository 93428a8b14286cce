// Numbers that change over the run: their values, how they are written, and what is refused.
#include "distill/config/number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "distill/config/config_file.h"
#include "distill/core/error.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

/// A term with one number of a range.
struct Term {
  void fields(Section& section) {
    section.field("temperature", temperature, {.help = "Divides.", .min = 0.01, .max = 8});
  }
  Number temperature = 1.0;
};

struct Terms {
  void fields(Section& section) { section.list("objective", terms, {.help = "The terms."}); }
  std::function<void(Section&)> visitor() {
    return [this](Section& section) { fields(section); };
  }
  std::vector<Term> terms;
};

std::string with(const std::string& temperature) {
  return "objective:\n- temperature: " + temperature + "\n";
}

/// The number that a configuration gives it.
Number read(const std::string& temperature, const std::vector<std::string>& overrides = {}) {
  Terms terms;
  ConfigFile::parse(with(temperature), "f.yaml", overrides).read(terms.visitor());
  return terms.terms[0].temperature;
}

std::vector<std::string> problems(const std::string& temperature,
                                  const std::vector<std::string>& overrides = {}) {
  try {
    read(temperature, overrides);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

std::vector<double> course(const Number& number, int64_t steps, int64_t total) {
  std::vector<double> values;
  for (int64_t step = 0; step < steps; ++step) values.push_back(number.at(step, total));
  return values;
}

TEST(Number, APlainOneIsTheSameThroughout) {
  const Number number = read("0.1");
  EXPECT_THAT(course(number, 3, 3), ElementsAre(0.1, 0.1, 0.1));
  EXPECT_EQ(number.last(), 0.1);
  EXPECT_TRUE(number.constant());
  EXPECT_TRUE(number.always(0.1));
  EXPECT_FALSE(number.always(1.0));
}

TEST(Number, LinearGoesFromStepZeroToTheEndOfItsStepsAndStays) {
  const Number number = read("{from: 1, to: 0.5, over: 4}");
  EXPECT_THAT(course(number, 7, 100), ElementsAre(1.0, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5));
  EXPECT_EQ(number.last(), 0.5);
  EXPECT_FALSE(number.constant());
  EXPECT_FALSE(number.always(0.5));
  EXPECT_EQ(number.lowest(), 0.5);
  EXPECT_EQ(number.highest(), 1.0);
}

TEST(Number, CosineIsHalfAWave) {
  const Number number = read("{from: 4, to: 1, over: 10, shape: cosine}");
  for (int64_t step = 0; step <= 10; ++step) {
    const double wave = std::cos(std::numbers::pi * static_cast<double>(step) / 10);
    EXPECT_NEAR(number.at(step, 50), 2.5 + 1.5 * wave, 1e-14);
  }
  EXPECT_EQ(number.at(0, 50), 4.0);
  EXPECT_EQ(number.at(10, 50), 1.0);
  EXPECT_EQ(number.at(49, 50), 1.0);
}

TEST(Number, StepChangesOnceItsStepsAreDone) {
  const Number number = read("{from: 2, to: 0.5, over: 3, shape: step}");
  EXPECT_THAT(course(number, 5, 100), ElementsAre(2, 2, 2, 0.5, 0.5));
}

TEST(Number, OverIsStepsOrAShareOrTheWholeRun) {
  const auto changes_at = [](const std::string& over, int64_t total) {
    const Number number = read("{from: 2, to: 1, over: " + over + ", shape: step}");
    int64_t step = 0;
    while (number.at(step, total) == 2.0) ++step;
    return step;
  };
  EXPECT_EQ(changes_at("1", 10), 1);
  EXPECT_EQ(changes_at("25", 10), 25);
  EXPECT_EQ(changes_at("0.3", 10), 3);
  EXPECT_EQ(changes_at(".07", 100), 7);  // 0.07 * 100 is 7.000000000000001
  EXPECT_EQ(changes_at("0.25", 10), 3);
  EXPECT_EQ(changes_at("0.001", 10), 1);
  const Number whole = read("{from: 1, to: 2}");
  EXPECT_THAT(course(whole, 5, 4), ElementsAre(1, 1.25, 1.5, 1.75, 2));
}

TEST(Number, NeverLeavesTheRangeOfItsEnds) {
  for (const char* shape : {"linear", "cosine"}) {
    for (const auto& [from, to] : {std::pair{0.1, 0.3}, {0.999, 0.1}, {1.0 / 3, 1e-2}}) {
      const Number number = read("{from: " + std::to_string(from) + ", to: " + std::to_string(to) +
                                 ", over: 997, shape: " + shape + "}");
      double before = number.first();
      for (int64_t step = 0; step <= 1000; ++step) {
        const double value = number.at(step, 1000);
        EXPECT_TRUE(number.lowest() <= value && value <= number.highest());
        EXPECT_TRUE(from < to ? before <= value : value <= before) << step;
        before = value;
      }
      EXPECT_EQ(before, number.last());
    }
  }
}

TEST(Number, ConstantNeedsNoEnd) {
  for (const char* text : {"{from: 3, shape: constant}", "{from: 3, to: 3, shape: constant}",
                           "{from: 3, over: 0.5, shape: constant}"}) {
    EXPECT_TRUE(read(text).always(3.0)) << text;
    EXPECT_EQ(read(text).shape(), Number::Shape::kConstant) << text;
  }
  EXPECT_THAT(problems("{from: 3, to: 2, shape: constant}"),
              ElementsAre("f.yaml:2:30: objective.0.temperature.to: differs from `from`, but "
                          "`shape: constant` never leaves it; leave `to` out, or take linear, "
                          "cosine or step"));
}

TEST(Number, BothEndsAreInTheRange) {
  EXPECT_THAT(
      problems("9"),
      ElementsAre("f.yaml:2:16: objective.0.temperature: must be >= 0.01 and <= 8, found 9"));
  EXPECT_THAT(problems("{from: 0, to: 9}"),
              ElementsAre("f.yaml:2:23: objective.0.temperature.from: must be >= 0.01 and <= 8, "
                          "found 0",
                          "f.yaml:2:30: objective.0.temperature.to: must be >= 0.01 and <= 8, "
                          "found 9"));
}

TEST(Number, WrongTypesAreNamed) {
  const std::string at = "f.yaml:2:16: objective.0.temperature: ";
  EXPECT_THAT(problems("hot"), ElementsAre(at + "expected a number, found 'hot'"));
  EXPECT_THAT(problems("'2'"), ElementsAre(at + "expected a number, found '2' in quotes"));
  EXPECT_THAT(problems(".nan"), ElementsAre(at + "expected a finite number, found '.nan'"));
  EXPECT_THAT(problems("[4, 1]"),
              ElementsAre(at + "expected a number or a mapping of from, to, over and shape, found "
                               "a list"));
  EXPECT_THAT(problems("null"),
              ElementsAre("f.yaml:2:3: objective.0.temperature: expected a number or a mapping of "
                          "from, to, over and shape, found null"));
  EXPECT_THAT(
      problems("{from: hot, to: [1], shape: cosin}"),
      ElementsAre("f.yaml:2:23: objective.0.temperature.from: expected a number, found "
                  "'hot'",
                  "f.yaml:2:32: objective.0.temperature.to: expected a number, found a list",
                  "f.yaml:2:44: objective.0.temperature.shape: expected one of constant, "
                  "linear, cosine, step, found 'cosin'; did you mean 'cosine'?"));
}

TEST(Number, OverIsNothingElse) {
  const auto over = [](const std::string& value) {
    return problems("{from: 4, to: 1, over: " + value + "}");
  };
  const std::string expected =
      "f.yaml:2:39: objective.0.temperature.over: expected a number of steps (an integer >= 1) or "
      "a share of the run (a number > 0 and < 1), found ";
  for (const std::string value : {"0", "-1", "1.5", "010", "1e3", "half", "0.0", ".nan"}) {
    EXPECT_THAT(over(value), ElementsAre(expected + "'" + value + "'"));
  }
  EXPECT_THAT(over("'3'"), ElementsAre(expected + "'3' in quotes"));
  EXPECT_THAT(over("[3]"), ElementsAre(expected + "a list"));
  EXPECT_THAT(over("1.0"), ElementsAre(expected + "'1.0'; for the whole run leave it out"));
}

TEST(Number, MissingKeysAreNamed) {
  const std::string at = "f.yaml:2:16: objective.0.temperature.";
  EXPECT_THAT(problems("{}"),
              ElementsAre(at + "from: missing required key", at + "to: missing required key"));
  EXPECT_THAT(problems("{from: 1}"), ElementsAre(at + "to: missing required key"));
  EXPECT_THAT(problems("{to: 1, shape: constant}"), ElementsAre(at + "from: missing required key"));
  EXPECT_THAT(problems("{from: 1, to: 2, shape: step}"),
              ElementsAre(at + "over: missing, and `shape: step` needs it: the steps before the "
                               "change"));
}

TEST(Number, UnknownKeysAreNamedWithWhatWasMeant) {
  const auto hint = [](const std::string& key) {
    const std::vector<std::string> all = problems("{from: 4, to: 1, " + key + ": 1}");
    return all.size() == 1 ? all[0] : testing::PrintToString(all);
  };
  const std::string at = "f.yaml:2:33: objective.0.temperature.";
  EXPECT_EQ(hint("shap"), at + "shap: unknown key; did you mean 'shape'?");
  EXPECT_EQ(hint("form"), at + "form: unknown key; did you mean 'from'?");
  // What others say, and not the key of the run that has the same name elsewhere.
  EXPECT_EQ(hint("steps"), at + "steps: unknown key; did you mean 'over'?");
  EXPECT_EQ(hint("warmup_ratio"), at + "warmup_ratio: unknown key; did you mean 'over'?");
  EXPECT_EQ(hint("type"), at + "type: unknown key; did you mean 'shape'?");
  EXPECT_EQ(hint("End"), at + "End: unknown key; did you mean 'to'?");
  EXPECT_EQ(hint("colour"), at + "colour: unknown key");
}

std::string resolved(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Terms terms;
  const ConfigFile file = ConfigFile::parse(text, "f.yaml", overrides);
  file.read(terms.visitor());
  return file.resolved(terms.visitor());
}

TEST(Number, IsPrintedAsItIsReadAndReadsBack) {
  const std::string start = "objective:\n  - temperature: ";
  for (const auto& [written, printed] : std::vector<std::pair<std::string, std::string>>{
           {"2", "2.0"},
           {"{from: 2, shape: constant}", "2.0"},
           {"{from: 4, to: 1}", "{from: 4.0, to: 1.0, shape: linear}"},
           {"{to: 1e-1, from: 4, over: .3, shape: cosine}",
            "{from: 4.0, to: 0.1, over: 0.3, shape: cosine}"},
           {"{from: 1, to: 1, over: 7, shape: step}",
            "{from: 1.0, to: 1.0, over: 7, shape: step}"}}) {
    const std::string text = resolved(with(written));
    EXPECT_EQ(text, start + printed + "  # line 2\n");
    EXPECT_EQ(resolved(text), text);
    const Number once = read(written), again = read(printed);
    EXPECT_EQ(course(again, 12, 20), course(once, 12, 20));
  }
}

TEST(Number, OverridesTakeANumberOrAMapping) {
  const std::string schedule = "{from: 4, to: 1, over: 0.5}";
  EXPECT_EQ(read(schedule, {"objective.0.temperature.to=2"}).last(), 2.0);
  EXPECT_EQ(read(schedule, {"objective.0.temperature.to=2"}).first(), 4.0);
  EXPECT_TRUE(read(schedule, {"objective.0.temperature=2"}).always(2.0));
  EXPECT_EQ(read("2", {"objective.0.temperature={from: 3, to: 1}"}).first(), 3.0);
  const Number grown = read("2", {"objective.0.temperature.over=10", "objective.0.temperature.to=4",
                                  "objective.0.temperature.shape=step"});
  EXPECT_THAT(course(grown, 12, 99), ElementsAre(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4, 4));
}

TEST(Number, OverridesAreItsOrigin) {
  const std::string start = "objective:\n  - temperature: {from: 2.0, to: 4.0, shape: linear}  # ";
  EXPECT_EQ(resolved(with("2"), {"objective.0.temperature.to=4"}), start + "command line\n");
  EXPECT_EQ(resolved(with("{from: 2, to: 3}"), {"objective.0.temperature.to=4"}),
            start + "line 2, command line\n");
}

TEST(Number, OverridesAreNamedInMessages) {
  const std::string at = "command line: objective.0.temperature.";
  EXPECT_THAT(problems("2", {"objective.0.temperature.to=9"}),
              ElementsAre(at + "to: must be >= 0.01 and <= 8, found 9"));
  EXPECT_THAT(problems("2", {"objective.0.temperature.over=9"}),
              ElementsAre(at + "to: missing required key"));
  EXPECT_THAT(problems("2", {"objective.0.temperature.until=9"}),
              ElementsAre(at + "until: objective.0.temperature is '2', which has no keys"));
  EXPECT_THAT(problems("2", {"objective.0.temperature.to.x=9"}),
              ElementsAre(at + "to: objective.0.temperature is '2', which has no keys"));
  EXPECT_THAT(problems("hot", {"objective.0.temperature.to=2"}),
              ElementsAre("f.yaml:2:16: objective.0.temperature: expected a number, found 'hot'",
                          at + "to: objective.0.temperature is 'hot', which has no keys"));
}

TEST(Number, AnIntegerDoesNotBecomeASchedule) {
  int64_t steps = 0;
  const ConfigFile file = ConfigFile::parse("steps: 3", "f.yaml", {"steps.to=9"});
  try {
    file.read([&](Section& section) { section.field("steps", steps, {}); });
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.problems(),
                ElementsAre("command line: steps: expected an integer, found a mapping"));
  }
}

TEST(Number, IsOneValueUnderItsPath) {
  Terms terms;
  ConfigFile::parse(with("{from: 4, to: 1, over: 9}"), "f.yaml").read(terms.visitor());
  terms.terms.emplace_back();
  EXPECT_THAT(
      flatten_config(terms.visitor()),
      ElementsAre(Pair("objective.0.temperature", "{from: 4.0, to: 1.0, over: 9, shape: linear}"),
                  Pair("objective.1.temperature", "1.0")));
}

TEST(Number, EachIsListedAsItIs) {
  Terms terms;
  ConfigFile::parse(with("{from: 4, to: 1, over: 9}"), "f.yaml").read(terms.visitor());
  terms.terms.emplace_back();
  const auto numbers = numbers_of_config(terms.visitor());
  ASSERT_EQ(numbers.size(), 2u);
  EXPECT_EQ(numbers[0].first, "objective.0.temperature");
  EXPECT_EQ(numbers[0].second.over().steps, 9);
  EXPECT_EQ(numbers[0].second.first(), 4.0);
  EXPECT_TRUE(numbers[1].second.always(1.0));
}

TEST(Number, IsDocumented) {
  Term term;
  const auto fields = [&term](Section& section) { term.fields(section); };
  EXPECT_EQ(describe_fields(fields),
            "temperature (number >= 0.01 and <= 8 or schedule; default 1.0): Divides.\n");
  EXPECT_THAT(document_config(fields),
              HasSubstr("| `temperature` | number >= 0.01 and \\<= 8 or schedule | `1.0` |"));
}

}  // namespace
}  // namespace distill
