#include "text/tokenizer/vocabulary_files.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "text/tokenizer/declared_tokens.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

// "BertTokenizerFast" is "BertTokenizer" here.
std::string tokenizer_class(const fs::path& folder, const Json& config) {
  const std::string where = (folder / "tokenizer_config.json").string();
  std::string name = json_string_or(config, "tokenizer_class", "", where);
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (!name.empty()) return name;
  const fs::path model = folder / "config.json";
  const std::string type =
      json_string_or(read_object_if_there(model), "model_type", "", model.string());
  if (type == "gpt2") return "GPT2Tokenizer";
  if (type == "roberta") return "RobertaTokenizer";
  if (type == "qwen2") return "Qwen2Tokenizer";
  return "";
}

std::vector<std::string> lines_of(const fs::path& path) {
  const std::string text = read_file(path);
  require_utf8(text, path.string());
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool carriage = end > begin && text[end - 1] == '\r';
    lines.push_back(text.substr(begin, end - begin - (carriage ? 1 : 0)));
    begin = end + 1;
  }
  return lines;
}

Json byte_level(bool add_prefix_space, bool use_regex, bool trim_offsets) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"use_regex", use_regex},
          {"trim_offsets", trim_offsets}};
}

void add_gpt2_rules(Json& rules, bool prefix_space, bool adds_bos, const DeclaredTokens& declared) {
  rules["pre_tokenizer"] = byte_level(prefix_space, true, true);
  rules["post_processor"] = byte_level(true, true, false);
  if (!adds_bos) return;
  const Json bos = declared.role("bos_token");
  rules["post_processor"] = {{"type", "TemplateProcessing"},
                             {"single",
                              {{{"SpecialToken", {{"id", bos["content"]}, {"type_id", 0}}}},
                               {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
                             {"special_tokens",
                              {{bos["content"].get<std::string>(),
                                {{"id", bos["content"]}, {"ids", Json::array({bos["id"]})}}}}}};
}

void add_roberta_rules(Json& rules, bool prefix_space, const DeclaredTokens& declared) {
  const auto pair = [&](const char* role) {
    const Json token = declared.role(role);
    return Json::array({token["content"], token["id"]});
  };
  rules["pre_tokenizer"] = byte_level(prefix_space, true, true);
  rules["post_processor"] = {{"type", "RobertaProcessing"},
                             {"sep", pair("sep_token")},
                             {"cls", pair("cls_token")},
                             {"trim_offsets", true},
                             {"add_prefix_space", prefix_space}};
}

void add_qwen2_rules(Json& rules, bool prefix_space) {
  rules["normalizer"] = {{"type", "NFC"}};
  rules["pre_tokenizer"] = {{"type", "Sequence"},
                            {"pretokenizers",
                             {{{"type", "Split"},
                               {"pattern", {{"Regex", kQwen2Words}}},
                               {"behavior", "Isolated"},
                               {"invert", false}},
                              byte_level(prefix_space, false, true)}}};
  rules["post_processor"] = byte_level(true, true, false);
}

[[noreturn]] void refuse_class(const fs::path& folder, const std::string& name,
                               const std::string& files, const std::string& known) {
  throw DataError(folder.string() + ": " + files + " of " +
                  (name.empty() ? "an unknown tokenizer_class are" : name + " is") +
                  " not supported; supported are " + known +
                  "; save the tokenizer as tokenizer.json with transformers");
}

}  // namespace

TokenizerFile read_vocab_list(const fs::path& folder) {
  const fs::path path = folder / "vocab.txt";
  const std::string where = (folder / "tokenizer_config.json").string();
  const Json config = read_object_if_there(folder / "tokenizer_config.json");
  const std::string name = tokenizer_class(folder, config);
  if (!name.empty() && name != "BertTokenizer" && name != "DistilBertTokenizer" &&
      name != "ElectraTokenizer") {
    refuse_class(folder, name, "vocab.txt", "BertTokenizer, DistilBertTokenizer, ElectraTokenizer");
  }
  TokenizerFile file;
  try {
    for (const std::string& line : lines_of(path))
      file.vocabulary.add(line, file.vocabulary.size());
  } catch (const DataError& error) {
    throw DataError(path.string() + ": " + error.what());
  }
  const DeclaredTokens declared(folder, file.vocabulary,
                                {{"unk_token", "[UNK]"},
                                 {"sep_token", "[SEP]"},
                                 {"pad_token", "[PAD]"},
                                 {"cls_token", "[CLS]"},
                                 {"mask_token", "[MASK]"}});
  const bool lowers = json_bool_or(config, "do_lower_case", true, where);
  const Json cls = declared.role("cls_token"), sep = declared.role("sep_token");
  file.rules = {
      {"added_tokens", declared.rules()},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"handle_chinese_chars", json_bool_or(config, "tokenize_chinese_chars", true, where)},
        {"strip_accents", json_bool_or(config, "strip_accents", lowers, where)},
        {"lowercase", lowers}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "BertProcessing"},
        {"sep", Json::array({sep["content"], sep["id"]})},
        {"cls", Json::array({cls["content"], cls["id"]})}}},
      {"decoder", {{"type", "WordPiece"}}},
      {"model",
       {{"type", "WordPiece"},
        {"vocab", nullptr},
        {"unk_token", declared.role("unk_token")["content"]}}}};
  return file;
}

