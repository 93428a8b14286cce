#include "distill/train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <cmath>
#include <cstdio>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/signals.h"
#include "distill/model/loading.h"
#include "train/evaluation_report.h"

namespace distill {
namespace {

constexpr const char* kGeneratorKey = "generator.cpu";

TrainStepOptions step_options(const TrainConfig& config) {
  return {config.max_grad_norm, config.gradient_checkpointing};
}

}  // namespace

Trainer::Trainer(TrainerParts parts)
    : parts_(std::move(parts)),
      train_step_(*parts_.student, parts_.teacher, parts_.config->objective,
                  parts_.config->optimizer, step_options(parts_.config->train)),
      checkpoints_(parts_.folder->path()),
      events_(parts_.folder->events()) {
  state_.identity = parts_.identity;
}

std::vector<std::pair<std::string, at::Tensor>> Trainer::tensors() const {
  auto all = train_step_.parameters().state();
  all.emplace_back("optimizer.step", train_step_.optimizer().step_count());
  return all;
}

void Trainer::resume(const LoadedCheckpoint& checkpoint) {
  auto all = tensors();
  // The generator's state is a copy, not a view: it is put back by hand.
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  at::Tensor generator_state = at::empty_like(generator.get_state());
  all.emplace_back(kGeneratorKey, generator_state);
  restore_tensors(checkpoint, all);
  generator.set_state(generator_state);
  train_step_.parameters().update_compute_weights();
  state_ = checkpoint.state;
  forget_best_of_another_metric();
  parts_.stream->seek(state_.stream);
  log_info("resumed from " + checkpoint.folder.string() + " at step " +
           std::to_string(state_.step));
}

void Trainer::forget_best_of_another_metric() {
  const std::optional<std::string>& name = parts_.config->train.metric_for_best_model;
  if (!state_.best_metric || !name || *name == state_.best_metric_name) return;
  log_info("train.metric_for_best_model is now " + *name + " and was " + state_.best_metric_name +
           ": the best is looked for anew");
  state_.best_metric.reset();
  state_.evaluations_without_gain = 0;
}

double Trainer::epoch() const {
  if (parts_.batches_per_epoch == 0) return static_cast<double>(state_.stream.epoch);
  const TrainConfig& train = parts_.config->train;
  return static_cast<double>(state_.step * train.gradient_accumulation_steps) /
         static_cast<double>(parts_.batches_per_epoch);
}

StepReport Trainer::step() {
  const TrainConfig& train = parts_.config->train;
  std::vector<Batch> micro_batches;
  for (int64_t i = 0; i < train.gradient_accumulation_steps; ++i) {
    micro_batches.push_back(parts_.stream->next());
  }
  const double learning_rate = parts_.config->lr_scheduler.learning_rate(
      parts_.config->optimizer.learning_rate, state_.step, parts_.total_steps);
  StepReport report = train_step_.run(micro_batches, learning_rate, context());
  const bool on_cpu = parts_.student->device().is_cpu();
  if (on_cpu && !report.finite.item<bool>()) {
    throw TrainingError(
        "step " + std::to_string(state_.step + 1) + ": the loss (" +
        format_number(report.loss.item<double>()) + ") or the gradient norm (" +
        format_number(report.grad_norm.item<double>()) +
        ") is not finite; no weight was changed. The step's records:" + advice(report.samples));
  }
  ++state_.step;
  state_.stream = micro_batches.back().after;
  state_.tokens += report.tokens;
  state_.loss_tokens += report.loss_tokens;
  interval_.tokens += report.tokens;
  ++interval_.steps;
  return report;
}

std::string Trainer::advice(const std::vector<SampleRef>& samples) const {
  constexpr size_t kShown = 16;
  std::string text;
  for (size_t i = 0; i < std::min(samples.size(), kShown); ++i) {
    text += "\n  " + parts_.data->place(samples[i]);
  }
  if (samples.size() > kShown) {
    text += "\n  and " + std::to_string(samples.size() - kShown) + " more";
  }
  const std::vector<int64_t> saved = checkpoints_.steps();
  return text +
         "\nLook at these records. Lower optimizer.learning_rate or lengthen the warm-up "
         "(lr_scheduler.warmup_ratio); --resume auto then " +
         (saved.empty() ? "starts again, there is no checkpoint yet"
                        : "goes on from step " + std::to_string(saved.back()));
}

void Trainer::require_finite(const StepReport& report) const {
  if (report.finite.item<bool>()) return;
  throw TrainingError(
      "the loss or the gradient norm was not finite in one of the steps up to " +
      std::to_string(state_.step) +
      "; no weight was changed from then on. The last step's records:" + advice(report.samples));
}

void Trainer::log(const StepReport& report) {
  require_finite(report);
  const double loss = report.loss.item<double>();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - interval_.begin).count();
  const double speed = static_cast<double>(interval_.tokens) / std::max(1e-9, seconds);
  Json event = {{"step", state_.step}, {"epoch", epoch()}, {"loss", loss}};
  for (size_t i = 0; i < report.terms.size(); ++i) {
    event[parts_.config->objective[i].label()] = report.terms[i].item<double>();
  }
  event["grad_norm"] = report.grad_norm.item<double>();
  event["learning_rate"] = report.learning_rate;
  event["tokens_per_second"] = speed;
  event["tokens"] = state_.tokens;
  event["loss_tokens"] = report.loss_tokens;
  events_.write(event);
  summary_.last_loss = loss;
  const std::string details = "loss " + format_number(loss) + "  " +
                              format_count(static_cast<int64_t>(speed)) + " tokens/s";
  if (!stderr_is_terminal()) {
    log_info("step " + std::to_string(state_.step) + "/" + std::to_string(parts_.total_steps) +
             "  " + details + "  grad_norm " + format_number(report.grad_norm.item<double>()) +
             "  lr " + format_number(report.learning_rate) + "  left " +
             format_duration(progress_->seconds_left(state_.step)));
  }
  progress_->update(state_.step, details);
  interval_ = {};
}

