#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "app/commands.h"
#include "app/shell_quotes.h"
#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"
#include "distill/eval/answer_log.h"
#include "distill/eval/text_generation.h"
#include "distill/io/hf_folder.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"

namespace distill::app {
namespace {

namespace fs = std::filesystem;

/// What is needed to make the texts of a plan.
struct Job {
  const Transformer& model;
  const Tokenizer& tokenizer;
  GenerationPlan plan;
};

std::string as_line(const GeneratedText& text) { return to_json(text).dump() + '\n'; }

/// Counts the texts as they come, and says how fast they did.
class Tally {
 public:
  void add(const GeneratedText& text) {
    ++texts_;
    tokens_ += text.tokens;
    finished_ += text.finished ? 1 : 0;
  }
  std::string summary() const {
    if (texts_ == 0) return "nothing was left to generate";
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    return std::to_string(texts_) + plural(" text", texts_) + " (" + std::to_string(finished_) +
           " with an end), " + format_count(tokens_) + plural(" token", tokens_) + " in " +
           format_duration(seconds) + ", " +
           format_count(static_cast<int64_t>(static_cast<double>(tokens_) / seconds)) + " tokens/s";
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  int64_t texts_ = 0, tokens_ = 0, finished_ = 0;
};

struct GenerateCommand {
  ConfigOptions file;
  std::vector<std::string> options;  // as overrides
  std::string given;                 // the options as they were given
  GenerateConfig config;

  void run() {
    read_config();
    if (!config.output.empty()) {
      if (!config.overwrite) remove_finished_log(work_file(), config.output);
      require_free_output();
    }
    set_threads(config.threads);
    const at::Device device = resolve_device(config.device);
    const at::ScalarType dtype = resolve_dtype(config.dtype, device);
    const fs::path folder = resolve_model(config.model);
    const auto tokenizer = load_tokenizer(folder);
    const auto chat_template = config.chat ? load_chat_template(folder) : nullptr;
    const Transformer model = load_transformer(folder, dtype, device);
    keep_freed_memory();
    const Job job{model, *tokenizer,
                  plan_generation(config, model.config(), *tokenizer, chat_template.get())};
    if (config.output.empty()) return print(job);
    write(job, generation_identity(config, job.plan, folder, *tokenizer, device, dtype));
  }

  void read_config() {
    std::vector<std::string> overrides = file.overrides;
    overrides.insert(overrides.end(), options.begin(), options.end());
    const auto names_model = [](const std::string& key) { return key.starts_with("model="); };
    if (file.path.empty() && std::none_of(overrides.begin(), overrides.end(), names_model)) {
      throw ConfigError("generate: --config or --model is needed");
    }
    const ConfigFile keys = file.path.empty() ? ConfigFile::parse("{}", "generate", overrides)
                                              : ConfigFile::load(file.path, overrides);
    keys.read([this](Section& section) { config.fields(section); });
  }

  void require_free_output() const {
    std::error_code absent;
    const fs::file_status there = fs::status(config.output, absent);
    if (!fs::exists(there)) return;
    if (!fs::is_regular_file(there)) {
      throw ConfigError("output: " + config.output +
                        ": is not a file; without an output the texts go to standard output");
    }
    if (config.overwrite) return;
    throw ConfigError("output: " + config.output +
                      ": is there already; choose another, or replace it with --overwrite");
  }

  std::string work_file() const { return config.output + ".partial"; }

  using Keep = std::function<void(size_t, const std::vector<int64_t>&, const GeneratedText&)>;

  /// All answers: those that are known, and the others, each of which `keep` is given once it is
  /// finished.
  Answers make(const Job& job, const Answers& known, const Keep& keep) const {
    const auto is_known = [](const std::vector<int64_t>& ids) { return !ids.empty(); };
    int64_t done = std::count_if(known.begin(), known.end(), is_known);
    auto line =
        std::make_unique<ProgressLine>("generate", done, static_cast<int64_t>(job.plan.size()));
    Tally tally;
    const auto on_answer = [&](size_t n, const std::vector<int64_t>& ids) {
      const GeneratedText text = to_text(job.plan, n, ids, job.tokenizer);
      keep(n, ids, text);
      tally.add(text);
      line->update(++done, "texts");
    };
    Answers answers = generate(job.model, job.plan.prompt_ids, job.plan.sampling, config.batch_size,
                               on_answer, known);
    line.reset();
    log_info(tally.summary());
    return answers;
  }

