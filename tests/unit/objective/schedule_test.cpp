// Objectives whose numbers change over the run.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdio>
#include <regex>
#include <sstream>

#include "distill/core/error.h"
#include "distill/objective/head_step.h"
#include "make_objective.h"
#include "offering.h"

namespace distill {
namespace {

using testing::HasSubstr;

constexpr int64_t kRows = 7, kVocabulary = 11, kWidth = 5, kTotal = 10;

StepContext at_step(int64_t step) { return {step, kTotal, /*seed=*/3, /*draw=*/step + 1}; }

struct Case {
  Head head;
  HeadRows rows;
  at::Tensor teacher;  // [R, V]
};

Case make_case() {
  at::manual_seed(23);
  Case made;
  made.head.weight = at::randn({kVocabulary, kWidth}, at::kDouble);
  made.rows.hidden = at::randn({kRows, kWidth}, at::kDouble);
  made.rows.targets = at::randint(0, kVocabulary, {kRows}, at::kLong);
  made.rows.keys = at::arange(kRows, at::kLong);
  made.teacher = at::randn({kRows, kVocabulary}, at::kDouble) * 2;
  return made;
}

struct SumAndGradients {
  at::Tensor sum, hidden, weight;
};

/// As a step of the trainer, the objective's own weight included.
SumAndGradients through_head_step(const LogitObjective& objective, const StepContext& context) {
  const Case c = make_case();
  const HeadGradients gradients{at::zeros_like(c.head.weight), {}};
  const HeadResult result = head_step(c.rows, c.head, gradients, offering(c.teacher),
                                      {{&objective, objective.weight(context)}}, context);
  return {result.sums[0], result.d_hidden, gradients.weight};
}

/// The same without the kernel.
SumAndGradients through_autograd(const LogitObjective& objective, const StepContext& context) {
  const Case c = make_case();
  const at::Tensor hidden = c.rows.hidden.clone().requires_grad_(true);
  const at::Tensor weight = c.head.weight.clone().requires_grad_(true);
  LogitRows rows;
  rows.student = at::mm(hidden, weight.t());
  rows.teacher = c.teacher;
  rows.targets = c.rows.targets;
  rows.keys = c.rows.keys;
  const at::Tensor sum = objective.sum(rows, context);
  torch::autograd::backward({sum * objective.weight(context)}, {});
  return {sum.detach(), hidden.grad(), weight.grad()};
}

void expect_same_bits(const SumAndGradients& a, const SumAndGradients& b) {
  EXPECT_TRUE(a.sum.equal(b.sum)) << a.sum << b.sum;
  EXPECT_TRUE(a.hidden.equal(b.hidden));
  EXPECT_TRUE(a.weight.equal(b.weight));
}

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// A number of an objective with its default.
struct Option {
  std::string key;
  double value;
};

/// Those that may change over the run, as the documentation has them.
std::vector<Option> numbers_of(const std::string& type) {
  const auto objective = logit_objectives().create(type);
  std::istringstream lines(describe_fields([&](Section& section) { objective->fields(section); }));
  const std::regex number(R"((\w+) \(number.* or schedule; default (.*?)\): .*)");
  std::vector<Option> all;
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, match, number)) all.push_back({match[1], std::stod(match[2])});
  }
  return all;
}

/// Every number of an objective on a schedule of its own, beside `more`.
struct Scheduled {
  std::string name, type, shape, more;

  std::vector<std::pair<std::string, std::string>> schedules() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const Option& option : numbers_of(type)) {
      all.emplace_back(option.key, "{from: " + digits(0.9 * option.value) +
                                       ", to: " + digits(0.6 * option.value) + ", over: " +
                                       std::to_string(3 + all.size()) + ", shape: " + shape + "}");
    }
    return all;
  }
};
void PrintTo(const Scheduled& scheduled, std::ostream* out) { *out << scheduled.name; }

std::unique_ptr<LogitObjective> with_options(
    const Scheduled& scheduled, const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text = "{" + scheduled.more;
  for (const auto& [key, value] : values) text += key + ": " + value + ", ";
  return make_objective(scheduled.type, text + "}");
}

Number read_number(const std::string& text) {
  Number number = 0.0;
  const ConfigFile file = ConfigFile::parse("number: " + text, "number.yaml");
  file.read([&](Section& section) { section.field("number", number, {}); });
  return number;
}

