#include "train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/signals.h"
#include "distill/ops/device.h"
#include "distill/train/training_run.h"
#include "train/advice.h"
#include "train/evaluation_report.h"
#include "train/random_state.h"

namespace distill {
namespace {

bool is_multiple(int64_t step, int64_t interval) { return interval > 0 && step % interval == 0; }

std::vector<std::string> labels(const std::vector<ObjectiveTerm>& objectives) {
  std::vector<std::string> all;
  for (const ObjectiveTerm& objective : objectives) all.push_back(objective.label());
  return all;
}

}  // namespace

bool is_finished(const TrainerState& state, const TrainConfig& config, int64_t total_steps) {
  if (state.evaluation_due) return false;
  return state.step >= total_steps || BestModel::exhausted(config, state.best);
}

Trainer::Trainer(TrainerParts parts)
    : parts_(std::move(parts)),
      config_(parts_.config->train),
      loss_(*parts_.student, parts_.teacher),
      train_step_(*parts_.student, loss_, parts_.config->objective, parts_.config->optimizer,
                  {config_.max_grad_norm, config_.gradient_checkpointing,
                   parts_.config->student.freeze, static_cast<uint64_t>(parts_.config->run.seed)}),
      batches_(*parts_.source, config_.gradient_accumulation_steps),
      random_(generator_states(parts_.student->device())),
      best_(config_, state_.best),
      saver_(*parts_.store, *parts_.folder, *parts_.student, std::move(parts_.tokenizer),
             config_.save_total_limit),
      log_(parts_.folder->events(), labels(parts_.config->objective)) {
  state_.identity = parts_.identity;
}

void Trainer::resume(const LoadedCheckpoint& checkpoint) {
  const at::Device device = parts_.student->device();
  random_ = load_generators(checkpoint, device);
  restore_tensors(without_generators(checkpoint), learned());
  restore_generators(random_, device);
  train_step_.parameters().update_compute_weights();
  state_ = checkpoint.state;
  best_.forget_another_metric();
  batches_.seek(state_.stream);
  log_info("resumed from " + checkpoint.folder.string() + " at step " +
           std::to_string(state_.step));
}

TrainingSummary Trainer::run() {
  promise_on_stop("finishing the step, then saving a checkpoint");
  log_.begin(state_.step, parts_.total_steps);
  try {
    loop();
    log_.end();
    saver_.write_final(state_);
  } catch (const Interrupted& error) {
    save();
    log_info("saved " + saver_.store().folder(state_.step).string());
    throw InterruptedTraining(error.signal());
  } catch (const DataError& error) {
    throw DataError(saved_after(error));
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    throw TrainingError("out of memory at step " + std::to_string(state_.step + 1) + ": " +
                        saved_after(TrainingError(out_of_memory_advice(parts_.memory))));
  }
  log_info("data read: " + batches_.report().summary());
  return summary_;
}

void Trainer::loop() {
  clock_ = TrainingClock();
  const bool evaluates = !parts_.eval_batches.empty();
  if (evaluates && config_.eval_at_start && state_.step == 0) summary_.before = evaluate();
  summary_.first_step = state_.step + 1;
  const int64_t first_tokens = state_.tokens;
  if (evaluates && state_.evaluation_due) evaluate_and_follow();
  while (!finished()) {
    const StepReport report = step();
    const bool last = state_.step == parts_.total_steps;
    const bool logs = is_multiple(state_.step, config_.logging_steps) || last || state_.step == 1;
    if (state_.step == summary_.first_step) summary_.first_loss = report.loss.item<double>();
    if (logs) log(report);
    if (evaluates && (last || is_multiple(state_.step, config_.eval_steps))) evaluate_and_follow();
    if (finished() && !logs) log(report);
    if (is_multiple(state_.step, config_.save_steps)) save();
    if (!finished()) throw_if_stopped();
  }
  if (best_.exhausted()) {
    log_info("stopped early: no better " + *config_.metric_for_best_model + " since step " +
             std::to_string(state_.best.step));
  }
  summary_.seconds = clock_.seconds();
  summary_.last_step = state_.step;
  summary_.tokens = state_.tokens - first_tokens;
  summary_.tokens_per_second =
      static_cast<double>(summary_.tokens) / std::max(1e-9, summary_.seconds);
  if (config_.save_last) save();
}

bool Trainer::finished() const { return is_finished(state_, config_, parts_.total_steps); }

StepReport Trainer::step() {
  const std::vector<Batch> batches = batches_.next();
  const double learning_rate = parts_.config->lr_scheduler.learning_rate(
      parts_.config->optimizer.learning_rate, state_.step, parts_.total_steps);
  StepReport report = train_step_.run(batches, learning_rate, context());
  unchecked_ = report;
  if (parts_.looks_at_each_step) require_finite();
  advance(batches, report);
  return report;
}

void Trainer::advance(const std::vector<Batch>& batches, const StepReport& report) {
  const Batch& last = batches.back();
  if (batches.front().epoch != state_.stream.epoch) state_.epoch_batches = 0;
  state_.epoch_batches += static_cast<int64_t>(batches.size());
  if (last.after.epoch != last.epoch) state_.epoch_batches = 0;
  ++state_.step;
  state_.stream = last.after;
  state_.tokens += report.tokens;
  state_.loss_tokens += report.loss_tokens;
  clock_.count(report.tokens);
  random_ = generator_states(parts_.student->device());
}

void Trainer::require_finite() {
  if (!unchecked_) return;
  const StepReport report = *std::exchange(unchecked_, std::nullopt);
  if (report.finite.item<bool>()) return;
  const std::vector<int64_t> saved = saver_.store().steps();
  const std::string advice = not_finite_advice(
      report.samples, *parts_.source, saved.empty() ? std::nullopt : std::optional(saved.back()));
  const std::string at = parts_.looks_at_each_step
                             ? "step " + std::to_string(state_.step + 1)
                             : "one of the steps up to " + std::to_string(state_.step) +
                                   ", of which the last is named here";
  throw TrainingError(at + ": the loss (" + format_number(report.loss.item<double>()) +
                      ") or the gradient norm (" + format_number(report.grad_norm.item<double>()) +
                      ") is not finite; no weight was changed. The step's records:" + advice);
}

void Trainer::log(const StepReport& report) {
  require_finite();
  log_.step(report, {state_.step, epoch(), state_.tokens, clock_.interval_speed()});
  summary_.last_loss = report.loss.item<double>();
}

Fidelity Trainer::evaluate() {
  require_finite();
  Fidelity fidelity;
  pause_for([&] {
    MeasuredLoss loss;
    loss.context = StepContext::evaluation(context().seed, parts_.total_steps);
    loss.terms = train_step_.terms(loss.context);
    fidelity = measure_fidelity(loss_, parts_.eval_batches, loss);
    log_.evaluation(fidelity, state_.step);
  });
  return fidelity;
}

void Trainer::evaluate_and_follow() {
  state_.evaluation_due = true;
  const Fidelity fidelity = evaluate();
  state_.evaluation_due = false;
  summary_.after = fidelity;
  if (!best_.follow(fidelity, state_.step)) return;
  pause_for([this] { saver_.save_best(state_, tensors()); });
}

void Trainer::save() {
  require_finite();
  pause_for([this] { saver_.save(state_, tensors()); });
}

std::string Trainer::saved_after(const std::exception& error) {
  if (state_.step == 0) return error.what();
  try {
    save();
  } catch (const std::exception& also) {
    return std::string(error.what()) + "\nNor could a checkpoint be saved: " + also.what();
  }
  const std::string saved = saver_.store().folder(state_.step).string();
  return std::string(error.what()) + "\nSaved " + saved +
         ": --resume auto goes on from there with the same data and batches; with others begin a "
         "new run with 'student={path: " +
         saved + "}'";
}

NamedTensors Trainer::learned() const {
  NamedTensors all = train_step_.state();
  if (parts_.teacher != nullptr) {
    for (auto& [name, tensor] : parts_.teacher->state())
      all.emplace_back("teacher." + name, tensor);
  }
  return all;
}

NamedTensors Trainer::tensors() const {
  NamedTensors all = learned();
  all.insert(all.end(), random_.begin(), random_.end());
  return all;
}

StepContext Trainer::context() const {
  return {state_.step, parts_.total_steps, static_cast<uint64_t>(parts_.config->run.seed),
          state_.step + 1};
}

double Trainer::epoch() const {
  const auto whole = static_cast<double>(state_.stream.epoch);
  if (parts_.batches_per_epoch == 0) return whole;
  return whole + std::min(1.0, static_cast<double>(state_.epoch_batches) /
                                   static_cast<double>(parts_.batches_per_epoch));
}

void Trainer::pause_for(const std::function<void()>& work) { log_.pause(clock_.pause_for(work)); }

}  // namespace distill
