#include "distill/eval/text_generation.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/json.h"

namespace distill {
namespace {

std::vector<std::string> read_prompts(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  require_utf8(content, path.string());
  const bool json_lines = path.extension() == ".jsonl";
  std::vector<std::string> prompts;
  int64_t line_number = 0;
  for (size_t begin = 0; begin < content.size();) {
    size_t end = content.find('\n', begin);
    if (end == std::string::npos) end = content.size();
    const std::string line = content.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line.empty()) continue;
    const std::string where = path.string() + ":" + std::to_string(line_number);
    prompts.push_back(
        json_lines ? json_string(parse_json(line, path.string(), {line_number, 1}), "prompt", where)
                   : line);
  }
  if (prompts.empty()) throw DataError(path.string() + ": there are no prompts in it");
  return prompts;
}

std::vector<std::string> all_prompts(const GenerateConfig& config) {
  std::vector<std::string> prompts = config.prompts;
  if (!config.prompts_file.empty()) {
    const std::vector<std::string> more = read_prompts(config.prompts_file);
    prompts.insert(prompts.end(), more.begin(), more.end());
  }
  if (prompts.empty()) prompts.emplace_back();
  return prompts;
}

/// Ids of a prompt; an empty one is BOS (or EOS) alone.
std::vector<int64_t> encode_prompt(const std::string& prompt, const GenerateConfig& config,
                                   const Tokenizer& tokenizer, const ChatTemplate* chat_template) {
  if (config.chat) {
    if (chat_template == nullptr)
      throw DataError(config.model + ": the model has no chat template");
    const Json messages = {{{"role", "user"}, {"content", prompt}}};
    const Json context = template_context(tokenizer.special());
    return tokenizer.ids(chat_template->render(messages, true, context).text, false);
  }
  std::vector<int64_t> ids = tokenizer.ids(prompt, true);
  const SpecialTokens& special = tokenizer.special();
  const std::optional<int64_t> start = special.bos_id ? special.bos_id : special.eos_id;
  if (ids.empty() && start) ids.push_back(*start);
  if (ids.empty())
    throw DataError("generate: an empty prompt and no BOS or EOS token to start from");
  return ids;
}

/// Throws DataError where the model cannot read the prompt: at once, not when its turn has come.
void check_prompt(const std::vector<int64_t>& ids, size_t number, const TransformerConfig& model) {
  const std::string where = "prompt " + std::to_string(number) + ": ";
  const int64_t highest = *std::max_element(ids.begin(), ids.end());
  if (highest >= model.vocab_size) {
    throw DataError(where + "token id " + std::to_string(highest) +
                    " is outside the model's vocabulary of " + std::to_string(model.vocab_size));
  }
  const auto length = static_cast<int64_t>(ids.size());
  if (model.learned_positions && length > model.max_positions) {
    throw DataError(where + std::to_string(length) + " tokens exceed the model's " +
                    std::to_string(model.max_positions) + " learned positions");
  }
}

SamplingOptions sampling_options(const GenerateConfig& config, const TransformerConfig& model,
                                 const Tokenizer& tokenizer) {
  SamplingOptions options;
  options.max_new_tokens = config.max_new_tokens;
  options.temperature = config.temperature;
  options.top_k = config.top_k;
  options.top_p = config.top_p;
  options.repetition_penalty = config.repetition_penalty;
  options.seed = static_cast<uint64_t>(config.seed);
  options.stop_ids = model.eos_ids;
  const Json& generation = model.generation_config;
  if (generation.is_object() && generation.contains("eos_token_id")) {
    for (const Json& id : generation["eos_token_id"].is_array()
                              ? generation["eos_token_id"]
                              : Json{generation["eos_token_id"]}) {
      if (id.is_number_integer()) options.stop_ids.push_back(id.get<int64_t>());
    }
  }
  if (tokenizer.special().eos_id) options.stop_ids.push_back(*tokenizer.special().eos_id);
  for (const std::string& token : config.stop) {
    const std::optional<int64_t> id = tokenizer.token_to_id(token);
    if (!id) throw ConfigError("stop: the tokenizer has no token '" + token + "'");
    options.stop_ids.push_back(*id);
  }
  return options;
}

}  // namespace

void GenerateConfig::fields(Section& section) {
  section.field("model", model, {.help = "A model folder or cached hub id.", .required = true});
  section.field("output", output,
                {.help = "The JSONL file to write.", .default_text = "standard output"});
  section.field("overwrite", overwrite,
                {.help = "Replace an output that is there, or a work file of other options."});
  section.field("prompts", prompts,
                {.help = "Prompts; none at all: the model writes what it likes."});
  section.field("prompts_file", prompts_file,
                {.help = "More prompts: JSONL with a `prompt` member, or text with one a line."});
  section.field("chat", chat, {.help = "Prompts are user messages: render the chat template."});
  section.field("num_samples", num_samples, {.help = "Answers to each prompt.", .min = 1});
  section.field("max_new_tokens", max_new_tokens, {.help = "Longest answer, in tokens.", .min = 1});
  section.field("temperature", temperature, {.help = "0: always the most likely token.", .min = 0});
  section.field("top_k", top_k, {.help = "Sample from this many tokens; 0: all.", .min = 0});
  section.field("top_p", top_p,
                {.help = "Sample from the most likely tokens of this mass.", .max = 1, .above = 0});
  section.field("repetition_penalty", repetition_penalty,
                {.help = "Divides the logits of tokens that are there already.", .above = 0});
  section.field("stop", stop, {.help = "Tokens that end an answer, beside the model's EOS."});
  section.field("seed", seed, {.help = "The same seed gives the same text.", .min = 0});
  section.field("batch_size", batch_size, {.help = "Prompts at a time.", .min = 1});
  section.field("device", device, {.help = "Where to run.", .choices = {"auto", "cpu", "cuda"}});
  section.field("dtype", dtype,
                {.help = "Compute dtype.", .choices = {"auto", "float32", "bfloat16", "float64"}});
  section.field("threads", threads, {.help = "CPU threads; 0: all cores.", .min = 0, .max = 1024});
}

GenerationPlan plan_generation(const GenerateConfig& config, const TransformerConfig& model,
                               const Tokenizer& tokenizer, const ChatTemplate* chat_template) {
  GenerationPlan plan;
  size_t number = 0;
  for (const std::string& prompt : all_prompts(config)) {
    const std::vector<int64_t> ids = encode_prompt(prompt, config, tokenizer, chat_template);
    check_prompt(ids, ++number, model);
    plan.prompts.insert(plan.prompts.end(), static_cast<size_t>(config.num_samples), prompt);
    plan.prompt_ids.insert(plan.prompt_ids.end(), static_cast<size_t>(config.num_samples), ids);
  }
  plan.sampling = sampling_options(config, model, tokenizer);
  plan.vocabulary = model.vocab_size;
  return plan;
}

GeneratedText to_text(const GenerationPlan& plan, size_t n, std::vector<int64_t> ids,
                      const Tokenizer& tokenizer) {
  GeneratedText text;
  text.prompt = plan.prompts[n];
  text.tokens = static_cast<int64_t>(ids.size());
  const auto& stops = plan.sampling.stop_ids;
  text.finished = !ids.empty() && std::find(stops.begin(), stops.end(), ids.back()) != stops.end();
  if (text.finished) ids.pop_back();
  text.completion = tokenizer.decode(ids, /*skip_special_tokens=*/true);
  return text;
}

Json to_json(const GeneratedText& text) {
  if (text.prompt.empty()) return {{"text", text.completion}};
  return {{"prompt", text.prompt}, {"completion", text.completion}};
}

}  // namespace distill
