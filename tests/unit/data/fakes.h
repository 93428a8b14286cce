// A tokenizer and a chat template that a test can follow by hand, and files of records.
#pragma once

#include <cctype>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "distill/data/dataset.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"
#include "unit/io/scratch.h"

namespace distill {

inline constexpr int64_t kEos = 256;
inline constexpr int64_t kBos = 257;
inline constexpr int64_t kSpaceJoined = 300;  // kSpaceJoined + c: the two bytes " c"

/// A token a byte; a space joins the letter after it into one token, as real vocabularies do.
class FakeTokenizer : public Tokenizer {
 public:
  explicit FakeTokenizer(bool bos = false, bool has_eos = true) : bos_(bos) {
    special_.bos = "<s>";
    special_.bos_id = kBos;
    if (has_eos) special_.eos_id = kEos;
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    Encoding encoding;
    const auto add = [&encoding](int64_t id, size_t begin, size_t end) {
      encoding.ids.push_back(id);
      encoding.offsets.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end)});
    };
    if (bos_ && options.add_special_tokens) add(kBos, 0, 0);
    for (size_t i = 0; i < text.size(); ++i) {
      const bool joined = text[i] == ' ' && i + 1 < text.size() && std::isalpha(text[i + 1]);
      if (joined) {
        add(kSpaceJoined + text[i + 1], i, i + 2);
        ++i;
      } else {
        add(static_cast<unsigned char>(text[i]), i, i + 1);
      }
    }
    return encoding;
  }

  std::string decode(const std::vector<int64_t>& ids, bool skip_special_tokens) const override {
    std::string text;
    for (const int64_t id : ids) {
      if (id >= kSpaceJoined) {
        text += {' ', static_cast<char>(id - kSpaceJoined)};
      } else if (id < 256) {
        text += static_cast<char>(id);
      } else if (!skip_special_tokens) {
        text += id == kEos ? "</s>" : "<s>";
      }
    }
    return text;
  }

  std::optional<int64_t> token_to_id(std::string_view token) const override {
    if (token == "</s>") return kEos;
    if (token == "<s>") return kBos;
    return std::nullopt;
  }
  std::string id_to_token(int64_t) const override { return ""; }
  int64_t vocab_size() const override { return 512; }
  bool is_special(int64_t id) const override { return id == kEos || id == kBos; }
  bool adds_bos() const override { return bos_; }

 private:
  bool bos_;
};

/// "[user]question[.]\n[assistant]answer[.]\n", generation prompt "[assistant]".
class FakeChat : public ChatTemplate {
 public:
  enum class Kind { kPlain, kGenerationBlocks, kForgetsOldAnswers, kRefuses };
  explicit FakeChat(Kind kind = Kind::kPlain) : kind_(kind) {}

  RenderedChat render(const Json& messages, bool add_generation_prompt,
                      const Json& context) const override {
    if (kind_ == Kind::kRefuses) throw DataError("template: roles must alternate");
    RenderedChat chat;
    chat.has_generation_blocks = kind_ == Kind::kGenerationBlocks;
    if (context.contains("tools")) chat.text += "[tools]" + context["tools"].dump() + "\n";
    for (size_t i = 0; i < messages.size(); ++i) {
      const std::string role = messages[i]["role"];
      std::string content = messages[i]["content"];
      if (kind_ == Kind::kForgetsOldAnswers && role == "assistant" && i + 1 < messages.size()) {
        content = "...";
      }
      chat.text += "[" + role + "]";
      const size_t begin = chat.text.size();
      chat.text += content + "[.]";
      if (kind_ == Kind::kGenerationBlocks && role == "assistant") {
        chat.generation_spans.emplace_back(begin, chat.text.size());
      }
      chat.text += "\n";
    }
    if (add_generation_prompt) chat.text += "[assistant]";
    return chat;
  }
  std::string source() const override { return std::to_string(static_cast<int>(kind_)); }

 private:
  Kind kind_;
};

/// The text of the tokens that are targets, with EOS as "</s>"; gaps as "|".
inline std::string learned(const Document& document) {
  std::string text;
  for (size_t i = 0; i < document.tokens.size(); ++i) {
    if (document.is_target[i]) {
      text += FakeTokenizer().decode({document.tokens[i]}, false);
    } else if (!text.empty() && text.back() != '|') {
      text += '|';
    }
  }
  return text;
}

inline std::string whole(const Document& document) {
  return FakeTokenizer().decode(document.tokens, false);
}

/// Lines {"text": "aaa..."}, one a length; each document has one more token, EOS.
inline std::string lines_of_lengths(const std::vector<int>& lengths) {
  std::string text;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const char letter = static_cast<char>('a' + i % 26);
    text += "{\"text\": \"" + std::string(static_cast<size_t>(lengths[i]), letter) + "\"}\n";
  }
  return text;
}

inline SourceConfig text_source(const std::filesystem::path& path) {
  SourceConfig source;
  source.path = path.string();
  source.format = "text";
  return source;
}

inline DataSplits load(const DataConfig& config) {
  return load_data(config, std::make_shared<FakeTokenizer>(), nullptr);
}

}  // namespace distill
