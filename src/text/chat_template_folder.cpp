// Where a model folder keeps its chat templates, in the order in which transformers looks.
#include <map>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/text/chat_template.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string text;
  std::string where;
};
using NamedSources = std::map<std::string, Source>;

/// Several templates of one model.
class NamedChatTemplates : public ChatTemplate {
 public:
  NamedChatTemplates(std::shared_ptr<const ChatTemplate> fallback,
                     std::shared_ptr<const ChatTemplate> tool_use, std::string missing)
      : default_(std::move(fallback)),
        tool_use_(std::move(tool_use)),
        missing_(std::move(missing)) {}

  RenderedChat render(const Json& messages, bool add_generation_prompt,
                      const Json& context) const override {
    const auto tools = context.find("tools");
    const bool has_tools = tools != context.end() && !tools->is_null();
    const ChatTemplate* chosen = has_tools && tool_use_ ? tool_use_.get() : default_.get();
    if (chosen == nullptr) throw DataError(missing_);
    return chosen->render(messages, add_generation_prompt, context);
  }

  std::string source() const override {
    return (default_ ? default_->source() : "") + '\0' + tool_use_->source();
  }

 private:
  std::shared_ptr<const ChatTemplate> default_;  // may be null
  std::shared_ptr<const ChatTemplate> tool_use_;
  std::string missing_;  // what is said where no template serves
};

NamedSources template_files(const fs::path& folder) {
  NamedSources sources;
  const auto add = [&sources](const std::string& name, const fs::path& path) {
    sources[name] = {read_file(path), path.string()};
  };
  const fs::path main = folder / "chat_template.jinja";
  if (fs::exists(main)) add("default", main);
  const fs::path others = folder / "additional_chat_templates";
  if (!fs::is_directory(others)) return sources;
  for (const auto& entry : fs::directory_iterator(others)) {
    if (entry.path().extension() == ".jinja") add(entry.path().stem().string(), entry.path());
  }
  return sources;
}

NamedSources template_member(const fs::path& path) {
  if (!fs::exists(path)) return {};
  const Json config = read_json(path);
  if (!config.is_object() || !config.contains("chat_template")) return {};
  const std::string where = path.string() + ": chat_template";
  const Json& member = config["chat_template"];
  NamedSources sources;
  if (member.is_string()) {
    sources["default"] = {member.get<std::string>(), where};
  } else if (member.is_object()) {
    for (const auto& [name, text] : member.items()) {
      sources[name] = {json_string(member, name, where), where + "." + name};
    }
  } else if (member.is_array()) {
    for (const Json& named : member) {
      const std::string name = json_string(named, "name", where);
      sources[name] = {json_string(named, "template", where), where + "." + name};
    }
  } else if (!member.is_null()) {
    throw DataError(where + ": expected a string or a list of {name, template}, found " +
                    member.type_name());
  }
  return sources;
}

std::shared_ptr<const ChatTemplate> parse_named(const NamedSources& sources,
                                                const std::string& name) {
  const auto found = sources.find(name);
  if (found == sources.end()) return nullptr;
  return ChatTemplate::parse(found->second.text, found->second.where);
}

std::shared_ptr<const ChatTemplate> choose(const NamedSources& sources, const fs::path& folder) {
  auto fallback = parse_named(sources, "default");
  auto tool_use = parse_named(sources, "tool_use");
  if (fallback && !tool_use) return fallback;
  std::string names;
  for (const auto& [name, source] : sources) names += (names.empty() ? "'" : ", '") + name + "'";
  const std::string missing = folder.string() + ": none of the chat templates " + names +
                              " is named 'default'; give the file of one (chat_template)";
  if (!fallback && !tool_use) throw DataError(missing);
  return std::make_shared<NamedChatTemplates>(std::move(fallback), std::move(tool_use), missing);
}

}  // namespace

std::shared_ptr<const ChatTemplate> load_chat_template(const fs::path& folder) {
  NamedSources sources = template_files(folder);
  for (const char* const name : {"chat_template.json", "tokenizer_config.json"}) {
    if (sources.empty()) sources = template_member(folder / name);
  }
  return sources.empty() ? nullptr : choose(sources, folder);
}

}  // namespace distill