/// The plain objective with the numbers that the schedules have at one time.
template <typename Value>
std::unique_ptr<LogitObjective> plain(const Scheduled& scheduled, const Value& value) {
  auto values = scheduled.schedules();
  for (auto& [key, text] : values) text = digits(value(read_number(text)));
  return with_options(scheduled, values);
}

class EverySchedule : public testing::TestWithParam<Scheduled> {
 protected:
  std::unique_ptr<LogitObjective> scheduled_ = with_options(GetParam(), GetParam().schedules());
};

TEST_P(EverySchedule, IsThePlainObjectiveOfEachStep) {
  std::vector<at::Tensor> sums;
  for (int64_t step = 0; step < kTotal; ++step) {
    SCOPED_TRACE(step);
    const StepContext context = at_step(step);
    const auto plain_one =
        plain(GetParam(), [step](const Number& number) { return number.at(step, kTotal); });
    EXPECT_EQ(scheduled_->weight(context), plain_one->weight(context));
    const SumAndGradients got = through_head_step(*scheduled_, context);
    expect_same_bits(got, through_head_step(*plain_one, context));
    expect_same_bits(through_autograd(*scheduled_, context), through_autograd(*plain_one, context));
    sums.push_back(got.weight.norm());
  }
  EXPECT_NE(sums.front().item<double>(), sums.back().item<double>());
}

TEST_P(EverySchedule, HasItsLastNumbersInEveryEvaluation) {
  const StepContext evaluation = StepContext::evaluation(3, kTotal);
  const auto plain_one = plain(GetParam(), [](const Number& number) { return number.last(); });
  EXPECT_EQ(scheduled_->weight(evaluation), plain_one->weight(evaluation));
  StepContext at_start = evaluation;
  at_start.step = 0;
  for (const StepContext& context : {evaluation, at_start}) {
    expect_same_bits(through_head_step(*scheduled_, context),
                     through_head_step(*plain_one, evaluation));
  }
}

std::vector<Scheduled> all_schedules() {
  std::vector<Scheduled> all;
  for (const RegistryEntry& entry : logit_objectives().entries()) {
    for (const char* shape : {"linear", "cosine", "step"}) {
      all.push_back({entry.name + "_" + shape, entry.name, shape, ""});
    }
    const auto objective = logit_objectives().create(entry.name);
    if (!objective->is_divergence() || entry.name == "mse_logits") continue;
    all.push_back({entry.name + "_bucket", entry.name, "linear", "top_k: 4, "});
    all.push_back(
        {entry.name + "_renormalize", entry.name, "cosine", "top_k: 4, tail: renormalize, "});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Registry, EverySchedule, testing::ValuesIn(all_schedules()),
                         [](const auto& test) { return test.param.name; });

TEST(Schedule, EveryNumberOfEveryObjectiveMayBeOne) {
  for (const RegistryEntry& entry : logit_objectives().entries()) {
    const auto objective = logit_objectives().create(entry.name);
    std::istringstream lines(
        describe_fields([&](Section& section) { objective->fields(section); }));
    size_t numbers = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" (number") == std::string::npos) continue;
      EXPECT_THAT(line, HasSubstr(" or schedule; default ")) << entry.name;
      ++numbers;
    }
    EXPECT_EQ(numbers, numbers_of(entry.name).size());
    EXPECT_GE(numbers, entry.name == "mse_logits" ? 1u : 2u) << entry.name;
  }
}

TEST(Schedule, TheUsualWarmUps) {
  const auto hard = make_objective("cross_entropy", "{weight: {from: 1, to: 0.5, over: 0.3}}");
  const auto weight = [&](int64_t step) { return hard->weight(at_step(step)); };
  EXPECT_EQ(weight(0), 1.0);
  EXPECT_NEAR(weight(1), 1.0 - 0.5 / 3, 1e-15);
  EXPECT_NEAR(weight(2), 1.0 - 1.0 / 3, 1e-15);
  EXPECT_EQ(weight(3), 0.5);
  EXPECT_EQ(weight(9), 0.5);
  const auto late =
      make_objective("forward_kl", "{weight: {from: 0, to: 1, over: 5, shape: step}}");
  EXPECT_EQ(late->weight(at_step(4)), 0.0);
  EXPECT_EQ(late->weight(at_step(5)), 1.0);
  const auto cooling =
      make_objective("forward_kl", "{temperature: {from: 4, to: 1, shape: cosine}}");
  for (const auto& [step, temperature] : {std::pair{0, 4.0}, {5, 2.5}}) {
    EXPECT_NEAR(cooling->fused(at_step(step))->temperature, temperature, 1e-15);
  }
  EXPECT_EQ(cooling->fused(StepContext::evaluation(0, kTotal))->temperature, 1.0);
}

