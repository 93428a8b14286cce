// The real executable, run as a user runs it.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace distill::integration {

namespace fs = std::filesystem;

inline const fs::path kSource = DISTILL_SOURCE_DIR;

inline std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder that is removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "distill_integration_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const std::string& name) const { return path_ / name; }

  fs::path write(const std::string& name, const std::string& content) const {
    const fs::path path = path_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  fs::path path_;
};

struct Result {
  int exit_code = 0;  // 128 + n for a process that signal n ended
  std::string out, err;
};

/// A running process; the working directory is the source tree. Standard output and error are
/// files, unless `setup`, which runs in the child, makes them something else.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const std::string& input = {},
                   const std::function<void()>& setup = {}) {
    scratch_.write("in", input);
    pid_ = ::fork();
    if (pid_ == 0) execute(arguments, setup);
  }

  void signal(int number) const { ::kill(pid_, number); }
  /// What it has written so far.
  std::string out() const { return slurp(scratch_ / "out"); }

  Result wait() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    Result result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = out();
    result.err = slurp(scratch_ / "err");
    return result;
  }

 private:
  [[noreturn]] void execute(const std::vector<std::string>& arguments,
                            const std::function<void()>& setup) const {
    ::dup2(::open((scratch_ / "in").c_str(), O_RDONLY), 0);
    ::dup2(::open((scratch_ / "out").c_str(), O_WRONLY | O_CREAT, 0644), 1);
    ::dup2(::open((scratch_ / "err").c_str(), O_WRONLY | O_CREAT, 0644), 2);
    if (setup) setup();
    if (::chdir(kSource.c_str()) != 0) _exit(126);
    std::vector<char*> argv = {const_cast<char*>(DISTILL_BINARY)};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(DISTILL_BINARY, argv.data());
    _exit(127);
  }

  Scratch scratch_;
  pid_t pid_ = -1;
};

inline Result run(const std::vector<std::string>& arguments, const std::string& input = {}) {
  return Process(arguments, input).wait();
}

}  // namespace distill::integration
