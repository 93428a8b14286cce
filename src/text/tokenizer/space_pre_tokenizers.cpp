#include "text/tokenizer/space_pre_tokenizers.h"

#include <algorithm>

#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

constexpr const char* kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

class ByteLevelPreTokenizer final : public PreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, bool use_regex, const std::string& where)
      : add_prefix_space_(add_prefix_space),
        words_(use_regex ? regex_pattern(kGpt2Expression, where) : nullptr) {}

  void apply(PreTokens& tokens) const override {
    tokens.expand_byte_level();
    const auto lacks_space = [&](Piece piece) { return tokens.view(piece)[0] != ' '; };
    const std::vector<Piece>& pieces = tokens.pieces();
    if (add_prefix_space_ && std::any_of(pieces.begin(), pieces.end(), lacks_space)) {
      tokens.rewrite([&](Piece piece, AlignedTextBuilder& out) {
        if (lacks_space(piece)) {
          out.add(" ", tokens.text().source(piece.begin, piece.begin + 1));
        }
        out.copy(piece.begin, piece.end);
      });
    }
    if (words_) tokens.split(*words_, SplitBehavior::kIsolated, false);
    tokens.set_byte_level();
  }

 private:
  bool add_prefix_space_;
  std::unique_ptr<Pattern> words_;
};

class MetaspacePreTokenizer final : public PreTokenizer {
 public:
  MetaspacePreTokenizer(const std::string& replacement, PrependScheme scheme, bool split)
      : replacement_(replacement),
        scheme_(scheme),
        split_(split),
        pattern_(literal_pattern(replacement)) {}

  void apply(PreTokens& tokens) const override {
    tokens.expand_byte_level();
    tokens.rewrite([&](Piece piece, AlignedTextBuilder& out) { write(tokens, piece, out); });
    if (split_) tokens.split(*pattern_, SplitBehavior::kMergedWithNext, false);
  }

 private:
  void write(const PreTokens& tokens, Piece piece, AlignedTextBuilder& out) const {
    const std::string_view view = tokens.view(piece);
    const size_t first_end = piece.begin + utf8_length(view[0]);
    const ByteSpan first = tokens.text().source(piece.begin, first_end);
    const bool has_space = view[0] == ' ' || view.starts_with(replacement_);
    const bool wanted =
        scheme_ == PrependScheme::kAlways || (scheme_ == PrependScheme::kFirst && first.begin == 0);
    if (wanted && !has_space) out.add(replacement_, first);
    for_each_code_point(view, [&](char32_t code_point, size_t begin, size_t end) {
      const ByteSpan span = tokens.text().source(piece.begin + begin, piece.begin + end);
      out.add(code_point == ' ' ? replacement_ : view.substr(begin, end - begin), span);
    });
  }

  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace

PrependScheme parse_prepend_scheme(const Json& rules, const std::string& where) {
  const std::string name = json_string_or(rules, "prepend_scheme", "always", where);
  const bool add = json_bool_or(rules, "add_prefix_space", true, where);
  if (!add && name != "never" && rules.contains("prepend_scheme")) {
    throw DataError(where + ": add_prefix_space: false contradicts prepend_scheme: " + name);
  }
  if (!add || name == "never") return PrependScheme::kNever;
  if (name == "always") return PrependScheme::kAlways;
  if (name == "first") return PrependScheme::kFirst;
  throw DataError(where + ": prepend_scheme: found \"" + name +
                  "\", expected always, first or never");
}

std::unique_ptr<PreTokenizer> parse_byte_level_pre_tokenizer(const Json& rules,
                                                             const std::string& where) {
  return std::make_unique<ByteLevelPreTokenizer>(
      json_bool_or(rules, "add_prefix_space", true, where),
      json_bool_or(rules, "use_regex", true, where), where);
}

std::unique_ptr<PreTokenizer> parse_metaspace_pre_tokenizer(const Json& rules,
                                                            const std::string& where) {
  return std::make_unique<MetaspacePreTokenizer>(json_character(rules, "replacement", where),
                                                 parse_prepend_scheme(rules, where),
                                                 json_bool_or(rules, "split", true, where));
}

}  // namespace distill
