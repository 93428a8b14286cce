#include "config/diagnostics.h"

#include <algorithm>

#include "distill/core/error.h"

namespace distill {

void Problems::raise_if_any() const {
  if (problems_.empty()) return;
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.place < b.place; });
  std::vector<std::string> lines;
  for (const Problem& problem : sorted) lines.push_back(format(problem));
  throw ConfigError(std::move(lines));
}

std::string Problems::format(const Problem& problem) const {
  const Place& place = problem.place;
  std::string text = place.argument > 0 ? "command line" : file_name_;
  if (place.argument == 0 && place.line > 0) {
    text += ':' + std::to_string(place.line) + ':' + std::to_string(place.column);
  }
  text += ": ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.what;
}

std::string join_path(std::string_view parent, std::string_view key) {
  std::string path(parent);
  if (!path.empty()) path += '.';
  return path.append(key);
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string shown = "'";
  for (const char c : text.substr(0, kLongest)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    shown += control ? ' ' : c;
  }
  if (text.size() > kLongest) {
    // Not in the middle of a UTF-8 sequence.
    while ((static_cast<unsigned char>(text[shown.size() - 1]) & 0xC0) == 0x80) shown.pop_back();
    shown += "...";
  }
  return shown + '\'';
}

std::string join_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace distill