void Trainer::pause(std::chrono::steady_clock::duration time) {
  interval_.begin += time;
  paused_ += time;
  if (progress_) progress_->pause(time);
}

StepContext Trainer::context() const {
  return {state_.step, parts_.total_steps, static_cast<uint64_t>(parts_.config->run.seed),
          state_.step + 1};
}

Fidelity Trainer::evaluate() {
  const auto begin = std::chrono::steady_clock::now();
  MeasuredLoss loss;
  for (const ObjectiveTerm& term : parts_.config->objective) {
    loss.terms.push_back({term.value.get(), term.value->weight()});
  }
  loss.context = context();
  loss.context.draw = 0;  // or the metric would follow the draws
  const Fidelity fidelity =
      measure_fidelity(*parts_.student, parts_.teacher, parts_.eval_batches, loss);
  events_.write(evaluation_event(fidelity, state_.step));
  log_info(evaluation_line(fidelity, state_.step));
  pause(std::chrono::steady_clock::now() - begin);
  return fidelity;
}

bool Trainer::evaluate_and_follow() {
  state_.evaluation_due = true;
  const Fidelity fidelity = evaluate();
  state_.evaluation_due = false;
  summary_.after = fidelity;
  const TrainConfig& train = parts_.config->train;
  if (!train.metric_for_best_model) return false;
  const double value = evaluation_metric(fidelity, *train.metric_for_best_model);
  if (is_better_metric(value, state_.best_metric, *train.metric_for_best_model)) {
    state_.best_metric = value;
    state_.best_metric_name = *train.metric_for_best_model;
    state_.best_step = state_.step;
    state_.evaluations_without_gain = 0;
    save();
    checkpoints_.mark_best(state_.step);
    checkpoints_.prune(train.save_total_limit);
    return false;
  }
  ++state_.evaluations_without_gain;
  if (!train.early_stopping_patience) return false;
  return state_.evaluations_without_gain >= *train.early_stopping_patience;
}