TokenizerFile read_vocab_and_merges(const fs::path& folder) {
  const fs::path path = folder / "vocab.json";
  const std::string where = (folder / "tokenizer_config.json").string();
  const Json config = read_object_if_there(folder / "tokenizer_config.json");
  const std::string name = tokenizer_class(folder, config);
  Json merges = Json::array();
  for (const std::string& line : lines_of(folder / "merges.txt")) {
    if (!line.empty()) merges.push_back(line);
  }
  // One line before the vocabulary, so that errors name the lines of vocab.json.
  TokenizerFile file =
      TokenizerFile::parse("{\"model\": {\"type\": \"BPE\", \"vocab\": " + read_file(path) +
                               ", \"merges\": " + merges.dump() + "}}",
                           path.string());
  const bool prefix_space = json_bool_or(config, "add_prefix_space", false, where);
  if (name == "GPT2Tokenizer") {
    const DeclaredTokens declared(folder, file.vocabulary,
                                  {{"unk_token", "<|endoftext|>"},
                                   {"bos_token", "<|endoftext|>"},
                                   {"eos_token", "<|endoftext|>"}});
    const bool adds_bos = json_bool_or(config, "add_bos_token", false, where);
    add_gpt2_rules(file.rules, prefix_space, adds_bos, declared);
    file.rules["added_tokens"] = declared.rules();
  } else if (name == "RobertaTokenizer") {
    const DeclaredTokens declared(folder, file.vocabulary,
                                  {{"bos_token", "<s>"},
                                   {"eos_token", "</s>"},
                                   {"sep_token", "</s>"},
                                   {"cls_token", "<s>"},
                                   {"unk_token", "<unk>"},
                                   {"pad_token", "<pad>"},
                                   {"mask_token", "<mask>"}});
    add_roberta_rules(file.rules, prefix_space, declared);
    file.rules["added_tokens"] = declared.rules();
  } else if (name == "Qwen2Tokenizer") {
    add_qwen2_rules(file.rules, prefix_space);
    file.rules["added_tokens"] =
        DeclaredTokens(folder, file.vocabulary, {{"pad_token", "<|endoftext|>"}}).rules();
  } else {
    refuse_class(folder, name, "vocab.json and merges.txt",
                 "GPT2Tokenizer, RobertaTokenizer, Qwen2Tokenizer");
  }
  file.rules["decoder"] = {{"type", "ByteLevel"}};
  return file;
}

}  // namespace distill
