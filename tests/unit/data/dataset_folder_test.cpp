// Datasets as the hub has them: in folders, and in the local Hugging Face cache.
#include <gmock/gmock.h>

#include <cstdlib>

#include "distill/data/record_set.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class DatasetFolder : public testing::Test {
 protected:
  DatasetFolder() { ::setenv("HF_HUB_CACHE", (scratch / "hub").c_str(), 1); }
  ~DatasetFolder() override { ::unsetenv("HF_HUB_CACHE"); }

  void files(const std::vector<std::string>& names, const std::string& readme = "") const {
    std::filesystem::remove_all(scratch / "d");
    for (const std::string& name : names) scratch.file("d/" + name, "{}\n");
    if (!readme.empty()) scratch.file("d/README.md", readme);
  }
  std::vector<std::string> found(const DatasetPart& part = {}) const {
    std::vector<std::string> names;
    for (const auto& path : source_files((scratch / "d").string(), part)) {
      names.push_back(path.lexically_relative(scratch / "d").string());
    }
    return names;
  }
  std::string error(const DatasetPart& part = {}) const {
    return data_error([&] { found(part); }).substr((scratch / "d").string().size());
  }
  Scratch scratch;
};

constexpr const char* kReadme = R"(---
license: mit
dataset_info:
  features: [{name: question}]
configs:
- config_name: main
  default: true
  data_files:
  - split: train
    path: main/train-*
  - {split: test, path: [main/test-*, "**/extra/*.jsonl"]}
