// ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace and Sequence.
#include <charconv>

#include "text/tokenizer/aligned_text.h"
#include "text/tokenizer/parts.h"
#include "text/tokenizer/pattern.h"
#include "text/tokenizer/space_pre_tokenizers.h"
#include "text/tokenizer/unicode.h"
#include "text/tokenizer/word_decoders.h"

namespace distill {
namespace {

using Tokens = std::vector<std::string>;

void check_growth(size_t bytes, size_t bytes_before) {
  const size_t limit = longest_rewrite(bytes_before);
  if (bytes > limit) refuse_growth(limit);
}

class ByteLevelDecoder final : public Decoder {
 public:
  Tokens apply(Tokens tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) {
      const size_t before = bytes.size();
      bool in_alphabet = true;
      for_each_code_point(token, [&](char32_t code_point, size_t, size_t) {
        const int byte = byte_level_byte(code_point);
        in_alphabet = in_alphabet && byte >= 0;
        bytes += static_cast<char>(byte);
      });
      if (!in_alphabet) bytes.replace(before, std::string::npos, token);
    }
    return {AlignedText::from_any_bytes(bytes).text()};
  }
};

class ReplaceDecoder final : public Decoder {
 public:
  ReplaceDecoder(const Json& rules, const std::string& where)
      : pattern_(parse_pattern(rules.value("pattern", Json()), where + ": pattern")),
        content_(json_string(rules, "content", where)) {}

  Tokens apply(Tokens tokens) const override {
    std::vector<Stretch> stretches;
    for (std::string& token : tokens) {
      stretches.clear();
      pattern_->cut(token, stretches);
      std::string out;
      for (const Stretch& stretch : stretches) {
        stretch.matched ? out.append(content_)
                        : out.append(token, stretch.begin, stretch.end - stretch.begin);
        check_growth(out.size(), token.size());
      }
      token = std::move(out);
    }
    return tokens;
  }

 private:
  std::unique_ptr<Pattern> pattern_;
  std::string content_;
};

// Runs of <0xE2> and the like become characters, or one U+FFFD a byte if they are not UTF-8.
class ByteFallback final : public Decoder {
 public:
  Tokens apply(Tokens tokens) const override {
    Tokens out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (first_invalid_utf8(bytes)) {
        out.insert(out.end(), bytes.size(), "\uFFFD");
      } else {
        out.push_back(bytes);
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const int byte = byte_of(token); byte >= 0) {
        bytes += static_cast<char>(byte);
      } else {
        flush();
        out.push_back(std::move(token));
      }
    }
    flush();
    return out;
  }

 private:
  static int byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
    int value = -1;
    const char* const end = token.data() + 5;
    const auto parsed = std::from_chars(token.data() + 3, end, value, 16);
    return parsed.ec == std::errc() && parsed.ptr == end ? value : -1;
  }
};

class Fuse final : public Decoder {
 public:
  Tokens apply(Tokens tokens) const override {
    std::string all;
    for (const std::string& token : tokens) all += token;
    return {all};
  }
};

// Takes up to `start` and `stop` characters off the ends of each token.
class StripDecoder final : public Decoder {
 public:
  StripDecoder(const Json& rules, const std::string& where)
      : content_(json_character(rules, "content", where)),
        start_(json_int_or(rules, "start", 0, where)),
        stop_(json_int_or(rules, "stop", 0, where)) {}

  Tokens apply(Tokens tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (int64_t i = 0; i < start_ && rest.starts_with(content_); ++i) {
        rest.remove_prefix(content_.size());
      }
      for (int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i) {
        rest.remove_suffix(content_.size());
      }
      token = std::string(rest);
    }
    return tokens;
  }

 private:
  std::string content_;
  int64_t start_, stop_;
};

class MetaspaceDecoder final : public Decoder {
 public:
  MetaspaceDecoder(const Json& rules, const std::string& where)
      : pattern_(literal_pattern(json_character(rules, "replacement", where))),
        drops_first_(parse_prepend_scheme(rules, where) != PrependScheme::kNever) {}

  Tokens apply(Tokens tokens) const override {
    std::vector<Stretch> stretches;
    for (std::string& token : tokens) {
      const bool drops = drops_first_ && &token == tokens.data();
      stretches.clear();
      pattern_->cut(token, stretches);
      std::string out;
      for (const Stretch& stretch : stretches) {
        stretch.matched ? out.append(drops ? "" : " ")
                        : out.append(token, stretch.begin, stretch.end - stretch.begin);
      }
      token = std::move(out);
    }
    return tokens;
  }

 private:
  std::unique_ptr<Pattern> pattern_;
  bool drops_first_;  // every space of the first token
};

class DecoderSequence final : public Decoder {
 public:
  explicit DecoderSequence(std::vector<std::unique_ptr<Decoder>> parts)
      : parts_(std::move(parts)) {}

  Tokens apply(Tokens tokens) const override {
    const size_t bytes = bytes_of(tokens);
    for (const auto& part : parts_) {
      tokens = part->apply(std::move(tokens));
      check_growth(bytes_of(tokens), bytes);
    }
    return tokens;
  }

 private:
  static size_t bytes_of(const Tokens& tokens) {
    size_t bytes = 0;
    for (const std::string& token : tokens) bytes += token.size();
    return bytes;
  }

  std::vector<std::unique_ptr<Decoder>> parts_;
};

}  // namespace

std::unique_ptr<Decoder> parse_decoder(const Json& rules, const std::string& where) {
  const std::string type = part_type(rules, where);
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "Replace") return std::make_unique<ReplaceDecoder>(rules, where);
  if (type == "ByteFallback") return std::make_unique<ByteFallback>();
  if (type == "Fuse") return std::make_unique<Fuse>();
  if (type == "Strip") return std::make_unique<StripDecoder>(rules, where);
  if (type == "Metaspace") return std::make_unique<MetaspaceDecoder>(rules, where);
  if (type == "Sequence") {
    return std::make_unique<DecoderSequence>(parse_parts(rules, "decoders", where, parse_decoder));
  }
  if (auto decoder = parse_word_decoder(type, rules, where)) return decoder;
  refuse_part(type, where,
              "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, WordPiece, BPEDecoder, "
              "Sequence");
}

}  // namespace distill
