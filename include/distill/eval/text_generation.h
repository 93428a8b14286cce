// Text from a model into a JSON-lines file: synthetic training data, teacher labels, samples to
// read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "distill/config/section.h"
#include "distill/model/generation.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"

namespace distill {

/// What `distill generate` does; also the schema of its YAML file.
struct GenerateConfig {
  std::string model;
  std::string output;                ///< empty: standard output
  std::vector<std::string> prompts;  ///< none: BOS alone, and the model writes what it likes
  std::string prompts_file;  ///< JSONL with a "prompt" or "messages" member, or text: one a line
  bool chat = false;         ///< prompts are user messages: render the chat template
  int64_t num_samples = 1;   ///< answers to each prompt
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

struct GeneratedText {
  std::string prompt;
  std::string completion;  ///< without the stop token
  int64_t tokens = 0;      ///< generated, the stop token counted
  bool finished = false;   ///< ended by a stop token, not by max_new_tokens
};

/// Answers in the order of the prompts, num_samples of each. `progress` is told how many are done.
std::vector<GeneratedText> generate_texts(const GenerateConfig& config, const Transformer& model,
                                          const Tokenizer& tokenizer,
                                          const ChatTemplate* chat_template,
                                          const std::function<void(int64_t, int64_t)>& progress);

/// One JSON object a line: {"text": ...} for answers without a prompt, else {"prompt",
/// "completion"}.
std::string to_json_lines(const std::vector<GeneratedText>& texts);

}  // namespace distill
