// The documented sections as Markdown and as plain text.
#include <algorithm>

#include "config/diagnostics.h"
#include "config/documenter.h"
#include "distill/config/config_file.h"

namespace distill {
namespace {

// Text inside a Markdown table.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|' || c == '<') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

std::string heading(const DocumentedSection& section) {
  std::string text = std::string(std::min<size_t>(section.depth + 1, 6), '#') + ' ';
  if (!section.path.empty()) text += '`' + section.path + '`';
  if (!section.entry.empty()) {
    text += (section.path.empty() ? "`type: " : " with `type: ") + section.entry + '`';
  }
  return text + "\n\n";
}

std::string table(const DocumentedSection& section) {
  std::string text = "| key | type | default | description |\n|---|---|---|---|\n";
  for (const auto& row : section.rows) {
    const bool literal = !row.default_text.empty() && row.default_text != "required";
    const std::string value = literal ? '`' + row.default_text + '`' : row.default_text;
    text +=
        "| `" + row.key + "` | " + cell(row.type) + " | " + value + " | " + cell(row.help) + " |\n";
  }
  return text + '\n';
}

}  // namespace

std::string document_config(const std::function<void(Section&)>& fields) {
  std::string text;
  for (const DocumentedSection& section : document(fields)) {
    if (section.depth > 0) text += heading(section);
    if (!section.help.empty()) text += section.help + "\n\n";
    if (!section.rows.empty()) {
      text += table(section);
    } else if (!section.entry.empty()) {
      text += "No keys of its own.\n\n";
    }
  }
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string describe_fields(const std::function<void(Section&)>& fields) {
  std::string text;
  for (const DocumentedSection& section : document(fields)) {
    if (!section.entry.empty()) {
      text += join_path(section.path, "type") + " = " + section.entry + ": " + section.help + '\n';
    }
    for (const auto& row : section.rows) {
      const bool required = row.default_text == "required";
      text += join_path(section.path, row.key) + " (" + row.type +
              (row.default_text.empty() ? ""
               : required               ? "; "
                                        : "; default ") +
              row.default_text + "): " + row.help + '\n';
    }
  }
  return text;
}

}  // namespace distill
