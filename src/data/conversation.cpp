#include "data/conversation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "data/text_template.h"
#include "distill/core/error.h"

namespace distill {
namespace {

const Json& list_column(const Json& record, const std::string& column) {
  const Json& list = column_of(record, column);
  if (!list.is_array()) {
    throw DataError("the column '" + column + "': expected a list of messages, found " +
                    shorten(list));
  }
  if (list.empty()) throw DataError("the column '" + column + "': the conversation is empty");
  return list;
}

/// A text member of a message.
const std::string& text_member(const Json& message, const char* key, const std::string& place) {
  const auto found = message.is_object() ? message.find(key) : message.end();
  if (!message.is_object() || found == message.end()) {
    throw DataError(place + ": expected an object with '" + key + "', found " + shorten(message));
  }
  if (!found->is_string()) {
    throw DataError(place + "." + key + ": expected a string, found " + shorten(*found));
  }
  return found->get_ref<const std::string&>();
}

std::string place_of(const std::string& column, size_t i) {
  return column + "[" + std::to_string(i) + "]";
}

Json first_messages(const Json& messages, size_t count) {
  return Json::array_t(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

Json chat_message(const std::string& role, const std::string& content) {
  Json message = Json::object();
  message["role"] = role;
  message["content"] = content;
  return message;
}

Json read_messages(const Json& record, const std::string& column) {
  constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant",
                                                      "tool"};
  const Json& messages = list_column(record, column);
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string place = place_of(column, i);
    const std::string& role = text_member(messages[i], "role", place);
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
      throw DataError(place + ".role: expected system, developer, user, assistant or tool, found " +
                      shorten(role));
    }
    const bool may_be_silent = role == "assistant" && messages[i].contains("tool_calls");
    if (!may_be_silent) text_member(messages[i], "content", place);
  }
  return messages;
}

Json read_sharegpt(const Json& record, const std::string& column) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> kSpeakers = {
      {{"human", "user"},
       {"user", "user"},
       {"gpt", "assistant"},
       {"assistant", "assistant"},
       {"system", "system"}}};
  const Json& list = list_column(record, column);
  Json messages = Json::array();
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string place = place_of(column, i);
    const std::string& from = text_member(list[i], "from", place);
    const auto speaker = std::find_if(kSpeakers.begin(), kSpeakers.end(),
                                      [&from](const auto& known) { return known.first == from; });
    if (speaker == kSpeakers.end()) {
      throw DataError(place + ".from: expected human, gpt or system, found " + shorten(from));
    }
    messages.push_back(chat_message(speaker->second, text_member(list[i], "value", place)));
  }
  return messages;
}

MarkedText render_chat(const ChatTemplate& chat, const Json& messages, const Json& context,
                       TrainOn train_on) {
  RenderedChat full = chat.render(messages, false, context);
  MarkedText marked;
  if (train_on == TrainOn::kAll) {
    marked.targets = {{0, full.text.size()}};
  } else if (full.has_generation_blocks) {
    marked.targets = std::move(full.generation_spans);
  } else {
    for (size_t i = 0; i < messages.size(); ++i) {
      if (messages[i]["role"] != "assistant") continue;
      if (train_on != TrainOn::kAssistant) marked.targets.clear();
      marked.targets.emplace_back(i, i + 1);  // messages, for now
    }
    for (auto& [begin, end] : marked.targets) {
      const std::string before = chat.render(first_messages(messages, begin), true, context).text;
      const std::string upto =
          end == messages.size() ? full.text
                                 : chat.render(first_messages(messages, end), false, context).text;
      if (!upto.starts_with(before) || !full.text.starts_with(upto)) {
        throw DataError("the chat template renders message " + std::to_string(begin) +
                        " differently in the whole conversation than at its end, so its tokens "
                        "cannot be told apart; give a template with generation blocks "
                        "(data.chat_template), or use train_on: last_assistant or all");
      }
      begin = before.size();
      end = upto.size();
    }
  }
  if (train_on != TrainOn::kAssistant && marked.targets.size() > 1) {
    marked.targets.erase(marked.targets.begin(), marked.targets.end() - 1);
  }
  marked.text = std::move(full.text);
  return marked;
}

}  // namespace distill
