// The four kinds of error. They are thrown anywhere and caught once, in main.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace distill {

/// Base of everything the program reports to its user. The message says what was found, what was
/// expected and where.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line or the configuration is wrong: exit code 2. All problems are listed.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& problem) : ConfigError(std::vector{problem}) {}
  explicit ConfigError(std::vector<std::string> problems);

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

/// A model, data or any other input file is wrong: exit code 1.
class DataError : public Error {
 public:
  using Error::Error;
};

/// A checkpoint is wrong, belongs to another run, or cannot be written: exit code 1.
class CheckpointError : public Error {
 public:
  using Error::Error;
};

/// Training cannot go on, such as after a loss that is not finite: exit code 1.
class TrainingError : public Error {
 public:
  using Error::Error;
};

/// A signal ended the work after everything was saved: exit code 128 + signal.
class Interrupted : public Error {
 public:
  explicit Interrupted(int signal);
  int signal() const { return signal_; }

 private:
  int signal_;
};

}  // namespace distill
