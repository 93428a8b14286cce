#include "distill/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <string>

#include "distill/core/error.h"

namespace distill {
namespace {

std::mutex progress_mutex;
bool progress_shown = false;

void clear_progress_line() {
  if (!progress_shown) return;
  std::fputs("\r\033[K", stderr);
  progress_shown = false;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto created = std::make_shared<spdlog::logger>(
        "distill", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_pattern("%H:%M:%S %^%l%$ %v");
    created->flush_on(spdlog::level::info);
    return created;
  }();
  return *instance;
}

void write(spdlog::level::level_enum level, std::string_view message) {
  const std::scoped_lock lock(progress_mutex);
  clear_progress_line();
  logger().log(level, "{}", message);
}

}  // namespace

void log_debug(std::string_view message) { write(spdlog::level::debug, message); }
void log_info(std::string_view message) { write(spdlog::level::info, message); }
void log_warning(std::string_view message) { write(spdlog::level::warn, message); }
void log_error(std::string_view message) { write(spdlog::level::err, message); }

void log_to_file(const std::filesystem::path& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    sink->set_pattern("%Y-%m-%dT%H:%M:%S %l %v");
    logger().sinks().push_back(std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    throw DataError(path.string() + ": the log file cannot be opened: " + error.what());
  }
}

void log_quietly() { logger().set_level(spdlog::level::warn); }

bool stderr_is_terminal() {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  return terminal;
}

void show_progress_line(std::string_view text) {
  if (!stderr_is_terminal()) return;
  const std::scoped_lock lock(progress_mutex);
  clear_progress_line();
  if (text.empty()) {
    std::fflush(stderr);
    return;
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  progress_shown = true;
}

}  // namespace distill