bool fused_throughout(const std::string& type, const std::string& options) {
  const auto objective = make_objective(type, options);
  return runs_fused({{objective.get(), 1.0}}, at::kCPU, at::kFloat);
}

TEST(Schedule, RunsFusedWhereTheKernelKnowsEveryStep) {
  EXPECT_TRUE(fused_throughout("cross_entropy", "{weight: {from: 1, to: 0}}"));
  EXPECT_TRUE(fused_throughout("jsd", "{temperature: {from: 4, to: 1}, beta: {from: .1, to: .9}}"));
  EXPECT_TRUE(fused_throughout("cross_entropy", "{temperature: {from: 1, to: 1}}"));
  EXPECT_FALSE(fused_throughout("cross_entropy", "{temperature: {from: 1, to: 2}}"));
  EXPECT_FALSE(fused_throughout("cross_entropy", "{temperature: {from: 2, to: 1}}"));
}

TEST(Schedule, CrossEntropyIsFusedAtTheStepsOfTemperatureOne) {
  const auto objective =
      make_objective("cross_entropy", "{temperature: {from: 2, to: 1, over: 4, shape: step}}");
  EXPECT_FALSE(objective->fused(at_step(3)).has_value());
  EXPECT_TRUE(objective->fused(at_step(4)).has_value());
}

TEST(Schedule, NeedsAreThoseOfTheWholeCourse) {
  const auto needs = [](const std::string& type, const std::string& options) {
    return make_objective(type, options)->row_needs();
  };
  for (const char* course : {"{from: 2, to: 1}", "{from: 1, to: 2, over: 3, shape: step}"}) {
    const std::string temperature = std::string("temperature: ") + course;
    EXPECT_TRUE(needs("forward_kl", "{top_k: 4, " + temperature + "}").teacher_logits);
    EXPECT_FALSE(
        needs("forward_kl", "{top_k: 4, tail: renormalize, " + temperature + "}").teacher_logits);
    EXPECT_TRUE(needs("sampled_forward_kl", "{" + temperature + "}").teacher_logits);
  }
  EXPECT_EQ(needs("forward_kl", "{top_k: 4, temperature: {from: 1, to: 1}}").teacher_top_k, 4);
  EXPECT_TRUE(needs("sampled_forward_kl", "{temperature: {from: 1, to: 1}}").teacher_sample);
}

std::string problem(const std::string& type, const std::string& options) {
  try {
    make_objective(type, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(Schedule, TheEndsOfTheRangeAreRefusedAnywhereOnTheCourse) {
  EXPECT_THAT(problem("jsd", "{beta: 0}"), HasSubstr("beta: no divergence at 0: take forward_kl"));
  EXPECT_THAT(problem("jsd", "{beta: {from: 0.5, to: 0}}"),
              HasSubstr("beta: no divergence at 0: keep the schedule at 0.001 or above"));
  EXPECT_THAT(problem("jsd", "{beta: {from: 1, to: 0.5}}"),
              HasSubstr("beta: no divergence at 1: keep the schedule at 0.999 or below"));
  EXPECT_EQ(problem("jsd", "{beta: {from: 0.001, to: 0.999}}"), "none");
  for (const std::string other : {"forward_kl", "reverse_kl"}) {
    EXPECT_THAT(problem("skewed_" + other, "{lambda: 0}"), HasSubstr("this is " + other));
    EXPECT_THAT(problem("skewed_" + other, "{lambda: {from: 0, to: 0.1}}"),
                HasSubstr("at 0 this is " + other + ": keep the schedule at 0.001 or above"));
    EXPECT_EQ(problem("skewed_" + other, "{lambda: {from: 0.001, to: 0.1}}"), "none");
  }
  EXPECT_THAT(problem("forward_kl", "{temperature: {from: 2, to: 0}}"),
              HasSubstr("temperature.to: must be >= 0.01, found 0"));
}

}  // namespace
}  // namespace distill
