#include "distill/data/data_config.h"

namespace distill {

namespace {

/// What is evaluated on is read once.
void check_once(Section& section, const char* key, const SourceConfig& source) {
  if (!source.num_samples && source.weight == 1.0) return;
  section.problem(key,
                  "weight and num_samples are for sources to train on; limit takes the first "
                  "records of this one");
}

}  // namespace

void ContaminationConfig::fields(Section& section) {
  section.list("against", against,
               {.help = "Sources of evaluation texts, such as a benchmark's test set, beside what "
                        "the run holds out itself."});
  section.field("ngram", ngram,
                {.help = "Words in a row that two texts must share; shorter evaluation texts "
                         "count where a record is the same words.",
                 .min = 1,
                 .max = 1000});
  section.field("action", action,
                {{"report", OnContamination::kReport},
                 {"drop", OnContamination::kDrop},
                 {"error", OnContamination::kError}},
                {.help = "What becomes of training records that are found: they are named in the "
                         "log, left out as well, or stop the run."});
  for (const SourceConfig& source : against) check_once(section, "against", source);
}

void DataConfig::fields(Section& section) {
  section.list("train", train, {.help = "The sources to train on.", .required = true});
  section.list("eval", eval, {.help = "Sources that are held out."});
  section.field("test_size", test_size,
                {.help = "Share of the training records to hold out instead, chosen by the hash of "
                         "their content: more records in a file move none.",
                 .min = 0,
                 .below = 1});
  section.field(
      "eval_limit", eval_limit,
      {.help = "Evaluate on the first held-out records only.", .min = 1, .default_text = "all"});
  section.field("eval_max_length", eval_max_length,
                {.help = "Held-out documents are truncated at this length.",
                 .min = 2,
                 .default_text = "max_length and too_long"});
  section.field("max_length", max_length, {.help = "Tokens of the longest document.", .min = 2});
  section.field("packing", packing,
                {.help = "Fill micro-batches with whole documents up to micro_batch_size * "
                         "max_length tokens. Documents never see each other."});
  section.field(
      "train_on", train_on,
      {{"assistant", TrainOn::kAssistant},
       {"last_assistant", TrainOn::kLastAssistant},
       {"completion", TrainOn::kCompletion},
       {"all", TrainOn::kAll}},
      {.help = "The tokens that the loss sees: every assistant turn (with its end token), "
               "the last one, the completion (in a conversation: the last turn), or all."});
  section.field(
      "too_long", too_long,
      {{"drop", TooLong::kDrop}, {"truncate", TooLong::kTruncate}, {"split", TooLong::kSplit}},
      {.help = "What becomes of documents longer than max_length. The count is logged."});
  section.field("shuffle", shuffle,
                {.help = "A new order each epoch, from run.seed; else file order."});
  section.field("interleave", interleave,
                {.help = "Mix the sources evenly: every stretch of an epoch has them in proportion "
                         "to what each gives. Else one shuffle over all, or source after source."});
  section.field("deduplicate", deduplicate,
                {.help = "Leave out training records whose columns (those that the format reads) "
                         "an earlier record has, in any source. Counted in the report."});
  section.field(
      "chat_template", chat_template,
      {.help = "auto: the one of the model's folder, if it has one. none: plain text. Else "
               "the path of a Jinja file."});
  section.field("on_bad_record", on_bad_record,
                {{"error", OnBadRecord::kError}, {"skip", OnBadRecord::kSkip}},
                {.help = "Stop at a record that cannot be read, or skip and count it."});
  section.section("contamination", contamination,
                  {.help = "Look for training records that share words with evaluation texts. "
                           "Reads all records."});
  section.field(
      "token_cache", token_cache,
      {.help = "Keep the tokens of sources of 8 MB and more in the user's cache folder, "
               "where a whole epoch is counted (train.num_epochs): later runs read them."});
  section.field("window", window,
                {.help = "Records that are prepared together; packing looks inside one window.",
                 .min = 1,
                 .max = 1 << 20});
  section.field("prefetch", prefetch,
                {.help = "Batches that a thread prepares ahead; 0: none.", .min = 0, .max = 1024});
  if (section.parsing() && test_size > 0 && !eval.empty()) {
    section.problem("test_size", "it excludes data.eval: give one of the two");
  }
  for (const SourceConfig& source : eval) check_once(section, "eval", source);
  const bool no_texts = test_size == 0 && eval.empty();
  if (section.parsing() && contamination && contamination->against.empty() && no_texts) {
    section.problem("contamination",
                    "there is no evaluation text: nothing is held out, and 'against' is empty");
  }
}

}  // namespace distill
