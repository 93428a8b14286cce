// Problems of a configuration: collected with their places, sorted, reported in one ConfigError.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

/// Where something was written.
struct Place {
  size_t argument = 0;  ///< 0: the file; n: the n-th override of the command line
  int line = 0;         ///< from 1; 0 where none is known
  int column = 0;       ///< from 1, in bytes
  auto operator<=>(const Place&) const = default;
};

struct Problem {
  Place place;
  std::string path;  ///< "objective.1.temperature"; empty for the file as a whole
  std::string what;
};

class Problems {
 public:
  explicit Problems(std::string file_name) : file_name_(std::move(file_name)) {}

  void add(const Place& place, std::string path, std::string what) {
    problems_.push_back({place, std::move(path), std::move(what)});
  }
  /// Throws ConfigError with all of them, in the order of the file and then of the command line.
  void raise_if_any() const;

 private:
  std::string format(const Problem& problem) const;

  std::string file_name_;
  std::vector<Problem> problems_;
};

/// "parent.key", or "key" at the root.
std::string join_path(std::string_view parent, std::string_view key);

/// Text of the user's in single quotes, cut to a length that fits a message, without control
/// characters.
std::string in_quotes(std::string_view text);

/// "a, b, c".
std::string join_names(const std::vector<std::string>& names);

}  // namespace distill
