// What a run tells of itself: the keys of its events and its lines.
#include "train/run_log.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/files.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::HasSubstr;

at::Tensor scalar(double value) { return at::scalar_tensor(value, at::kDouble); }

StepReport report() {
  StepReport report;
  report.loss = scalar(2.5);
  report.terms = {scalar(2.0), scalar(3.0)};
  report.grad_norm = scalar(0.5);
  report.learning_rate = 0.25;
  report.loss_tokens = 7;
  return report;
}

TEST(RunLog, AStepIsAnEventWithItsTermsAndALine) {
  const Scratch scratch;
  RunLog log(scratch / "events.jsonl", {"hard", "soft"});
  log.begin(3, 8);
  testing::internal::CaptureStderr();
  log.step(report(), {4, 1.5, 100, 1000.0});
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("step 4/8  loss 2.5  1000 tokens/s  grad_norm 0.5  lr 0.25  left "));
  const std::string line = read_file(scratch / "events.jsonl");
  EXPECT_EQ(parse_json(line, "events"), parse_json(R"({
    "step": 4, "epoch": 1.5, "loss": 2.5, "hard": 2.0, "soft": 3.0, "grad_norm": 0.5,
    "learning_rate": 0.25, "tokens_per_second": 1000.0, "tokens": 100, "loss_tokens": 7})",
                                                   "expected"));
  EXPECT_EQ(line.back(), '\n');
}

TEST(RunLog, WithoutProgressAStepIsStillAnEvent) {
  const Scratch scratch;
  RunLog log(scratch / "events.jsonl", {"hard", "soft"});
  log.begin(0, 1);
  log.end();
  log.pause(std::chrono::seconds(1));
  log.step(report(), {1, 1.0, 100, 1000.0});
  EXPECT_THAT(read_file(scratch / "events.jsonl"), HasSubstr("\"step\":1,"));
}

TEST(RunLog, AnEvaluationIsAnEventOfItsStep) {
  const Scratch scratch;
  RunLog log(scratch / "events.jsonl", {});
  log.begin(0, 8);
  Fidelity fidelity;
  fidelity.student_nll = 2.5;
  log.evaluation(fidelity, 6);
  const Json event = parse_json(read_file(scratch / "events.jsonl"), "events");
  EXPECT_EQ(event.at("step"), 6);
  EXPECT_EQ(event.at("eval_nll"), 2.5);
}

TEST(RunLog, GoesOnBehindTheEventsThatAreThere) {
  const Scratch scratch;
  const auto events = scratch.file("events.jsonl", "{\"step\":1}\n");
  RunLog log(events, {"hard", "soft"});
  log.begin(1, 8);
  log.step(report(), {2, 1.0, 100, 1000.0});
  EXPECT_THAT(read_file(events), testing::StartsWith("{\"step\":1}\n{"));
}

}  // namespace
}  // namespace distill
