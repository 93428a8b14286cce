// The `data:` section of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distill/config/section.h"
#include "distill/data/records.h"

namespace distill {

enum class TrainOn { kAssistant, kLastAssistant, kCompletion, kAll };
enum class TooLong { kDrop, kTruncate, kSplit };
enum class OnBadRecord { kError, kSkip };
enum class OnContamination { kReport, kDrop, kError };

/// One file of records, several that a pattern names, or a part of a dataset.
struct SourceConfig {
  std::string path;
  std::optional<std::string> subset;
  std::optional<std::string> split;
  FileType file_type = FileType::kAuto;
  SampleBy sample_by = SampleBy::kLine;
  std::string format = "prompt_completion";                  // of record_formats
  std::vector<std::pair<std::string, std::string>> columns;  // field -> column
  std::optional<std::string> prompt_template;      // "{column}" placeholders, "{{" is a brace
  std::optional<std::string> completion_template;  // the same
  std::optional<std::string> eos_token;            // ends a plain text; the tokenizer's own
  double weight = 1.0;
  std::optional<int64_t> num_samples;  // an epoch, in place of weight
  std::optional<int64_t> limit;

  void fields(Section& section);
  /// The column that holds a field.
  std::string column(const std::string& field) const;
  /// What is written for a field in place of its column, where there is such a template.
  std::optional<std::string> text_template(const std::string& field) const;
};

/// The search for evaluation texts among the training records.
struct ContaminationConfig {
  std::vector<SourceConfig> against;  // beside what is held out
  int64_t ngram = 13;
  OnContamination action = OnContamination::kReport;

  void fields(Section& section);
};

struct DataConfig {
  std::vector<SourceConfig> train;
  std::vector<SourceConfig> eval;
  double test_size = 0.0;
  std::optional<int64_t> eval_limit;
  std::optional<int64_t> eval_max_length;
  int64_t max_length = 1024;
  bool packing = false;
  TrainOn train_on = TrainOn::kAssistant;
  TooLong too_long = TooLong::kDrop;
  bool shuffle = true;
  bool interleave = false;
  bool deduplicate = false;
  std::optional<ContaminationConfig> contamination;
  bool token_cache = true;
  std::string chat_template = "auto";
  OnBadRecord on_bad_record = OnBadRecord::kError;
  int64_t window = 1024;
  int64_t prefetch = 4;

  void fields(Section& section);
};

}  // namespace distill
