#include "config/suggestions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "distill/config/config_file.h"

namespace distill {
namespace {

TEST(NearestName, IsNearOrNothing) {
  const std::vector<std::string> names = {"forward_kl", "reverse_kl", "cross_entropy", "jsd"};
  EXPECT_EQ(nearest_name("forwrad_kl", names), "forward_kl");
  EXPECT_EQ(nearest_name("reversekl", names), "reverse_kl");
  EXPECT_EQ(nearest_name("Cross-Entropy", names), "cross_entropy");
  EXPECT_EQ(nearest_name("jds", names), "jsd");
  EXPECT_EQ(nearest_name("hidden_state", names), "");
  EXPECT_EQ(nearest_name("x", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("x", {}), "");
  EXPECT_EQ(nearest_name("a", {"b"}), "");
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'f'), names), "");
  EXPECT_EQ(nearest_name("save_step", {"save_top", "save_steps", "save_stop"}), "save_steps");
}

TEST(SuggestName, KnowsWhatOthersSay) {
  EXPECT_EQ(suggest_name("kl", {"forward_kl", "reverse_kl"}), "forward_kl");
  EXPECT_EQ(suggest_name("CE", {"cross_entropy", "cf"}), "cross_entropy");
  EXPECT_EQ(suggest_name("bf16", {"float32", "bfloat16"}), "bfloat16");
  EXPECT_EQ(suggest_name("bf16", {"float32"}), "");
}

TEST(SuggestKey, PrefersForeignNamesThenSiblingsThenOtherPlaces) {
  const std::vector<std::string> schema = {"optimizer.learning_rate", "train.max_grad_norm",
                                           "train.lrs", "optimizer"};
  EXPECT_EQ(suggest_key("lr", {"lrs"}, schema), "optimizer.learning_rate");
  EXPECT_EQ(suggest_key("learning-rate", {"lrs"}, schema), "optimizer.learning_rate");
  EXPECT_EQ(suggest_key("max_grad_nrom", {"max_grad_norm"}, schema), "max_grad_norm");
  EXPECT_EQ(suggest_key("max_grad_norm", {}, schema), "train.max_grad_norm");
  EXPECT_EQ(suggest_key("optimizer", {}, schema), "optimizer");
  EXPECT_EQ(suggest_key("kd_ratio", {}, schema), "");
  EXPECT_EQ(suggest_key("seed", {}, {"run.seed", "data.seed"}), "");
}

// The names that people bring from other tools, each with a key of the run configuration.
TEST(ForeignKeys, CoverTheFamiliarNames) {
  std::set<std::string> names;
  for (const auto& [name, path] : foreign_keys()) {
    EXPECT_EQ(name.find_first_of(" -."), std::string::npos) << name;
    EXPECT_FALSE(path.ends_with("." + name)) << name << " is our own word";
    names.insert(name);
  }
  for (const char* name : {"kd_ratio",
                           "alpha",
                           "per_device_train_batch_size",
                           "lr",
                           "learning_rate_scheduler",
                           "lr_scheduler_type",
                           "temp",
                           "max_seq_length",
                           "max_seq_len",
                           "sequence_len",
                           "cutoff_len",
                           "num_train_epochs",
                           "epochs",
                           "grad_accum",
                           "gradient_accumulation",
                           "warmup",
                           "bf16",
                           "fp16",
                           "model_name_or_path",
                           "teacher_model",
                           "student_model",
                           "teacher_model_name_or_path",
                           "batch_size",
                           "max_grad_clip",
                           "clip_grad_norm",
                           "save_limit",
                           "eval_every",
                           "dataset",
                           "datasets",
                           "num_workers",
                           "beta1",
                           "adam_beta1",
                           "adam_beta2",
                           "adam_epsilon"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

}  // namespace
}  // namespace distill
