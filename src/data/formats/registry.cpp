#include "data/formats/alpaca.h"
#include "data/formats/messages.h"
#include "data/formats/prompt_completion.h"
#include "data/formats/sharegpt.h"
#include "data/formats/text.h"
#include "data/formats/tokens.h"

namespace distill {

const Registry<RecordFormat>& record_formats() {
  static const auto registry = [] {
    Registry<RecordFormat> all;
    all.add<TextFormat>("text", "{text}, learned whole.");
    all.add<PromptCompletionFormat>("prompt_completion",
                                    "{prompt, completion}, a question and its answer.");
    all.add<MessagesFormat>("messages", "{messages: [{role, content}], tools}, a conversation.");
    all.add<ShareGptFormat>(
        "sharegpt",
        "{conversations: [{from, value}], tools}, a conversation in the words of ShareGPT.");
    all.add<AlpacaFormat>("alpaca", "{instruction, input, output}, a task of Stanford Alpaca.");
    all.add<TokensFormat>("tokens",
                          "{tokens, loss_mask}, token ids and which of them are learned.");
    return all;
  }();
  return registry;
}

}  // namespace distill
