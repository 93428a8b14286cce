// The tokens of generation blocks against what transformers counts as the assistant's.
#include <gtest/gtest.h>

#include <fstream>

#include "distill/data/formatter.h"

namespace distill {
namespace {

TEST(AssistantMask, IsThatOfTransformers) {
  const auto tokenizer = load_tokenizer(DISTILL_SOURCE_DIR "/tests/data/tokenizers/byte_level");
  std::ifstream file(DISTILL_SOURCE_DIR
                     "/tests/data/fixtures/chat_templates/assistant_masks.jsonl");
  SourceConfig source;
  source.format = "messages";
  int checked = 0;
  for (std::string line; std::getline(file, line); ++checked) {
    SCOPED_TRACE(line);
    const Json item = parse_json(line, "assistant_masks.jsonl");
    const auto chat = ChatTemplate::parse(item["template"].get<std::string>(), "T");
    const Formatter formatter(source, TrainOn::kAssistant, tokenizer, chat);
    std::string mask;
    for (const bool is_target : formatter.format(item).is_target) mask += is_target ? '1' : '0';
    EXPECT_EQ(mask, item["mask"].get<std::string>());
  }
  EXPECT_EQ(checked, 15);
}

}  // namespace
}  // namespace distill