void Trainer::write_model(const std::filesystem::path& folder) const {
  make_directories(folder);
  save_transformer(*parts_.student, folder, parts_.student->dtype());
  copy_tokenizer_files(parts_.tokenizer_folder, folder);
}

void Trainer::write_final() const {
  const std::filesystem::path final_folder = parts_.folder->final_model();
  const std::filesystem::path partial = final_folder.string() + ".partial";
  try {
    std::filesystem::remove_all(partial);
    write_model(partial);
    std::filesystem::remove_all(final_folder);
    std::filesystem::rename(partial, final_folder);
    sync_directory(parts_.folder->path());
  } catch (const std::exception& error) {
    std::error_code ignored;
    std::filesystem::remove_all(partial, ignored);
    throw DataError(final_folder.string() + ": the model could not be saved: " + error.what());
  }
}

void Trainer::save() {
  const auto begin = std::chrono::steady_clock::now();
  auto all = tensors();
  all.emplace_back(kGeneratorKey, at::globalContext().defaultGenerator(at::kCPU).get_state());
  checkpoints_.save(state_, all,
                    [this](const std::filesystem::path& folder) { write_model(folder); });
  checkpoints_.prune(parts_.config->train.save_total_limit);
  pause(std::chrono::steady_clock::now() - begin);
}

TrainingSummary Trainer::run() {
  promise_on_stop("finishing the step, then saving a checkpoint");
  progress_ = std::make_unique<ProgressLine>("train", state_.step, parts_.total_steps);
  try {
    train();
    progress_.reset();
    write_final();
  } catch (const Interrupted&) {
    save();
    log_info("saved " + checkpoints_.folder(state_.step).string());
    throw;
  } catch (const DataError& error) {
    // A record that cannot be read, a full disk: what was learned is kept if it can be.
    if (state_.step > 0) save_after(error);
    throw;
  }
  return summary_;
}

void Trainer::save_after(const std::exception& error) {
  try {
    save();
  } catch (const CheckpointError& also) {
    throw DataError(std::string(error.what()) +
                    "\nNor could a checkpoint be saved: " + also.what());
  }
  throw DataError(std::string(error.what()) + "\nSaved " +
                  checkpoints_.folder(state_.step).string() +
                  ": once this is mended, --resume auto goes on from there");
}

void Trainer::train() {
  const TrainConfig& train = parts_.config->train;
  const bool evaluates = !parts_.eval_batches.empty();
  if (evaluates && train.eval_at_start && state_.step == 0) summary_.before = evaluate();
  summary_.first_step = state_.step + 1;
  const int64_t first_tokens = state_.tokens;
  const auto begin = std::chrono::steady_clock::now();
  paused_ = {};
  interval_ = {};
  bool evaluated_now = evaluates && state_.evaluation_due;
  bool stop_early = evaluated_now && evaluate_and_follow();
  while (!finished() && !stop_early) {
    const StepReport report = step();
    const bool last = finished();
    if (state_.step == summary_.first_step) summary_.first_loss = report.loss.item<double>();
    const bool logs = state_.step % train.logging_steps == 0 || last || state_.step == 1;
    if (logs) log(report);
    evaluated_now = evaluates && train.eval_steps > 0 && state_.step % train.eval_steps == 0;
    const bool saves = train.save_steps > 0 && state_.step % train.save_steps == 0;
    const bool stops = stop_signal() != 0;
    if (evaluated_now || saves || stops) require_finite(report);
    stop_early = evaluated_now && evaluate_and_follow();
    if (stop_early && !logs) log(report);
    if (saves) save();
    if (stops && !last) throw_if_stopped();
  }
  if (stop_early) {
    log_info("stopped early: no better " + *train.metric_for_best_model + " since step " +
             std::to_string(state_.best_step));
  }
  summary_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin - paused_).count();
  if (evaluates && !evaluated_now) evaluate_and_follow();
  summary_.last_step = state_.step;
  summary_.tokens = state_.tokens - first_tokens;
  summary_.tokens_per_second =
      static_cast<double>(summary_.tokens) / std::max(1e-9, summary_.seconds);
}

}  // namespace distill
