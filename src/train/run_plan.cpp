// Counts the first epoch, the steps of the run, and what is longer than it.
#include "distill/train/run_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"

namespace distill {
namespace {

int64_t steps_per_epoch(const TrainConfig& train, int64_t batches_per_epoch) {
  const int64_t size = train.gradient_accumulation_steps;
  return (batches_per_epoch + size - 1) / size;
}

}  // namespace

PlannedData plan_data(const RunConfig& config, const DataFiles& files, const ModelPlan& plan,
                      Counting counting) {
  const auto chat = choose_chat_template(config.data.chat_template, plan.tokenizer_folder);
  PlannedData data;
  data.splits = load_data(config.data, files, plan.tokenizer, chat);
  if (counting == Counting::kNone) return data;
  const BatchStream stream(data.splits.train, {config.data, config.train.micro_batch_size},
                           static_cast<uint64_t>(config.run.seed));
  if (counting == Counting::kSample) {
    try {
      data.epoch = stream.count_epoch(0, {}, 1);
      data.sampled = data.epoch->report.records < data.splits.train->record_count();
    } catch (const DataError&) {
      data.epoch.reset();
    }
    return data;
  }
  {
    ProgressLine line("tokenize", 0, data.splits.train->record_count());
    data.splits.train->keep_tokens([&line](int64_t done, int64_t) {
      line.update(done, "records");
      throw_if_stopped();
    });
  }
  ProgressLine line("read the data", 0, data.splits.train->record_count());
  data.epoch = stream.count_epoch(0, [&line](int64_t done, int64_t) {
    line.update(done, "records");
    throw_if_stopped();
  });
  if (data.epoch->batches == 0) {
    throw DataError("the data gives no document to train on; " + data.epoch->report.summary());
  }
  return data;
}

std::vector<std::string> data_statistics(const PlannedData& data) {
  if (!data.epoch) return {};
  const EpochCount& count = *data.epoch;
  std::vector<std::string> lines = {count.report.summary()};
  if (data.sampled) {
    lines[0] = "the first of " + std::to_string(data.splits.train->record_count()) +
               " records, as the run will read them: " + lines[0];
  }
  if (count.lengths.total() > 0)
    lines.push_back("lengths before max_length: " + count.lengths.summary());
  if (count.filled > 0) {
    char text[64];
    std::snprintf(text, sizeof text, "packing fills %.1f %% of the batches", 100 * count.filled);
    lines.emplace_back(text);
  }
  return lines;
}

int64_t total_steps(const TrainConfig& train, int64_t batches_per_epoch) {
  if (train.max_steps) return *train.max_steps;
  const auto steps = static_cast<double>(steps_per_epoch(train, batches_per_epoch));
  constexpr double kRounding = 1e-9;  // 1.1 * 50 is a little more than 55
  return std::max<int64_t>(1, std::llround(std::ceil(train.num_epochs * steps - kRounding)));
}

std::string describe_steps(const RunConfig& config, int64_t batches_per_epoch) {
  const int64_t total = total_steps(config.train, batches_per_epoch);
  if (batches_per_epoch == 0) return std::to_string(total);
  const int64_t an_epoch = steps_per_epoch(config.train, batches_per_epoch);
  const bool about = config.data.packing && total > an_epoch;
  std::string text =
      std::to_string(total) + (about ? " (about " : " (") + std::to_string(an_epoch) + " an epoch";
  const int64_t left = batches_per_epoch % config.train.gradient_accumulation_steps;
  if (left > 0 && !about) {
    text += ", the last of each of " + std::to_string(left) +
            (left == 1 ? " micro-batch" : " micro-batches");
  }
  return text + ")";
}

std::vector<std::string> plan_warnings(const LoadedConfig& loaded, const ModelPlan& plan,
                                       int64_t steps) {
  const RunConfig& config = loaded.config;
  std::vector<std::string> warnings;
  const auto check = [&](const std::string& key, int64_t value) {
    if (value <= steps) return;
    warnings.push_back(key + " is " + std::to_string(value) + ", but the run has only " +
                       std::to_string(steps) + plural(" step", steps));
  };
  check("train.logging_steps", config.train.logging_steps);
  check("train.eval_steps", config.train.eval_steps);
  check("train.save_steps", config.train.save_steps);
  check("lr_scheduler.warmup_steps", config.lr_scheduler.warmup(steps));
  for (const auto& [key, value] : loaded.values) {
    if (key == "lr_scheduler.decay_steps" && value != "null") check(key, std::stoll(value));
  }
  for (const auto& [key, number] : loaded.numbers) check(key + ".over", number.over().steps);
  const int64_t length = config.data.max_length;
  for (const auto& [role, model] :
       {std::pair("teacher", &plan.teacher), {"student", &plan.student}}) {
    if (!*model || length <= (*model)->config.max_positions) continue;
    warnings.push_back("data.max_length is " + std::to_string(length) + ", but the " + role +
                       " was made for at most " + std::to_string((*model)->config.max_positions) +
                       " tokens (max_position_embeddings)");
  }
  return warnings;
}

}  // namespace distill
