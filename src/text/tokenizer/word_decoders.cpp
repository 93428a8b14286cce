#include "text/tokenizer/word_decoders.h"

#include <utility>

namespace distill {
namespace {

using Tokens = std::vector<std::string>;

void replace_all(std::string& text, std::string_view old, std::string_view with) {
  for (size_t at = text.find(old); !old.empty() && at != std::string::npos;) {
    text.replace(at, old.size(), with);
    at = text.find(old, at + with.size());
  }
}

// Takes back the spaces that cutting at punctuation put in; in this order.
void clean_up(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [old, with] : kRules) replace_all(text, old, with);
}

class WordPieceDecoder final : public Decoder {
 public:
  WordPieceDecoder(const Json& rules, const std::string& where)
      : prefix_(json_string_or(rules, "prefix", "##", where)),
        cleans_up_(json_bool_or(rules, "cleanup", true, where)) {}

  Tokens apply(Tokens tokens) const override {
    for (std::string& token : tokens) {
      if (&token != tokens.data()) {
        const bool goes_on = token.starts_with(prefix_);
        token = goes_on ? token.substr(prefix_.size()) : std::string(1, ' ').append(token);
      }
      if (cleans_up_) clean_up(token);
    }
    return tokens;
  }

 private:
  std::string prefix_;
  bool cleans_up_;
};

// Tokens that end a word bear a suffix.
class BpeDecoder final : public Decoder {
 public:
  BpeDecoder(const Json& rules, const std::string& where)
      : suffix_(json_string_or(rules, "suffix", "</w>", where)) {}

  Tokens apply(Tokens tokens) const override {
    for (std::string& token : tokens) {
      replace_all(token, suffix_, &token == &tokens.back() ? "" : " ");
    }
    return tokens;
  }

 private:
  std::string suffix_;
};

}  // namespace

std::unique_ptr<Decoder> parse_word_decoder(const std::string& type, const Json& rules,
                                            const std::string& where) {
  if (type == "WordPiece") return std::make_unique<WordPieceDecoder>(rules, where);
  if (type == "BPEDecoder") return std::make_unique<BpeDecoder>(rules, where);
  return nullptr;
}

}  // namespace distill
