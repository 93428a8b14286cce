#include "distill/train/training_run.h"

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/random.h"
#include "distill/data/prefetch.h"
#include "distill/ops/device.h"
#include "distill/train/run_plan.h"
#include "train/interrupted_saves.h"
#include "train/random_state.h"
#include "train/run_identity.h"
#include "train/trainer.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

void require_nothing_missing(const std::vector<std::string>& missing) {
  if (missing.empty()) return;
  std::string text = "the run needs what is not there:";
  for (const std::string& sentence : missing) text += "\n  " + sentence;
  throw DataError(text);
}

/// Where a run begins.
struct StartingPoint {
  std::optional<LoadedCheckpoint> checkpoint = std::nullopt;
  bool foreign = false;   // not one of the run folder's own
  bool finished = false;  // there is nothing left to do
};

StartingPoint newest_checkpoint(const RunFolder& folder, const CheckpointStore& store) {
  put_back_whole(folder.path());
  const fs::path newest = store.newest_whole();
  if (!newest.empty()) return {load_checkpoint(newest)};
  if (fs::exists(folder.final_model())) {
    log_info("nothing to do: " + folder.final_model().string() + " is there");
    return {.finished = true};
  }
  log_info(folder.path().string() + " has no checkpoint: starting at step 0");
  return {};
}

/// The parent of a checkpoint that need not be there.
fs::path run_of(const fs::path& checkpoint) {
  const fs::path whole = fs::weakly_canonical(checkpoint);
  return whole.has_filename() ? whole.parent_path() : whole.parent_path().parent_path();
}

StartingPoint starting_point(const std::string& resume, const RunFolder& folder,
                             const CheckpointStore& store) {
  if (resume.empty()) {
    folder.require_fresh();
    return {};
  }
  if (resume == "auto") return newest_checkpoint(folder, store);
  const fs::path run = fs::canonical(folder.path());
  if (run_of(resume) == run) put_back_whole(folder.path());
  StartingPoint start;
  start.checkpoint = load_checkpoint(resume);
  const fs::path found = fs::canonical(resume);
  const fs::path own = run / store.folder(start.checkpoint->state.step).filename();
  start.foreign = found != own;
  if (start.foreign && !describe_run(folder.path()).empty()) {
    throw ConfigError(folder.path().string() + ": holds a run already, and " + resume +
                      " is no checkpoint of it (" + found.string() +
                      "); choose a fresh folder with run.output_dir=DIR");
  }
  return start;
}

/// What can be read is read first: everything else that is wrong is reported before what is absent.
void require_all_present(const RunConfig& config, const DataFiles& files, const ModelPlan& plan) {
  const std::vector<std::string> absent = files.missing();
  if (absent.empty() && plan.tokenizer && !plan.missing.empty())
    plan_data(config, files, plan, Counting::kNone);
  std::vector<std::string> missing = plan.missing;
  missing.insert(missing.end(), absent.begin(), absent.end());
  require_nothing_missing(missing);
}

std::vector<Batch> held_out_batches(const RunConfig& config, const DataSplits& splits) {
  if (!splits.eval) return {};
  return all_batches(*splits.eval, config.train.micro_batch_size, config.data.eval_limit);
}

void announce(const ModelPlan& plan, const PlannedData& data, const std::string& steps,
              at::Device device, at::ScalarType dtype) {
  std::string line;
  if (plan.teacher) {
    line = "teacher " + plan.teacher->folder.string() + " (" +
           format_count(parameter_count(plan.teacher->config)) + "), ";
  }
  const int64_t parameters = parameter_count(plan.student->config);
  const int64_t trained = plan.trained.parameters;
  line += "student of " + format_count(parameters) + " parameters";
  if (trained < parameters) line += ", " + format_count(trained) + " trained";
  log_info(line + ", " + dtype_name(dtype) + " on " + device.str());
  for (const std::string& statistics : data_statistics(data)) log_info("data: " + statistics);
  log_info("optimizer steps: " + steps);
}