- config_name: socratic
  data_files: socratic/*.jsonl
- config_name: folder
  data_dir: socratic
tags: [math]
---
# A dataset
configs: this is prose
)";

TEST_F(DatasetFolder, FollowsTheReadme) {
  files({"main/train-00001-of-00002.jsonl", "main/train-00000-of-00002.jsonl", "main/test-a.jsonl",
         "x/y/extra/b.jsonl", "socratic/test.jsonl", "socratic/train.jsonl"},
        kReadme);
  EXPECT_THAT(found({.split = "train"}),
              ElementsAre("main/train-00000-of-00002.jsonl", "main/train-00001-of-00002.jsonl"));
  EXPECT_THAT(found({.split = "test"}), ElementsAre("main/test-a.jsonl", "x/y/extra/b.jsonl"));
  EXPECT_THAT(found({.subset = "socratic"}),
              ElementsAre("socratic/test.jsonl", "socratic/train.jsonl"));
  EXPECT_THAT(found({.subset = "folder", .split = "test"}), ElementsAre("socratic/test.jsonl"));
  EXPECT_EQ(error(), ": it has several splits; give split: one of train, test");
  EXPECT_EQ(error({.split = "train[:9]"}),
            ": it has no split 'train[:9]'; it has train, test (the first records only: limit)");
  EXPECT_EQ(error({.subset = "x"}), ": it has no subset 'x'; it has main, socratic, folder");
}

TEST_F(DatasetFolder, RefusesAReadmeItCannotFollow) {
  const auto message = [&](const std::string& configs) {
    files({"a.jsonl"}, "---\nconfigs:\n" + configs + "\n---\n");
    return error();
  };
  EXPECT_EQ(message("- {config_name: a}\n- {config_name: b}"),
            ": it has several subsets; give subset: one of a, b");
  EXPECT_EQ(message("- {config_name: a, data_files: b.jsonl}"),
            ", split train: none of its files is in " + (scratch / "d").string() +
                "; fetch the whole dataset");
  EXPECT_THAT(message("- {config_name: a, data_files: 'https://x/y.jsonl'}"),
              HasSubstr("is not a file of the dataset's folder"));
  EXPECT_THAT(message("- {config_name: a, data_files: [{split: train}]}"),
              HasSubstr("data_files: expected patterns, found null"));
  EXPECT_THAT(message("- {config_name: a\n  b"), HasSubstr("README.md:"));
  files({"a.jsonl"}, "---\nno: configs\n---\n");
  EXPECT_THAT(found(), ElementsAre("a.jsonl"));
  EXPECT_THAT(error({.subset = "a"}), HasSubstr("its README.md names none"));
}

TEST_F(DatasetFolder, GoesByNamesWithoutAReadme) {
  files({"data/train-00000-of-00001-a.jsonl", "data/dev-00000-of-00001.jsonl", "test.jsonl"});
  EXPECT_THAT(found({.split = "dev"}), ElementsAre("data/dev-00000-of-00001.jsonl"));
  EXPECT_EQ(error({.split = "test"}), ": it has no split 'test'; it has dev, train");
  files({"en/training_set/b.json", "en/training_set/a.json", "en/val/test.json", "x/y.json"});
  EXPECT_THAT(found({.split = "train"}),
              ElementsAre("en/training_set/a.json", "en/training_set/b.json"));
  EXPECT_THAT(found({.split = "validation"}), ElementsAre("en/val/test.json"));
  files({"gsm-train.jsonl", "a/gsm_test1.jsonl", "latest.jsonl", "run.py", ".hidden.jsonl",
         "dataset_infos.json"});
  EXPECT_THAT(found({.split = "train"}), ElementsAre("gsm-train.jsonl"));
  EXPECT_THAT(found({.split = "test"}), ElementsAre("a/gsm_test1.jsonl"));
  files({"b.jsonl.gz", "a.jsonl", "run.py"});
  EXPECT_THAT(found(), ElementsAre("a.jsonl", "b.jsonl.gz"));
}

TEST_F(DatasetFolder, RefusesWhatIsInDoubt) {
  files({"a.jsonl", "b.csv"});
  EXPECT_EQ(error(),
            ", split train: files of several kinds: a.jsonl, b.csv; name those to read in "
            "path");
  files({"train_test.jsonl"});
  EXPECT_THAT(data_error([&] { found(); }), HasSubstr("its name says both test and train"));
  files({"data/train-00000-of-00003.jsonl", "data/train-00002-of-00003.jsonl"});
  EXPECT_EQ(error(),
            ", split train: 2 of the 3 files 'data/train-*-of-00003' are there; fetch the "
            "whole dataset");
  files({"run.py"});
  EXPECT_THAT(error(), HasSubstr("has no file of records"));
  const auto file = scratch.file("one.jsonl", "{}").string();
  EXPECT_THAT(data_error([&] { source_files(file, {.split = "train"}); }),
              EndsWith("split: only a folder or an id of the Hugging Face cache takes it"));
}

TEST_F(DatasetFolder, FindsAnIdInTheCache) {
  const std::string id = "openai/gsm8k-v1.5";
  const auto message = [&] { return data_error([&] { RecordSet set(id); }); };
  EXPECT_FALSE(source_exists(id));
  EXPECT_EQ(message(), id + ": there is no such file or folder, and the Hugging Face cache (" +
                           (scratch / "hub").string() + ") does not have it; fetch it with: hf " +
                           "download openai/gsm8k-v1.5 --repo-type dataset");
  const std::string folder = "hub/datasets--openai--gsm8k-v1.5/";
  const auto blob = scratch.file(folder + "blobs/1", "{\"text\": \"a\"}\n");
  EXPECT_THAT(message(), HasSubstr("no main revision"));
  scratch.file(folder + "refs/main", "abc");
  EXPECT_THAT(message(), HasSubstr("not complete"));
  const auto link = scratch.file(folder + "snapshots/abc/x", "").parent_path() / "train.jsonl";
  std::filesystem::create_symlink("../../blobs/1", link);
  EXPECT_TRUE(source_exists(id));
  EXPECT_EQ(RecordSet(id, {}, {.split = "train"}).read(0)["text"], "a");
  std::filesystem::remove(blob);
  EXPECT_THAT(message(), HasSubstr("train.jsonl: cannot be opened"));
  EXPECT_THAT(data_error([] { RecordSet set("data/absent.jsonl.gz"); }),
              HasSubstr("data/absent.jsonl.gz: cannot be opened"));
}

}  // namespace
}  // namespace distill
