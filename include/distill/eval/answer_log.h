// The answers of a generation that is under way: a file beside the output from which the same
// command goes on after a kill.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "distill/core/line_file.h"
#include "distill/eval/generation_identity.h"
#include "distill/eval/text_generation.h"

namespace distill {

/// JSON lines: the identity, then each answer as it is finished, as {"index", "ids"} and the
/// members of its line in the output. A last line that was cut off counts as not written.
class AnswerLog {
 public:
  /// Opens `path`, or makes it, for the answers of `plan`. Throws DataError where another process
  /// has it, where it is something else, and, naming what differs, where it holds answers of
  /// another identity; with `overwrite` those are dropped. Warns where only the rounding is
  /// another, and of lines that are no answers of the plan, by number: these count as not written.
  AnswerLog(const std::filesystem::path& path, const GenerationIdentity& identity,
            const GenerationPlan& plan, bool overwrite);

  /// Those that were in the file when it was opened.
  const Answers& answers() const { return answers_; }
  /// How many are in the file now.
  size_t done() const { return done_; }
  /// "37 of 600 answers are kept in PATH".
  std::string summary() const;

  /// Throws DataError (a full disk); what was there before stays.
  void append(size_t n, const std::vector<int64_t>& ids, const GeneratedText& text);
  /// Removes the file: the output is whole.
  void remove() { file_.remove(); }

 private:
  /// Whether these lines are of this identity.
  bool goes_on(const std::vector<std::string>& lines, const GenerationIdentity& identity,
               bool overwrite) const;
  void read(const std::vector<std::string>& lines, const GenerationPlan& plan);
  /// Throws DataError that names the line.
  void read_answer(const std::string& line, size_t number, const GenerationPlan& plan);
  void begin(const GenerationIdentity& identity);

  LineFile file_;
  Answers answers_;
  size_t done_ = 0;
};

/// Removes the log that a kill has left beside its finished output, and says so: the output is to
/// the byte what the log's answers give. Leaves a log alone that is anything else, or not there.
void remove_finished_log(const std::filesystem::path& log, const std::filesystem::path& output);

}  // namespace distill
