// The held-out batches and the teacher that `eval` and `compare` measure with.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "distill/flow/batch.h"
#include "distill/train/run_config.h"

namespace distill::app {

/// Data on the command line, for commands without a configuration file.
struct DataOptions {
  std::string path;
  std::string format = "text";
  std::vector<std::string> columns;  ///< field=column
  int64_t max_length = 1024;

  void add_to(CLI::App& command);
};

/// Throws DataError where both folders have a tokenizer and not the same one.
void require_same_tokenizer(const std::filesystem::path& student,
                            const std::filesystem::path& teacher);

/// A configuration's held-out split; its training data where it holds nothing out is an error.
std::vector<Batch> held_out_batches(const RunConfig& config, const std::string& tokenizer_folder);

/// Where the student and the teacher of a configuration run, and in which dtype. What the command
/// line says wins; a teacher whose keys say nothing follows the student.
DeviceOptions student_device(const RunConfig& config, const DeviceOptions& command_line);
DeviceOptions teacher_device(const RunConfig& config, const DeviceOptions& command_line);

/// All documents of the file.
std::vector<Batch> file_batches(const DataOptions& data, const std::string& tokenizer_folder);

}  // namespace distill::app
