// A conversation as its chat template writes it, with the bytes to learn.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "data/messages.h"
#include "distill/data/data_config.h"
#include "distill/text/chat_template.h"

namespace distill {

/// A text and the byte ranges of it whose tokens are targets.
struct MarkedText {
  std::string text;
  std::vector<std::pair<size_t, size_t>> targets;
};

/// `context`: variables of the template; the conversation's tools are added. Arguments of tool
/// calls are given as objects; where the template fails on them, as the text that the record has.
///
/// An assistant turn is what the template's generation blocks say, or without such blocks what the
/// template adds for it: the rendering up to its end minus the rendering of what comes before, the
/// generation prompt included. Throws DataError for a conversation without a turn to learn and for
/// a template under which that difference does not exist.
MarkedText render_chat(const ChatTemplate& chat, const Conversation& conversation,
                       const Json& context, TrainOn train_on);

}  // namespace distill
