// events.jsonl: one JSON object a logged step, and one an evaluation.
#pragma once

#include <filesystem>
#include <fstream>

#include "distill/io/json.h"

namespace distill {

class EventLog {
 public:
  /// Appends to `path`. Throws DataError.
  explicit EventLog(std::filesystem::path path);

  /// One line, flushed. Throws DataError (a full disk).
  void write(const Json& event);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

/// Removes events after `step` and a last line that is not whole: a resumed run writes them again.
/// With `evaluation_due` also the step's own evaluation, which is made up for.
void cut_events(const std::filesystem::path& path, int64_t step, bool evaluation_due);

}  // namespace distill
