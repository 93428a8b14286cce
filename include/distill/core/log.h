// Log lines to stderr and, once a run folder exists, to its log.txt. spdlog stays behind this
// header: its fmt and the one of LibTorch do not compile together.
#pragma once

#include <filesystem>
#include <string_view>

namespace distill {

void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

/// Also writes every later line to `path`, appended. Throws DataError if it cannot be opened.
void log_to_file(const std::filesystem::path& path);

/// Only warnings and errors from now on.
void log_quietly();

/// True where stderr is a terminal: colours and a moving progress line are welcome.
bool stderr_is_terminal();

/// A progress line that ends without a newline. The next log line clears it first. An empty text
/// removes it. Does nothing where stderr is not a terminal.
void show_progress_line(std::string_view text);

}  // namespace distill
