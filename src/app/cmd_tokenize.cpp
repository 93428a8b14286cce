#include <iostream>
#include <iterator>
#include <memory>

#include "app/commands.h"
#include "distill/core/error.h"
#include "distill/io/hf_folder.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"

namespace distill::app {
namespace {

struct TokenizeOptions {
  std::string model;
  bool chat = false;
  bool no_special_tokens = false;
  bool decode = false;
};

std::string render_chat(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                        const std::string& text) {
  const auto chat_template = load_chat_template(folder);
  if (!chat_template) throw DataError(folder.string() + ": the model has no chat template");
  const Json messages = {{{"role", "user"}, {"content", text}}};
  return chat_template->render(messages, true, template_context(tokenizer.special())).text;
}

std::vector<int64_t> ids_from_json(const std::string& text, const Tokenizer& tokenizer) {
  const Json json = parse_json(text, "standard input");
  if (!json.is_array()) throw DataError("standard input: expected a list of token ids");
  std::vector<int64_t> ids;
  for (const Json& id : json) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() >= tokenizer.vocab_size()) {
      throw DataError("standard input: expected token ids from 0 to " +
                      std::to_string(tokenizer.vocab_size() - 1) + ", found " + id.dump());
    }
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

void tokenize(const TokenizeOptions& options) {
  const std::filesystem::path folder = resolve_model(options.model);
  const auto tokenizer = load_tokenizer(folder);
  std::string text(std::istreambuf_iterator<char>(std::cin), {});
  if (options.decode) {
    std::cout << tokenizer->decode(ids_from_json(text, *tokenizer), false) << '\n';
    return;
  }
  require_utf8(text, "standard input");
  if (options.chat) text = render_chat(folder, *tokenizer, text);
  // A rendered chat already has its special tokens.
  const bool add_special_tokens = !options.chat && !options.no_special_tokens;
  std::cout << Json(tokenizer->ids(text, add_special_tokens)).dump() << '\n';
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand("tokenize", "Token ids of the text on standard input");
  command->add_option("--model", options->model, "model folder or hub id")->required();
  command->add_flag("--chat", options->chat,
                    "the text is a user's message: render the chat template");
  command->add_flag("--no-special-tokens", options->no_special_tokens,
                    "without what the tokenizer adds, such as BOS");
  command->add_flag("--decode", options->decode, "the other way: a JSON list of ids to text");
  command->footer("Example:\n  echo Hello | distill tokenize --model data/stories260K");
  command->callback([options] { tokenize(*options); });
}

}  // namespace distill::app
