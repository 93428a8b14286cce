#include "distill/core/folders.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/rename_twice.h"
#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& what,
                       const std::error_code& error) {
  throw DataError(path.string() + ": " + what + ": " + error.message());
}

std::error_code last_error() { return {errno, std::generic_category()}; }

fs::path free_name(const fs::path& path) {
  const std::string base = path.string() + ".abandoned";
  fs::path name = base;
  for (int n = 2; fs::exists(fs::symlink_status(name)); ++n) name = base + "-" + std::to_string(n);
  return name;
}

/// Both names change places in one step, where the file system can.
bool exchange(const fs::path& a, const fs::path& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

}  // namespace

void put_in_place(const fs::path& prepared, const fs::path& target) {
  std::error_code error;
  if (!fs::exists(target)) {
    fs::rename(prepared, target, error);
    if (error) fail(target, "cannot be made", error);
  } else {
    const fs::path old = exchange(prepared, target) ? prepared : rename_twice(prepared, target);
    sync_directory(target.parent_path());
    fs::remove_all(old, error);
  }
  sync_directory(target.parent_path());
}

fs::path rename_twice(const fs::path& prepared, const fs::path& target) {
  const fs::path old = target.string() + ".removed";
  std::error_code error;
  fs::remove_all(old, error);
  if (!error) fs::rename(target, old, error);
  if (error) fail(target, "cannot be replaced", error);
  fs::rename(prepared, target, error);
  if (error) {
    std::error_code ignored;
    fs::rename(old, target, ignored);
    fail(target, "cannot be replaced", error);
  }
  return old;
}

fs::path set_aside(const fs::path& path) {
  const fs::path name = free_name(path);
  std::error_code error;
  fs::rename(path, name, error);
  if (error) fail(path, "cannot be set aside", error);
  sync_directory(path.parent_path());
  return name;
}

fs::path set_aside_copy(const fs::path& path) {
  const fs::path name = free_name(path);
  write_file(name, read_file(path));
  return name;
}

std::string why_not_removable(const fs::path& folder) {
  const auto check = [](const fs::path& path) -> std::string {
    if (::access(path.c_str(), W_OK | X_OK) == 0) return "";
    return path.string() + ": " + last_error().message();
  };
  std::string why = check(folder);
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       why.empty() && !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    if (entry->is_directory()) why = check(entry->path());
  }
  if (error) return folder.string() + ": " + error.message();
  return why;
}

}  // namespace distill