  /// In the order of the prompts, each as soon as those before it are there.
  void print(const Job& job) const {
    std::vector<std::string> waiting(job.plan.size());
    size_t next = 0;
    make(job, {}, [&](size_t n, const std::vector<int64_t>&, const GeneratedText& text) {
      waiting[n] = as_line(text);
      for (; next < waiting.size() && !waiting[next].empty(); ++next) {
        write_standard_output(std::exchange(waiting[next], {}));
      }
    });
  }

  void write(const Job& job, const GenerationIdentity& identity) const {
    const fs::path output = config.output;
    if (output.has_parent_path()) make_directories(output.parent_path());
    // Another process may have written it while the model was loaded, or until it gave up the log.
    require_free_output();
    AnswerLog log(work_file(), identity, job.plan, config.overwrite);
    require_free_output();
    if (log.done() > 0) log_info("going on: " + log.summary());
    promise_on_stop("keeping the answers that are finished");
    try {
      write_in_order(job, make(job, log.answers(),
                               [&](size_t n, const std::vector<int64_t>& ids,
                                   const GeneratedText& text) { log.append(n, ids, text); }));
    } catch (const std::exception&) {
      log_info(log.summary() + "; to go on from there: " + resume_command());
      throw;
    }
    log.remove();
    log_info("wrote " + output.string());
  }

  void write_in_order(const Job& job, const Answers& answers) const {
    const fs::path output = config.output;
    AtomicFile whole(output);
    for (size_t n = 0; n < answers.size(); ++n) {
      whole.write(as_line(to_text(job.plan, n, answers[n], job.tokenizer)));
    }
    whole.commit();
    sync_directory(output.has_parent_path() ? output.parent_path() : ".");
  }

  std::string resume_command() const {
    std::string command = "distill generate";
    if (!file.path.empty()) command += " --config " + in_shell_quotes(file.path);
    for (const std::string& override : file.overrides) command += ' ' + in_shell_quotes(override);
    return command + given;
  }
};

}  // namespace

void add_generate(CLI::App& app) {
  auto command_options = std::make_shared<GenerateCommand>();
  CLI::App* command = app.add_subcommand("generate", "Text from a model, as JSON lines");
  command_options->file.add_to(*command, false);
  // Each option is a key of the YAML file, and is read and checked as one.
  const auto add = [&](const std::string& name, const std::string& key, const std::string& type,
                       const char* help) {
    const auto put = [command_options, name, key,
                      is_text = type == "TEXT"](const std::string& value) {
      command_options->options.push_back(key + "=" + (is_text ? Json(value).dump() : value));
      command_options->given += " " + name + " " + in_shell_quotes(value);
    };
    command->add_option_function<std::string>(name, put, help)->type_name(type);
  };
  const auto add_flag = [&](const std::string& name, const std::string& key, const char* help) {
    const auto put = [command_options, name, key] {
      command_options->options.push_back(key + "=true");
      command_options->given += " " + name;
    };
    command->add_flag_callback(name, put, help);
  };
  add("--model", "model", "TEXT", "model folder or hub id");
  add("--prompts", "prompts_file", "TEXT", "JSONL with `prompt`, or text: one a line");
  add("--output", "output", "TEXT", "JSONL file to write; default: standard output");
  add_flag("--overwrite", "overwrite",
           "replace an output that is there, or a work file of other options");
  add_flag("--chat", "chat", "prompts are user messages: render the chat template");
  add("--num-samples", "num_samples", "INT", "answers to each prompt");
  add("--max-new-tokens", "max_new_tokens", "INT", "longest answer, in tokens");
  add("--temperature", "temperature", "FLOAT", "0: greedy");
  add("--top-k", "top_k", "INT", "sample from this many tokens; 0: all");
  add("--top-p", "top_p", "FLOAT", "sample from the most likely tokens of this mass");
  add("--repetition-penalty", "repetition_penalty", "FLOAT", "1: none");
  add("--seed", "seed", "INT", "the same seed gives the same text");
  command->footer(
      "Example:\n  distill generate --model data/stories260K --num-samples 4 --output "
      "stories.jsonl\nKilled or stopped, the same command goes on where it was.");
  command->callback([command_options] { command_options->run(); });
}

}  // namespace distill::app
