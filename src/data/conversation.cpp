#include "data/conversation.h"

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr const char* kMarkedTemplate =
    "give a template with generation blocks (data.chat_template)";

/// The whole conversation under its template, and the renderings of its beginnings.
class ChatMarker {
 public:
  ChatMarker(const ChatTemplate& chat, const Conversation& conversation, const Json& context)
      : chat_(chat),
        messages_(&conversation.messages),
        learned_(conversation.learned),
        context_(context) {
    if (!conversation.tools.is_null()) context_["tools"] = conversation.tools;
    try {
      full_ = chat_.render(*messages_, false, context_);
    } catch (const DataError&) {
      if (!conversation.with_text_arguments) throw;
      messages_ = &*conversation.with_text_arguments;
      full_ = chat_.render(*messages_, false, context_);
    }
  }

  MarkedText mark(TrainOn train_on) && {
    MarkedText marked;
    if (train_on == TrainOn::kAll) {
      refuse_exceptions();
      marked.targets = {{0, full_.text.size()}};
    } else {
      const bool last = train_on != TrainOn::kAssistant;
      marked.targets = full_.has_generation_blocks ? block_ranges(turns(last), last)
                                                   : prefix_ranges(turns(last), last);
    }
    marked.text = std::move(full_.text);
    return marked;
  }

 private:
  using Ranges = std::vector<std::pair<size_t, size_t>>;

  size_t size() const { return messages_->size(); }
  bool is_assistant(size_t i) const { return (*messages_)[i]["role"] == "assistant"; }

  void refuse_exceptions() const {
    for (const size_t i : assistant_turns()) {
      if (learned_[i]) continue;
      throw DataError("message " + std::to_string(i) +
                      " is not to be learned (train, weight), but train_on: all learns the whole "
                      "text; use train_on: assistant");
    }
  }

  std::vector<size_t> assistant_turns() const {
    std::vector<size_t> turns;
    for (size_t i = 0; i < size(); ++i) {
      if (is_assistant(i)) turns.push_back(i);
    }
    return turns;
  }

  /// The assistant turns to learn.
  std::vector<size_t> turns(bool last) const {
    std::vector<size_t> all = assistant_turns();
    if (all.empty()) {
      throw DataError("expected an assistant turn to learn, found none in " +
                      std::to_string(size()) + (size() == 1 ? " message" : " messages"));
    }
    if (last) all.erase(all.begin(), all.end() - 1);
    std::erase_if(all, [this](size_t i) { return !learned_[i]; });
    if (all.empty()) {
      throw DataError(
          std::string("expected an assistant turn to learn, but train or weight takes ") +
          (last ? "the last one" : "every one") + " out");
    }
    return all;
  }

  RenderedChat render_first(size_t count, bool add_generation_prompt) const {
    const auto end = messages_->begin() + static_cast<std::ptrdiff_t>(count);
    const Json first = Json::array_t(messages_->begin(), end);
    try {
      return chat_.render(first, add_generation_prompt, context_);
    } catch (const DataError& error) {
      throw DataError("the chat template renders the whole conversation, but not its first " +
                      std::to_string(count) + (count == 1 ? " message" : " messages") +
                      ", which tells the assistant's turn from what comes before (" + error.what() +
                      "); " + kMarkedTemplate);
    }
  }

  /// Generation blocks of the first `count` messages. With the generation prompt, so that a block
  /// which only closes a conversation is not among them.
  size_t count_blocks(size_t count) const {
    if (count == size()) return full_.generation_spans.size();
    for (size_t i = 0; i < count; ++i) {
      if (is_assistant(i)) return render_first(count, true).generation_spans.size();
    }
    return 0;
  }

  Ranges block_ranges(const std::vector<size_t>& turns, bool last) const {
    const Ranges& spans = full_.generation_spans;
    Ranges ranges;
    if (turns == assistant_turns()) {
      ranges = spans;
    } else {
      for (const size_t i : turns) {
        const size_t begin = count_blocks(i);
        const size_t end = count_blocks(i + 1);
        if (begin > end || end > spans.size()) refuse(i, last);
        for (size_t k = begin; k < end; ++k) ranges.push_back(spans[k]);
      }
    }
    if (ranges.empty()) {
      throw DataError("the chat template's generation blocks mark nothing of the turns to learn");
    }
    return ranges;
  }

  Ranges prefix_ranges(const std::vector<size_t>& turns, bool last) const {
    Ranges ranges;
    for (const size_t i : turns) {
      const std::string before = render_first(i, true).text;
      const std::string upto = i + 1 == size() ? full_.text : render_first(i + 1, false).text;
      if (!full_.text.starts_with(before) && full_.text.starts_with(render_first(i, false).text)) {
        refuse_generation_prompt(i);
      }
      if (!upto.starts_with(before) || !full_.text.starts_with(upto)) refuse(i, last);
      ranges.emplace_back(before.size(), upto.size());
    }
    return ranges;
  }

  [[noreturn]] static void refuse_generation_prompt(size_t i) {
    throw DataError("the chat template's generation prompt is not how it begins message " +
                    std::to_string(i) +
                    " (as with one that opens a thought which the answer then lacks), so the "
                    "assistant's tokens cannot be told apart; " +
                    kMarkedTemplate);
  }

  [[noreturn]] static void refuse(size_t i, bool last) {
    throw DataError("the chat template renders message " + std::to_string(i) +
                    " or what comes before it differently in the whole conversation than at the "
                    "end (as those do that drop earlier thoughts or close a conversation), so the "
                    "assistant's tokens "
                    "cannot be told apart; " +
                    kMarkedTemplate +
                    (last ? ", or end the conversation with that message"
                          : ", or use train_on: last_assistant"));
  }

  const ChatTemplate& chat_;
  const Json* messages_;
  const std::vector<bool>& learned_;
  Json context_;
  RenderedChat full_;
};

}  // namespace

MarkedText render_chat(const ChatTemplate& chat, const Conversation& conversation,
                       const Json& context, TrainOn train_on) {
  return ChatMarker(chat, conversation, context).mark(train_on);
}

}  // namespace distill
