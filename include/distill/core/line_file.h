// A file that grows by whole lines while long work goes on, so that a kill loses none that it has.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "distill/core/files.h"

namespace distill {

/// Opened, or made when absent, under a lock that dies with the process. What stands behind the
/// last newline is a write that was cut off: it is not read, and the next append takes its place.
class LineFile {
 public:
  /// Throws DataError where the file cannot be opened or another process has it.
  explicit LineFile(std::filesystem::path path);
  /// Syncs what `append` has not synced yet.
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// The whole lines, without their newlines.
  std::vector<std::string> read_lines() const;
  /// What stands behind them: a write that was cut off, or a file that is no file of lines.
  std::string read_cut_line() const;
  /// Writes the line, which has no newline, and a newline. Syncs once five seconds have passed
  /// since the last time. A line that cannot be written whole (a full disk) is taken back:
  /// DataError.
  void append(std::string_view line);
  void sync();
  /// Empties the file.
  void clear();
  /// Removes the file; nothing may follow.
  void remove();

 private:
  using Clock = std::chrono::steady_clock;

  void cut_to_whole_lines();
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  FileLock lock_;
  int descriptor_ = -1;
  int64_t size_ = 0;  // bytes of the whole lines
  Clock::time_point synced_ = Clock::now();
};

}  // namespace distill
