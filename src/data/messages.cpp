#include "data/messages.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "data/text_template.h"
#include "distill/core/error.h"

namespace distill {
namespace {

[[noreturn]] void fail(const std::string& place, const char* expected, const Json& found) {
  throw DataError(place + ": expected " + expected + ", found " + shorten(found));
}

std::string element(const std::string& place, size_t i) {
  return place + "[" + std::to_string(i) + "]";
}

const Json& list_column(const Json& record, const std::string& column) {
  const Json& list = column_of(record, column);
  if (!list.is_array()) fail("the column '" + column + "'", "a list of messages", list);
  if (list.empty()) throw DataError("the column '" + column + "': the conversation is empty");
  return list;
}

/// A text member of an object.
const std::string& text_member(const Json& object, const char* key, const std::string& place) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end()) {
    throw DataError(place + ": expected an object with '" + key + "', found " + shorten(object));
  }
  if (!found->is_string()) fail(place + "." + key, "a string", *found);
  return found->get_ref<const std::string&>();
}

/// One message on its way into a conversation.
struct Message {
  Json json;        // arguments as objects
  Json as_written;  // arguments as the record has them
  bool learned = true;
};

/// The arguments of a call as an object, which is what templates read.
Json call_arguments(const Json& arguments, const std::string& place) {
  Json parsed = arguments;
  if (arguments.is_string()) parsed = parse_json(arguments.get_ref<const std::string&>(), place);
  if (!parsed.is_object()) fail(place, "an object or the JSON text of one", arguments);
  return parsed;
}

void read_tool_calls(Json& calls, const std::string& place) {
  if (!calls.is_array()) fail(place, "a list of tool calls", calls);
  for (size_t i = 0; i < calls.size(); ++i) {
    std::string at = element(place, i);
    if (!calls[i].is_object()) fail(at, "an object with 'function'", calls[i]);
    const bool nested = calls[i].contains("function");
    Json& function = nested ? calls[i]["function"] : calls[i];
    if (nested) at += ".function";
    text_member(function, "name", at);
    if (!function.contains("arguments")) continue;
    function["arguments"] = call_arguments(function["arguments"], at + ".arguments");
  }
}

/// Takes `train` and `weight` out of a message.
bool take_learned(Json& message, const std::string& place) {
  bool learned = true;
  for (const char* const key : {"train", "weight"}) {
    const auto found = message.find(key);
    if (found == message.end()) continue;
    const bool is_train = key == std::string_view("train");
    if (is_train ? !found->is_boolean() : *found != 0 && *found != 1) {
      fail(place + "." + key, is_train ? "true or false" : "0 or 1", *found);
    }
    const bool yes = is_train ? found->get<bool>() : *found == 1;
    if (yes && message["role"] != "assistant") {
      throw DataError(place + "." + key + ": only assistant turns can be learned, and this is a " +
                      message["role"].get<std::string>() + " message");
    }
    learned = learned && yes;
    message.erase(key);
  }
  return learned;
}

/// Content that comes as a list of text parts becomes their text, end to end.
void join_parts(Json& message, const std::string& place) {
  const auto content = message.find("content");
  if (content == message.end() || !content->is_array()) return;
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const Json& part = (*content)[i];
    const std::string at = element(place + ".content", i);
    if (text_member(part, "type", at) != "text") fail(at + ".type", "\"text\"", part["type"]);
    text += text_member(part, "text", at);
  }
  *content = text;
}

Message read_message(const Json& given, const std::string& place) {
  constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant",
                                                      "tool"};
  const std::string& role = text_member(given, "role", place);
  if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
    fail(place + ".role", "system, developer, user, assistant or tool", role);
  }
  Message message;
  message.json = Json::object();
  for (const auto& [key, value] : given.items()) {
    if (!value.is_null()) message.json[key] = value;
  }
  message.learned = take_learned(message.json, place);
  join_parts(message.json, place);
  message.as_written = message.json;
  const auto calls = message.json.find("tool_calls");
  if (calls != message.json.end()) read_tool_calls(*calls, place + ".tool_calls");
  const bool may_be_silent = role == "assistant" && calls != message.json.end() && !calls->empty();
  if (!may_be_silent || message.json.contains("content")) {
    text_member(message.json, "content", place);
  }
  return message;
}

