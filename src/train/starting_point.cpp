// Decides between step 0, a checkpoint of the run and one of another, and a finished run.
#include "train/starting_point.h"

#include "distill/core/error.h"
#include "distill/core/log.h"
#include "train/interrupted_saves.h"
#include "train/trainer.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

StartingPoint newest_checkpoint(const RunFolder& folder, const CheckpointStore& store) {
  put_back_whole(folder.path());
  const fs::path newest = store.newest_whole();
  if (!newest.empty()) return {.checkpoint = load_checkpoint(newest)};
  if (!fs::exists(folder.final_model())) {
    log_info(folder.path().string() + " has no checkpoint: starting at step 0");
  }
  return {};
}

/// The parent of a checkpoint that need not be there.
fs::path run_of(const fs::path& checkpoint) {
  const fs::path whole = fs::weakly_canonical(checkpoint);
  return whole.has_filename() ? whole.parent_path() : whole.parent_path().parent_path();
}

StartingPoint named_checkpoint(const std::string& resume, const RunFolder& folder,
                               const CheckpointStore& store) {
  const fs::path run = fs::canonical(folder.path());
  if (run_of(resume) == run) put_back_whole(folder.path());
  StartingPoint start{.checkpoint = load_checkpoint(resume), .named = true};
  const fs::path found = fs::canonical(resume);
  start.foreign = found != run / store.folder(start.checkpoint->state.step).filename();
  if (!start.foreign) return start;
  if (!describe_run(folder.path()).empty()) {
    throw ConfigError(folder.path().string() + ": holds a run already, and " + resume +
                      " is no checkpoint of it (" + found.string() +
                      "); choose a fresh folder with run.output_dir=DIR");
  }
  start.checkpoint->state.best = {};  // it is not here
  return start;
}

std::string describe_end(const TrainerState& ended, int64_t steps, const StartingPoint& start) {
  const bool all = ended.step >= steps;
  const std::string end =
      std::string(all ? "the run was finished" : "early stopping ended the run") + " at step " +
      std::to_string(ended.step) + "; ";
  if (!start.checkpoint) return end + "it has no checkpoint to go on from";
  const int64_t from = start.checkpoint->state.step;
  return end +
         (all ? "a larger train.max_steps or train.num_epochs"
              : "a larger train.early_stopping_patience, or none,") +
         " goes on from " + (from == ended.step ? "there" : "step " + std::to_string(from));
}

/// The state that final/ is of. An earlier version did not write it: the newest checkpoint's then.
std::optional<TrainerState> final_state(const RunFolder& folder, const CheckpointStore& store) {
  try {
    if (auto state = read_state(folder.final_model())) return state;
  } catch (const CheckpointError& error) {
    log_warning(std::string(error.what()) + "; it is taken to be of the newest checkpoint's step");
  }
  const std::vector<int64_t> saved = store.steps();
  return saved.empty() ? std::nullopt : read_state(store.folder(saved.back()));
}

}  // namespace

StartingPoint find_starting_point(const std::string& resume, const RunFolder& folder,
                                  const CheckpointStore& store) {
  if (resume == "auto") return newest_checkpoint(folder, store);
  if (!resume.empty()) return named_checkpoint(resume, folder, store);
  folder.require_fresh();
  return {};
}

bool nothing_left(const StartingPoint& start, const TrainConfig& train, int64_t steps,
                  const RunFolder& folder, const CheckpointStore& store) {
  if (!fs::exists(folder.final_model())) return false;
  const std::string final_model = folder.final_model().string();
  const std::optional<TrainerState> ended = final_state(folder, store);
  if (!ended) {
    log_info("nothing to do: " + final_model + " is there");
    return true;
  }
  const int64_t from = start.checkpoint ? start.checkpoint->state.step : 0;
  const bool covers = start.named ? ended->step == from : ended->step >= from;
  if (covers && is_finished(*ended, train, steps)) {
    log_info("nothing to do: " + describe_end(*ended, steps, start));
    return true;
  }
  if (start.checkpoint) return false;
  throw CheckpointError(final_model + " is of step " + std::to_string(ended->step) +
                        ", and the run has no checkpoint to go on from (see train.save_last); "
                        "begin a new one with run.output_dir=DIR 'student={path: " +
                        final_model + "}'");
}

}  // namespace distill
