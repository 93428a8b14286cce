// Text from a model as JSON lines: synthetic training data, teacher labels, samples to read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "distill/config/section.h"
#include "distill/io/json.h"
#include "distill/model/generation.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"

namespace distill {

/// What `distill generate` does; also the schema of its YAML file.
struct GenerateConfig {
  std::string model;
  std::string output;                ///< empty: standard output
  bool overwrite = false;            ///< replaces an output that is there
  std::vector<std::string> prompts;  ///< none: BOS alone, and the model writes what it likes
  std::string prompts_file;          ///< JSONL with a "prompt" member, or text: one a line
  bool chat = false;                 ///< prompts are user messages: render the chat template
  int64_t num_samples = 1;           ///< answers to each prompt
  int64_t max_new_tokens = 256;
  double temperature = 1.0;
  int64_t top_k = 0;
  double top_p = 1.0;
  double repetition_penalty = 1.0;
  std::vector<std::string> stop;  ///< tokens that end an answer, beside the model's EOS
  int64_t seed = 42;
  int64_t batch_size = 64;
  std::string device = "auto";
  std::string dtype = "auto";
  int64_t threads = 0;

  void fields(Section& section);
};

/// What is to be generated: an entry for each answer, num_samples of a prompt side by side.
struct GenerationPlan {
  std::vector<std::string> prompts;
  std::vector<std::vector<int64_t>> prompt_ids;
  SamplingOptions sampling;
  int64_t vocabulary = 0;  ///< of the model: ids are below it

  size_t size() const { return prompts.size(); }
};

/// Reads and encodes the prompts. Throws DataError for a file that cannot be read, a chat without a
/// template and a prompt that the model cannot read; ConfigError for a stop token that is none.
GenerationPlan plan_generation(const GenerateConfig& config, const TransformerConfig& model,
                               const Tokenizer& tokenizer, const ChatTemplate* chat_template);

struct GeneratedText {
  std::string prompt;
  std::string completion;  ///< without the stop token
  int64_t tokens = 0;      ///< generated, the stop token counted
  bool finished = false;   ///< ended by a stop token, not by max_new_tokens
};

/// Answer n of the plan as text.
GeneratedText to_text(const GenerationPlan& plan, size_t n, std::vector<int64_t> ids,
                      const Tokenizer& tokenizer);

/// {"text": ...} for an answer without a prompt, else {"prompt", "completion"}.
Json to_json(const GeneratedText& text);

}  // namespace distill
