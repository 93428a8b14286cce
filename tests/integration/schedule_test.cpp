// Runs whose numbers change.
#include <algorithm>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

/// The events of the log, in order.
std::vector<Json> events_of(const fs::path& run) {
  std::vector<Json> all;
  for (const std::string& line : losses(run)) all.push_back(parse_json(line, "events.jsonl"));
  return all;
}

TEST(Schedule, NumbersFollowTheirSchedulesAlsoAfterAResume) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const std::vector<std::string> schedules = {
      "train.save_steps=10",
      "objective.0={type: cross_entropy, weight: {from: 1, to: 0.5, over: "
      "0.3}}",
      "objective.1.temperature={from: 4, to: 1, shape: cosine}"};
  ASSERT_EQ(run(train(config, scratch / "whole", schedules)).exit_code, 0);
  for (const Json& event : events_of(scratch / "whole")) {
    if (event.contains("eval_loss")) continue;
    const double done = std::min(6.0, event["step"].get<double>() - 1);
    const double sum = (1 - 0.5 * done / 6) * event["cross_entropy"].get<double>() +
                       0.5 * event["forward_kl"].get<double>();
    EXPECT_NEAR(event["loss"].get<double>(), sum, 1e-9) << event;
  }
  ASSERT_EQ(run(train(config, scratch / "cut", schedules)).exit_code, 0);
  fs::remove_all(scratch / "cut" / "checkpoint-20");
  fs::remove_all(scratch / "cut" / "final");
  auto resume = schedules;
  resume.insert(resume.end(), {"--resume", (scratch / "cut" / "checkpoint-10").string()});
  const Result resumed = run(train(config, scratch / "cut", resume));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_same_run(scratch / "whole", scratch / "cut");
}

TEST(Schedule, EveryEvaluationHasTheLastNumbers) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const auto first_evaluation = [&](const std::string& name, const std::string& weight,
                                    const std::string& temperature) {
    const Result result =
        run(train(config, scratch / name,
                  {"train.max_steps=1", "train.eval_at_start=true", "objective.0.weight=" + weight,
                   "objective.1.temperature=" + temperature}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return events_of(scratch / name)[0];
  };
  const Json plain = first_evaluation("plain", "0.25", "3");
  ASSERT_EQ(plain["step"], 0);
  EXPECT_EQ(first_evaluation("scheduled", "{from: 1, to: 0.25, over: 500}", "{from: 1, to: 3}"),
            plain);
}

}  // namespace
}  // namespace distill::integration
