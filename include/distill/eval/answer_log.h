// The answers of a generation that is under way: a file beside the output from which the same
// command goes on after a kill.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "distill/core/line_file.h"
#include "distill/eval/text_generation.h"

namespace distill {

/// What makes a generation this one, as names and values.
struct GenerationIdentity {
  using Entries = std::vector<std::pair<std::string, std::string>>;
  Entries text;      ///< decides the text: has to be the same
  Entries rounding;  ///< may decide the last bits of logits: batch_size, device, threads, build
};

/// `folder` is the model's. Hashes its weights.
GenerationIdentity generation_identity(const GenerateConfig& config, const GenerationPlan& plan,
                                       const std::filesystem::path& folder,
                                       const Tokenizer& tokenizer, at::Device device,
                                       at::ScalarType dtype);

/// JSON lines: the identity, then each answer as it is finished, as {"index", "ids"} and the
/// members of its line in the output. A line that is not whole counts as not written.
class AnswerLog {
 public:
  /// Opens `path`, or makes it, for `count` answers. Throws DataError where another process has it,
  /// where it is something else, and, naming what differs, where it holds answers of another
  /// identity; with `overwrite` those are dropped. Warns where only the rounding is another.
  AnswerLog(const std::filesystem::path& path, const GenerationIdentity& identity, size_t count,
            bool overwrite);

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
  void read(const std::vector<std::string>& lines);
  bool read_answer(const std::string& line);
  void begin(const GenerationIdentity& identity);

  LineFile file_;
  Answers answers_;
  size_t done_ = 0;
};

}  // namespace distill
