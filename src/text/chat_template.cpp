#include "distill/text/chat_template.h"

#include <array>

#include "distill/core/error.h"
#include "text/jinja/from_json.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"

namespace distill {
namespace {

using jinja::Value;

/// The names under which a message's reasoning is passed. The first is the one templates read.
constexpr auto kReasoningNames =
    std::to_array<const char*>({"reasoning_content", "thinking", "reasoning"});

/// A message with reasoning gets `thinking` (in front, unless it has one) and `reasoning_content`.
Json with_reasoning_names(const Json& message) {
  for (const char* name : kReasoningNames) {
    const auto reasoning = message.find(name);
    if (reasoning == message.end() || reasoning->is_null()) continue;
    Json named = Json::object();
    named["thinking"] = *reasoning;
    for (const auto& [key, value] : message.items()) named[key] = value;
    named["reasoning_content"] = *reasoning;
    return named;
  }
  return message;
}

jinja::Dict template_variables(const Json& messages, bool add_generation_prompt,
                               const Json& context) {
  if (!messages.is_array()) throw jinja::Fault("the messages must be a list");
  if (!context.is_null() && !context.is_object()) {
    throw jinja::Fault("the variables of a chat template must be an object");
  }
  Json chat = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object()) {
      throw jinja::Fault("a message must be an object, found " + std::string(message.type_name()));
    }
    chat.push_back(with_reasoning_names(message));
  }
  jinja::Dict variables;
  const auto set = [&](const std::string& name, Value value) {
    variables.set(Value::string(name), std::move(value));
  };
  set("tools", Value());
  set("documents", Value());
  for (const auto& [name, value] : context.items()) set(name, jinja::from_json(value));
  set("messages", jinja::from_json(chat));
  set("add_generation_prompt", Value::boolean(add_generation_prompt));
  return variables;
}

class JinjaChatTemplate : public ChatTemplate {
 public:
  JinjaChatTemplate(std::string source, std::string name)
      : tree_(jinja::parse_template(source)), source_(std::move(source)), name_(std::move(name)) {}

  RenderedChat render(const Json& messages, bool add_generation_prompt,
                      const Json& context) const override {
    jinja::Dict variables;
    try {
      variables = template_variables(messages, add_generation_prompt, context);
    } catch (const jinja::Fault& fault) {
      throw DataError(name_ + ": " + fault.what());
    }
    jinja::Interpreter interpreter(tree_, variables);
    try {
      RenderedChat chat;
      chat.text = interpreter.run();
      chat.has_generation_blocks = tree_.has_generation;
      chat.generation_spans = interpreter.take_generation_spans();
      return chat;
    } catch (const jinja::RaisedByTemplate& raised) {
      throw DataError(name_ + ": " + raised.what());
    } catch (const jinja::Fault& fault) {
      throw DataError(name_ + ":" + std::to_string(interpreter.line()) + ": " + fault.what());
    }
  }

  std::string source() const override { return source_; }

 private:
  jinja::TemplateTree tree_;
  std::string source_;
  std::string name_;
};

}  // namespace

std::shared_ptr<const ChatTemplate> ChatTemplate::parse(const std::string& source,
                                                        const std::string& name) {
  if (const auto bad = first_invalid_utf8(source)) {
    throw DataError(name + ": not UTF-8 at byte " + std::to_string(*bad));
  }
  try {
    return std::make_shared<JinjaChatTemplate>(source, name);
  } catch (const jinja::SyntaxFault& fault) {
    throw DataError(name + ":" + std::to_string(fault.line()) + ": " + fault.what());
  }
}

Json template_context(const SpecialTokens& special) {
  Json context = Json::object();
  const auto add = [&](const char* name, const std::optional<std::string>& token) {
    if (token) context[name] = *token;
  };
  add("bos_token", special.bos);
  add("eos_token", special.eos);
  add("pad_token", special.pad);
  add("unk_token", special.unk);
  return context;
}

}  // namespace distill
