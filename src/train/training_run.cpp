#include "distill/train/training_run.h"

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/random.h"
#include "distill/data/prefetch.h"
#include "distill/ops/device.h"
#include "distill/train/run_plan.h"
#include "train/advice.h"
#include "train/interrupted_saves.h"
#include "train/random_state.h"
#include "train/run_identity.h"
#include "train/starting_point.h"
#include "train/trainer.h"

namespace distill {
namespace {

void require_nothing_missing(const std::vector<std::string>& missing) {
  if (missing.empty()) return;
  std::string text = "the run needs what is not there:";
  for (const std::string& sentence : missing) text += "\n  " + sentence;
  throw DataError(text);
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
  if (plan.trained.own_parameters > 0) {
    line += " (and " + format_count(plan.trained.own_parameters) + " of the objectives' own)";
  }
  log_info(line + ", " + dtype_name(dtype) + " on " + device.str());
  for (const std::string& statistics : data_statistics(data)) log_info("data: " + statistics);
  log_info("optimizer steps: " + steps);
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

/// The folder's files, from the starting point on.
void begin(const StartingPoint& start, const RunFolder& folder, CheckpointStore& store,
           Trainer& trainer) {
  const TrainerState& state = trainer.state();
  if (start.checkpoint && !start.foreign) {
    store.continue_from(state);
    cut_events(folder.events(), state.step, state.evaluation_due);
    return;
  }
  std::filesystem::remove(folder.events());
  if (!start.foreign) return;
  trainer.save();
  log_info("saved " + store.folder(state.step).string() + ": --resume auto goes on from here on");
}

LoadedModels load_or_advise(const RunConfig& config, const ModelPlan& plan, at::Device device,
                            at::ScalarType dtype) {
  LoadedModels models;
  with_memory_advice("the models were loaded", estimate_memory(config, plan, device, dtype),
                     [&] { models = load_models(config, plan, device, dtype); });
  return models;
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
  StartingPoint start = find_starting_point(resume, folder, store);
  const PlannedData data =
      plan_data(config, files, plan, config.train.max_steps ? Counting::kSample : Counting::kEpoch);
  const int64_t batches = data.epoch && !data.sampled ? data.epoch->batches : 0;
  const int64_t steps = total_steps(config.train, batches);
  const RunIdentity identity = run_identity(loaded, plan, data.splits);
  if (start.checkpoint) check_identity(*start.checkpoint, identity);
  if (nothing_left(start, config.train, steps, folder, store)) return std::nullopt;

  const LoadedModels models = load_or_advise(config, plan, device, dtype);
  TrainerParts parts = trainer_parts(config, plan, data, batches, models);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  Prefetcher stream(
      BatchStream(data.splits.train, {config.data, config.train.micro_batch_size}, seed),
      config.data.prefetch);
  seed_generators(seed, device);
  log_to_file(folder.path() / "log.txt");
  announce(plan, data, describe_steps(config, batches), device, dtype);
  for (const std::string& warning : plan_warnings(loaded, plan, steps)) log_warning(warning);
  parts.folder = &folder;
  parts.store = &store;
  parts.source = &stream;
  parts.identity = identity;
  Trainer trainer(std::move(parts));
  keep_freed_memory();
  if (start.checkpoint) {
    trainer.resume(*start.checkpoint);
    if (device.is_cpu()) warn_of_other_threads(start.checkpoint->folder);
  }
  sweep_leftovers(folder.path());
  begin(start, folder, store, trainer);
  start.checkpoint.reset();  // its file is mapped
  write_run_files(folder, loaded, device, dtype, identity);
  return trainer.run();
}

}  // namespace distill