/// Beside its checkpoints: events are cut back to the state, what came later is set aside.
void continue_run(const RunFolder& folder, CheckpointStore& store, const TrainerState& state) {
  store.continue_from(state);
  cut_events(folder.events(), state.step, state.evaluation_due);
}

/// A finished run with its final model; a sentence says what it was finished by.
bool nothing_left(const LoadedCheckpoint& checkpoint, const TrainConfig& train, int64_t steps,
                  const RunFolder& folder) {
  const TrainerState& state = checkpoint.state;
  if (!is_finished(state, train, steps) || !fs::exists(folder.final_model())) return false;
  const std::string at = " at step " + std::to_string(state.step);
  log_info(state.step >= steps
               ? "nothing to do: the run was finished" + at +
                     "; a larger train.max_steps or train.num_epochs goes on from there"
               : "nothing to do: early stopping ended the run" + at +
                     "; a larger train.early_stopping_patience, or none, goes on from there");
  return true;
}

TrainerParts trainer_parts(const RunConfig& config, const ModelPlan& plan, const PlannedData& data,
                           int64_t batches_per_epoch, const LoadedModels& models) {
  TrainerParts parts;
  parts.config = &config;
  parts.tokenizer = TokenizerFiles(plan.tokenizer_folder);
  parts.student = models.student.get();
  parts.teacher = models.teacher.get();
  parts.eval_batches = held_out_batches(config, data.splits);
  parts.batches_per_epoch = batches_per_epoch;
  parts.total_steps = total_steps(config.train, batches_per_epoch);
  parts.looks_at_each_step = models.student->device().is_cpu();
  parts.memory = estimate_memory(config, plan, models.student->device(), models.student->dtype());
  return parts;
}

}  // namespace

std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume) {
  const RunConfig& config = loaded.config;
  set_threads(config.run.threads);
  const at::Device device = resolve_device(config.run.device);
  const at::ScalarType dtype = resolve_dtype(config.run.dtype, device);
  const ModelPlan plan = plan_models(config);
  const DataFiles files(config.data);
  require_all_present(config, files, plan);
  const RunFolder folder(config.run.output_dir);
  CheckpointStore store(folder.path());
  StartingPoint start = starting_point(resume, folder, store);
  if (start.finished) return std::nullopt;
  const PlannedData data =
      plan_data(config, files, plan, config.train.max_steps ? Counting::kSample : Counting::kEpoch);
  const int64_t batches = data.epoch && !data.sampled ? data.epoch->batches : 0;
  const RunIdentity identity = run_identity(loaded, plan, data.splits);
  if (start.checkpoint) {
    check_identity(*start.checkpoint, identity);
    const int64_t steps = total_steps(config.train, batches);
    if (nothing_left(*start.checkpoint, config.train, steps, folder)) return std::nullopt;
  }

  const LoadedModels models = load_models(config, plan, device, dtype);
  TrainerParts parts = trainer_parts(config, plan, data, batches, models);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  Prefetcher stream(
      BatchStream(data.splits.train, {config.data, config.train.micro_batch_size}, seed),
      config.data.prefetch);
  seed_generators(seed, device);
  log_to_file(folder.path() / "log.txt");
  announce(plan, data, describe_steps(config, batches), device, dtype);
  for (const std::string& warning : plan_warnings(loaded, plan, parts.total_steps)) {
    log_warning(warning);
  }
  parts.folder = &folder;
  parts.store = &store;
  parts.source = &stream;
  parts.identity = identity;
  Trainer trainer(std::move(parts));
  keep_freed_memory();
  if (start.checkpoint) {
    if (start.foreign) start.checkpoint->state.best = {};  // it is not here
    trainer.resume(*start.checkpoint);
    if (device.is_cpu()) warn_of_other_threads(start.checkpoint->folder);
  }
  sweep_leftovers(folder.path());
  if (start.checkpoint && !start.foreign) {
    continue_run(folder, store, trainer.state());
  } else {
    fs::remove(folder.events());
  }
  start.checkpoint.reset();  // its file is mapped
  write_run_files(folder, loaded, device, dtype, identity);
  return trainer.run();
}

}  // namespace distill
