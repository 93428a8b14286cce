#include "distill/core/line_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/write_all.h"
#include "distill/core/error.h"

namespace distill {
namespace {

constexpr std::chrono::seconds kSyncInterval{5};

}  // namespace

LineFile::LineFile(std::filesystem::path path) : path_(std::move(path)), lock_(path_, "file") {
  const std::string content = read_file(path_);
  size_ = static_cast<int64_t>(content.rfind('\n') + 1);  // 0 where there is none
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) fail("cannot be opened for writing");
}

LineFile::~LineFile() {
  ::fsync(descriptor_);
  ::close(descriptor_);
}

std::vector<std::string> LineFile::read_lines() const {
  const std::string content = read_file(path_);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < static_cast<size_t>(size_);) {
    const size_t end = content.find('\n', begin);
    lines.push_back(content.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string LineFile::read_cut_line() const {
  return read_file(path_).substr(static_cast<size_t>(size_));
}

void LineFile::append(std::string_view line) {
  cut_to_whole_lines();
  const std::string whole = std::string(line) + '\n';
  if (!write_all(descriptor_, whole.data(), whole.size())) {
    const int why = errno;
    cut_to_whole_lines();
    errno = why;
    fail("cannot be written");
  }
  size_ += static_cast<int64_t>(whole.size());
  if (Clock::now() - synced_ >= kSyncInterval) sync();
}

void LineFile::sync() {
  if (::fsync(descriptor_) != 0) fail("cannot be synced");
  synced_ = Clock::now();
}

void LineFile::clear() {
  size_ = 0;
  cut_to_whole_lines();
}

void LineFile::remove() {
  if (::unlink(path_.c_str()) != 0) fail("cannot be removed");
}

void LineFile::cut_to_whole_lines() {
  if (::ftruncate(descriptor_, size_) != 0) fail("cannot be cut to its whole lines");
}

void LineFile::fail(const char* what) const {
  throw DataError(path_.string() + ": " + what + ": " + std::strerror(errno));
}

}  // namespace distill
