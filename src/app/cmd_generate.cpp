#include <chrono>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/progress.h"
#include "distill/eval/text_generation.h"
#include "distill/io/hf_folder.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"

namespace distill::app {
namespace {

struct GenerateCommand {
  ConfigOptions file;
  GenerateConfig config;

  void run() {
    if (!file.path.empty()) {
      ConfigFile::load(file.path, file.overrides).read([this](Section& section) {
        config.fields(section);
      });
    }
    if (config.model.empty() || config.output.empty()) {
      throw ConfigError("generate: --config, or --model and --output, are needed");
    }
    set_threads(config.threads);
    const at::Device device = resolve_device(config.device);
    const std::filesystem::path folder = resolve_model(config.model);
    const auto tokenizer = load_tokenizer(folder);
    const auto chat_template = config.chat ? load_chat_template(folder) : nullptr;
    const Transformer model = load_transformer(folder, resolve_dtype(config.dtype, device), device);
    keep_freed_memory();
    write(model, *tokenizer, chat_template.get());
  }

  void write(const Transformer& model, const Tokenizer& tokenizer, const ChatTemplate* chat) const {
    const auto begin = std::chrono::steady_clock::now();
    std::unique_ptr<ProgressLine> line;
    const auto texts =
        generate_texts(config, model, tokenizer, chat, [&](int64_t done, int64_t total) {
          if (!line) line = std::make_unique<ProgressLine>("generate", done, total);
          line->update(done, "texts");
        });
    line.reset();
    write_generated(config.output, texts);
    int64_t tokens = 0, finished = 0;
    for (const GeneratedText& text : texts) {
      tokens += text.tokens;
      finished += text.finished ? 1 : 0;
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    log_info(config.output + ": " + std::to_string(texts.size()) + " texts (" +
             std::to_string(finished) + " with an end), " + format_count(tokens) + " tokens in " +
             format_duration(seconds) + ", " +
             format_count(static_cast<int64_t>(static_cast<double>(tokens) / seconds)) +
             " tokens/s");
  }
};

}  // namespace

void add_generate(CLI::App& app) {
  auto options = std::make_shared<GenerateCommand>();
  CLI::App* command = app.add_subcommand("generate", "Text from a model, as JSON lines");
  GenerateConfig& config = options->config;
  options->file.add_to(*command, false);
  command->add_option("--model", config.model, "model folder or hub id");
  command->add_option("--prompts", config.prompts_file, "JSONL with `prompt`, or text: one a line");
  command->add_option("--output", config.output, "JSONL file to write");
  command->add_flag("--chat", config.chat, "prompts are user messages: render the chat template");
  command->add_option("--num-samples", config.num_samples, "answers to each prompt");
  command->add_option("--max-new-tokens", config.max_new_tokens, "longest answer, in tokens");
  command->add_option("--temperature", config.temperature, "0: greedy");
  command->add_option("--top-k", config.top_k, "sample from this many tokens; 0: all");
  command->add_option("--top-p", config.top_p, "sample from the most likely tokens of this mass");
  command->add_option("--repetition-penalty", config.repetition_penalty, "1: none");
  command->add_option("--seed", config.seed, "the same seed gives the same text");
  command->footer(
      "Example:\n  distill generate --model data/stories260K --num-samples 4 --output "
      "stories.jsonl");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
