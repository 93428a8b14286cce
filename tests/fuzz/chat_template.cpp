// A chat template, a zero byte, an object of variables in JSON (`messages` is one of them).
#include "distill/text/chat_template.h"

#include "fuzz/fuzz.h"

namespace distill::fuzz {
namespace {

void check_rendering(const ChatTemplate& chat, const Json& messages, bool prompt,
                     const Json& variables) {
  const RenderedChat rendered = chat.render(messages, prompt, variables);
  require(!first_invalid_utf8(rendered.text), "a rendering is UTF-8");
  size_t at = 0;
  for (const auto& [begin, end] : rendered.generation_spans) {
    require(begin >= at && begin <= end, "generation spans follow each other");
    require(end <= rendered.text.size(), "a generation span lies inside the text");
    at = end;
  }
}

}  // namespace
}  // namespace distill::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill;
  const fuzz::TwoParts input(fuzz::bytes_of(data, size));
  std::shared_ptr<const ChatTemplate> chat;
  if (!fuzz::accepts([&] { chat = ChatTemplate::parse(std::string(input.first), "template"); })) {
    return 0;
  }
  Json variables = Json::object();
  fuzz::accepts([&] { variables = parse_json(input.second, "variables"); });
  Json messages = R"([{"role": "user", "content": "Hi"}])"_json;
  if (variables.is_object() && variables.contains("messages")) messages = variables["messages"];
  for (const bool prompt : {false, true}) {
    fuzz::accepts([&] { fuzz::check_rendering(*chat, messages, prompt, variables); });
  }
  return 0;
}
