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

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text + "  ";
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
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
  const std::deque<DocumentedSection> sections = document(fields);
  size_t key_width = 0, type_width = 0, default_width = 0;
  for (const DocumentedSection& section : sections) {
    for (const auto& row : section.rows) {
      key_width = std::max(key_width, join_path(section.path, row.key).size());
      type_width = std::max(type_width, row.type.size());
      default_width = std::max(default_width, row.default_text.size());
    }
  }
  std::string text;
  for (const DocumentedSection& section : sections) {
    if (!section.entry.empty()) {
      text += join_path(section.path, "type") + " = " + section.entry + ": " + section.help + '\n';
    }
    for (const auto& row : section.rows) {
      text += trimmed(padded(join_path(section.path, row.key), key_width) +
                      padded(row.type, type_width) + padded(row.default_text, default_width) +
                      row.help) +
              '\n';
    }
  }
  return text;
}

}  // namespace distill
