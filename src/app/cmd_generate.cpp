#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"
#include "distill/eval/text_generation.h"
#include "distill/io/hf_folder.h"
#include "distill/io/json.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"

namespace distill::app {
namespace {

struct GenerateCommand {
  ConfigOptions file;
  GenerateConfig config;

  void run() {
    const auto names_model = [](const std::string& key) { return key.starts_with("model="); };
    if (file.path.empty() &&
        std::none_of(file.overrides.begin(), file.overrides.end(), names_model)) {
      throw ConfigError("generate: --config or --model is needed");
    }
    const ConfigFile keys = file.path.empty() ? ConfigFile::parse("{}", "generate", file.overrides)
                                              : ConfigFile::load(file.path, file.overrides);
    keys.read([this](Section& section) { config.fields(section); });
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
          throw_if_stopped();
        });
    line.reset();
    output(to_json_lines(texts));
    int64_t tokens = 0, finished = 0;
    for (const GeneratedText& text : texts) {
      tokens += text.tokens;
      finished += text.finished ? 1 : 0;
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto count = static_cast<int64_t>(texts.size());
    log_info(std::to_string(count) + plural(" text", count) + " (" + std::to_string(finished) +
             " with an end), " + format_count(tokens) + plural(" token", tokens) + " in " +
             format_duration(seconds) + ", " +
             format_count(static_cast<int64_t>(static_cast<double>(tokens) / seconds)) +
             " tokens/s");
  }

  void output(const std::string& lines) const {
    const std::filesystem::path path = config.output;
    if (path.empty()) {
      std::cout << lines << std::flush;
      return;
    }
    if (path.has_parent_path()) make_directories(path.parent_path());
    write_file(path, lines);
    log_info("wrote " + path.string());
  }
};

}  // namespace

void add_generate(CLI::App& app) {
  auto options = std::make_shared<GenerateCommand>();
  CLI::App* command = app.add_subcommand("generate", "Text from a model, as JSON lines");
  options->file.add_to(*command, false);
  // Each option is a key of the YAML file, and is read and checked as one.
  const auto add = [&](const char* name, const std::string& key, const std::string& type,
                       const char* help) {
    const auto put = [options, key, is_text = type == "TEXT"](const std::string& value) {
      options->file.overrides.push_back(key + "=" + (is_text ? Json(value).dump() : value));
    };
    command->add_option_function<std::string>(name, put, help)->type_name(type);
  };
  add("--model", "model", "TEXT", "model folder or hub id");
  add("--prompts", "prompts_file", "TEXT", "JSONL with `prompt`, or text: one a line");
  add("--output", "output", "TEXT", "JSONL file to write; default: standard output");
  command->add_flag_callback(
      "--chat", [options] { options->file.overrides.emplace_back("chat=true"); },
      "prompts are user messages: render the chat template");
  add("--num-samples", "num_samples", "INT", "answers to each prompt");
  add("--max-new-tokens", "max_new_tokens", "INT", "longest answer, in tokens");
  add("--temperature", "temperature", "FLOAT", "0: greedy");
  add("--top-k", "top_k", "INT", "sample from this many tokens; 0: all");
  add("--top-p", "top_p", "FLOAT", "sample from the most likely tokens of this mass");
  add("--repetition-penalty", "repetition_penalty", "FLOAT", "1: none");
  add("--seed", "seed", "INT", "the same seed gives the same text");
  command->footer(
      "Example:\n  distill generate --model data/stories260K --num-samples 4 --output "
      "stories.jsonl");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
