#include "train/saver.h"

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/folders.h"
#include "train/interrupted_saves.h"

namespace distill {

namespace fs = std::filesystem;

void Saver::write_model(const fs::path& folder) const {
  make_directories(folder);
  save_transformer(student_, folder, student_.dtype());
  tokenizer_.write(folder);
}

void Saver::save(const TrainerState& state, const NamedTensors& tensors) {
  store_.save(state, tensors, [this](const fs::path& folder) { write_model(folder); });
  store_.prune(limit_);
}

void Saver::save_best(const TrainerState& state, const NamedTensors& tensors) {
  store_.save(state, tensors, [this](const fs::path& folder) { write_model(folder); });
  store_.mark_best(state.step);
  store_.prune(limit_);
}

void Saver::write_final(const TrainerState& state) const {
  const fs::path target = folder_.final_model();
  const fs::path partial = target.string() + kPartial;
  TrainerState public_state = state;
  public_state.identity.clear();  // names files of this machine, and final/ is what is given away
  try {
    fs::remove_all(partial);
    write_model(partial);
    write_state(partial, public_state);
    sync_directory(partial / "trainer");
    sync_directory(partial);
    put_in_place(partial, target);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw DataError(target.string() + ": the model could not be saved: " + error.what());
  }
}

}  // namespace distill
