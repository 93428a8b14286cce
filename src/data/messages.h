// Conversations as records hold them, brought to the one form that chat templates read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "distill/io/json.h"

namespace distill {

struct Conversation {
  /// [{role, content, ...}] without members that are null, `train` and `weight`. Arguments of tool
  /// calls are objects.
  Json messages = Json::array();
  /// The same, with the arguments of tool calls as JSON text where the record has them so.
  std::optional<Json> with_text_arguments = {};
  /// [messages] false where the record says `train: false` or `weight: 0`.
  std::vector<bool> learned = {};
  Json tools = nullptr;  // a list, or null
};

/// {"role": ..., "content": ...}
Json chat_message(const std::string& role, const std::string& content);

/// A question and its answer.
Conversation make_exchange(const std::string& question, const std::string& answer);

/// What the messages say, a line each.
std::string join_contents(const Conversation& conversation);

/// The messages of a column: [{role, content, tool_calls, ...}]. Throws DataError that names the
/// message and says what was expected.
Conversation read_messages(const Json& record, const std::string& column);

/// The same from [{from, value}]: human, gpt, system, function_call (the JSON of one call or a list
/// of them), observation.
Conversation read_sharegpt(const Json& record, const std::string& column);

/// A column of tools: a list of objects, or its JSON text; null where there is none.
Json read_tools(const Json& record, const std::string& column);

}  // namespace distill
