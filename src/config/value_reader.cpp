#include "config/value_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "config/suggestions.h"
#include "config/value_writer.h"

namespace distill {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// std::from_chars over the whole text, with an optional plus sign.
template <typename T>
std::errc parse(std::string_view text, T& value) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return end == text.data() + text.size() ? error : std::errc::invalid_argument;
}

class Reader {
 public:
  Reader(const Field& field, Problems& problems) : field_(field), problems_(problems) {}

  bool read(const Node& node, const std::string& path, bool& value) {
    if (is_plain(node) && (node.text == "true" || node.text == "false")) {
      value = node.text == "true";
      return true;
    }
    return wrong_type(node, path, "true or false", is_plain(node) ? truth_hint(node.text) : "");
  }

  bool read(const Node& node, const std::string& path, int64_t& value) {
    int64_t parsed = 0;
    std::errc error = std::errc::invalid_argument;
    if (is_plain(node) && !has_leading_zero(node.text)) error = parse(node.text, parsed);
    if (error == std::errc::result_out_of_range) {
      return wrong_type(node, path, "an integer of 64 bits");
    }
    if (error != std::errc()) return wrong_type(node, path, "an integer");
    if (!check_range(node, path, static_cast<double>(parsed))) return false;
    value = parsed;
    return true;
  }

  bool read(const Node& node, const std::string& path, double& value) {
    if (!is_plain(node)) return wrong_type(node, path, "a number");
    const std::string text = lower_case(node.text);
    const std::string_view unsigned_text =
        std::string_view(text).substr(text.starts_with('+') || text.starts_with('-') ? 1 : 0);
    if (unsigned_text == ".nan" || unsigned_text == ".inf") {
      return wrong_type(node, path, "a finite number");
    }
    double parsed = 0;
    std::errc error = std::errc::invalid_argument;
    const bool word = unsigned_text.starts_with('i') || unsigned_text.starts_with('n');
    if (!word) error = parse(text, parsed);
    if (error == std::errc::result_out_of_range) {
      return wrong_type(node, path, "a number that a double holds");
    }
    if (error != std::errc()) return wrong_type(node, path, "a number");
    if (!check_range(node, path, parsed)) return false;
    value = parsed;
    return true;
  }

  bool read(const Node& node, const std::string& path, std::string& value) {
    if (node.kind != Node::Kind::kScalar) return wrong_type(node, path, "a string");
    const std::vector<std::string>& choices = field_.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), node.text) == choices.end()) {
      problems_.add(node.place, path, not_one_of(choices, node));
      return false;
    }
    value = node.text;
    return true;
  }

  template <typename T>
  bool read(const Node& node, const std::string& path, std::optional<T>& value) {
    if (node.kind == Node::Kind::kNull) {
      value.reset();
      return true;
    }
    T parsed{};
    if (!read(node, path, parsed)) return false;
    value = std::move(parsed);
    return true;
  }

  template <typename T>
  bool read(const Node& node, const std::string& path, std::vector<T>& values) {
    if (node.kind != Node::Kind::kList) return wrong_type(node, path, "a list");
    std::vector<T> parsed(node.children.size());
    bool good = true;
    for (size_t i = 0; i < parsed.size(); ++i) {
      good &= read(node.children[i], join_path(path, std::to_string(i)), parsed[i]);
    }
    if (good) values = std::move(parsed);
    return good;
  }

  bool read(const Node& node, const std::string& path, StringPairs& pairs) {
    if (node.kind == Node::Kind::kNull) {
      pairs.clear();
      return true;
    }
    if (node.kind != Node::Kind::kMapping) return wrong_type(node, path, "a mapping of strings");
    StringPairs parsed;
    bool good = true;
    for (const Node& child : node.children) {
      good &= read(child, join_path(path, child.key), parsed.emplace_back(child.key, "").second);
    }
    if (good) pairs = std::move(parsed);
    return good;
  }

  bool read(const Node& node, const std::string& path, Number& value) {
    if (node.kind != Node::Kind::kScalar) {
      return wrong_type(node, path, "a number or a mapping of from, to, over and shape");
    }
    double parsed = 0;
    if (!read(node, path, parsed)) return false;
    value = parsed;
    return true;
  }

  bool read(const Node& node, const std::string& path, StepSpan& value) {
    int64_t steps = 0;
    double share = 0;
    if (is_plain(node) && !has_leading_zero(node.text) && parse(node.text, steps) == std::errc() &&
        steps >= 1) {
      value = {.steps = steps};
    } else if (is_plain(node) && parse(node.text, share) == std::errc() && 0 < share && share < 1) {
      value = {.share = share};
    } else {
      return wrong_type(node, path,
                        "a number of steps (an integer >= 1) or a share of the run (a number > 0 "
                        "and < 1)",
                        share == 1 ? "; for the whole run leave it out" : "");
    }
    return true;
  }

 private:
  static bool is_plain(const Node& node) {
    return node.kind == Node::Kind::kScalar && !node.quoted;
  }

  // 010 is 8 to YAML 1.1 and 10 to YAML 1.2.
  static bool has_leading_zero(std::string_view text) {
    const size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
    return text.size() > sign + 1 && text[sign] == '0';
  }

  static std::string truth_hint(const std::string& text) {
    const std::string lower = lower_case(text);
    for (const char* yes : {"true", "yes", "on", "y"}) {
      if (lower == yes) return "; did you mean 'true'?";
    }
    for (const char* no : {"false", "no", "off", "n"}) {
      if (lower == no) return "; did you mean 'false'?";
    }
    return "";
  }

  bool wrong_type(const Node& node, const std::string& path, const std::string& expected,
                  const std::string& hint = "") {
    if (node.kind == Node::Kind::kBroken) return false;
    const bool quotes = node.quoted && expected != "a string";
    problems_.add(
        node.place, path,
        "expected " + expected + ", found " + describe(node) + (quotes ? " in quotes" : "") + hint);
    return false;
  }

  bool check_range(const Node& node, const std::string& path, double value) {
    const bool good =
        field_.min <= value && value <= field_.max && field_.above < value && value < field_.below;
    if (!good) {
      problems_.add(node.place, path, "must be " + range_text(field_) + ", found " + node.text);
    }
    return good;
  }

  const Field& field_;
  Problems& problems_;
};

}  // namespace

void read_value(const Node& node, const std::string& path, const Field& field,
                const FieldValue& value, Problems& problems) {
  std::visit([&](auto* typed) { Reader(field, problems).read(node, path, *typed); }, value);
}

std::string not_one_of(const std::vector<std::string>& choices, const Node& found) {
  const std::string hint = suggest_name(found.text, choices);
  return "expected one of " + join_names(choices) + ", found " + describe(found) +
         (hint.empty() ? "" : "; did you mean '" + hint + "'?");
}

}  // namespace distill
