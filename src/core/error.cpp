#include "distill/core/error.h"

#include "distill/core/signals.h"

namespace distill {
namespace {

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> problems)
    : Error(join_lines(problems)), problems_(std::move(problems)) {}

Interrupted::Interrupted(int signal)
    : Error(std::string("stopped by ") + describe_stop_signal(signal)), signal_(signal) {}

}  // namespace distill
