// Chat templates: Jinja as transformers renders it (sandboxed jinja2 with trim_blocks,
// lstrip_blocks, loop controls, `generation` blocks, raise_exception, strftime_now, tojson).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "distill/io/json.h"
#include "distill/text/tokenizer.h"

namespace distill {

struct RenderedChat {
  std::string text;  // UTF-8
  /// The template marks assistant text with `{% generation %}` blocks.
  bool has_generation_blocks = false;
  /// Byte ranges that these blocks produced, in their order.
  std::vector<std::pair<size_t, size_t>> generation_spans;
};

/// Immutable and safe to share between threads.
class ChatTemplate {
 public:
  /// `name` stands for the template in messages. Throws DataError for syntax and for constructs
  /// that are not supported, with line.
  static std::shared_ptr<const ChatTemplate> parse(const std::string& source,
                                                   const std::string& name);
  virtual ~ChatTemplate() = default;

  /// `messages`: a list of {role, content, ...}. `context`: an object of further variables
  /// (bos_token, eos_token, tools, enable_thinking, ...). Throws DataError:
  /// raise_exception(message) gives the message itself after the template's name.
  virtual RenderedChat render(const Json& messages, bool add_generation_prompt,
                              const Json& context) const = 0;
  /// All that it was made from: equal sources render equally.
  virtual std::string source() const = 0;
};

/// The template of a model folder; null when there is none. Where it has several by name,
/// `tool_use` renders what has `tools` in its context (an empty list too) and `default` the rest.
/// Sources, of which the first that exists is taken alone: chat_template.jinja with
/// additional_chat_templates/NAME.jinja, chat_template.json, tokenizer_config.json (`chat_template`
/// is a string, a list of {name, template} or an object {NAME: template}).
std::shared_ptr<const ChatTemplate> load_chat_template(const std::filesystem::path& folder);

/// {bos_token, eos_token, pad_token, unk_token} as templates see them.
Json template_context(const SpecialTokens& special);

}  // namespace distill
