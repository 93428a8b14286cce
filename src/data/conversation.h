// Conversations: read out of a record, rendered by a chat template, with the bytes to learn.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "distill/data/data_config.h"
#include "distill/io/json.h"
#include "distill/text/chat_template.h"

namespace distill {

/// A text and the byte ranges of it whose tokens are targets.
struct MarkedText {
  std::string text;
  std::vector<std::pair<size_t, size_t>> targets;
};

/// {"role": ..., "content": ...}
Json chat_message(const std::string& role, const std::string& content);

/// [{role, content, ...}] as a record holds it, checked. Throws DataError that names the message.
Json read_messages(const Json& record, const std::string& column);
/// [{from, value}] as [{role, content}].
Json read_sharegpt(const Json& record, const std::string& column);

/// A turn is what the template adds for it: the rendering up to its end minus the rendering of what
/// comes before, generation prompt included; or what the template's generation blocks say.
/// Throws DataError for a template under which that difference does not exist.
MarkedText render_chat(const ChatTemplate& chat, const Json& messages, const Json& context,
                       TrainOn train_on);

}  // namespace distill