Conversation gather(std::vector<Message> messages) {
  Conversation conversation;
  Json as_written = Json::array();
  for (Message& message : messages) {
    conversation.messages.push_back(std::move(message.json));
    as_written.push_back(std::move(message.as_written));
    conversation.learned.push_back(message.learned);
  }
  if (as_written != conversation.messages) conversation.with_text_arguments = std::move(as_written);
  return conversation;
}

/// {"name": ..., "arguments": ...} or a list of such, as JSON text, to `tool_calls`.
Json sharegpt_calls(const std::string& text, const std::string& place) {
  Json calls = parse_json(text, place);
  if (!calls.is_array()) calls = Json::array({calls});
  Json wrapped = Json::array();
  for (const Json& call : calls) {
    if (!call.is_object()) fail(place, "the JSON of a call with 'name' and 'arguments'", call);
    Json outer = Json::object();
    outer["type"] = "function";
    outer["function"] = call;
    wrapped.push_back(std::move(outer));
  }
  return wrapped;
}

/// {from, value, ...} as {role, content, ...}.
Json from_sharegpt(const Json& given, const std::string& place) {
  constexpr std::array<std::pair<std::string_view, const char*>, 9> kSpeakers = {
      {{"human", "user"},
       {"user", "user"},
       {"gpt", "assistant"},
       {"assistant", "assistant"},
       {"function_call", "assistant"},
       {"system", "system"},
       {"tool", "tool"},
       {"observation", "tool"},
       {"function_response", "tool"}}};
  const std::string& from = text_member(given, "from", place);
  const std::string& value = text_member(given, "value", place);
  const auto* const speaker =
      std::find_if(kSpeakers.begin(), kSpeakers.end(),
                   [&from](const auto& known) { return known.first == from; });
  if (speaker == kSpeakers.end()) {
    fail(place + ".from",
         "human, user, gpt, assistant, system, function_call, observation, function_response or "
         "tool",
         from);
  }
  Json message = chat_message(speaker->second, value);
  if (from == "function_call") {
    message["tool_calls"] = sharegpt_calls(value, place + ".value");
    message["content"] = "";
  }
  for (const auto& [key, other] : given.items()) {
    if (key != "from" && key != "value") message[key] = other;
  }
  return message;
}

}  // namespace

Json chat_message(const std::string& role, const std::string& content) {
  Json message = Json::object();
  message["role"] = role;
  message["content"] = content;
  return message;
}

Conversation make_exchange(const std::string& question, const std::string& answer) {
  Conversation conversation;
  conversation.messages.push_back(chat_message("user", question));
  conversation.messages.push_back(chat_message("assistant", answer));
  conversation.learned = {true, true};
  return conversation;
}

std::string join_contents(const Conversation& conversation) {
  std::string text;
  for (const Json& message : conversation.messages) {
    const auto content = message.find("content");
    if (content != message.end() && content->is_string()) {
      text += content->get_ref<const std::string&>() + "\n";
    }
  }
  return text;
}

Conversation read_messages(const Json& record, const std::string& column) {
  const Json& list = list_column(record, column);
  std::vector<Message> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    messages.push_back(read_message(list[i], element(column, i)));
  }
  return gather(std::move(messages));
}

Conversation read_sharegpt(const Json& record, const std::string& column) {
  const Json& list = list_column(record, column);
  std::vector<Message> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string place = element(column, i);
    messages.push_back(read_message(from_sharegpt(list[i], place), place));
  }
  return gather(std::move(messages));
}

Json read_tools(const Json& record, const std::string& column) {
  const auto found = record.find(column);
  if (found == record.end() || found->is_null()) return nullptr;
  const std::string place = "the column '" + column + "'";
  Json tools = *found;
  if (tools.is_string()) tools = parse_json(found->get_ref<const std::string&>(), place);
  if (!tools.is_array()) fail(place, "a list of tools", *found);
  for (size_t i = 0; i < tools.size(); ++i) {
    if (!tools[i].is_object())
      fail(element(column, i), "an object that describes a tool", tools[i]);
  }
  return tools;
}

}  // namespace distill
