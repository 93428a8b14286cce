#include "distill/io/hf_folder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "distill/core/files.h"
#include "distill/io/json.h"
#include "scratch.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HfFolder : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) ::unsetenv(name);
    ::setenv("HOME", scratch.path().c_str(), 1);
  }

  /// A cached model under a hub folder.
  std::filesystem::path cached(const std::string& hub) const {
    scratch.file(hub + "/models--Qwen--Qwen2-7B-Instruct/refs/main", "abc123\n");
    return scratch.file(hub + "/models--Qwen--Qwen2-7B-Instruct/snapshots/abc123/config.json", "{}")
        .parent_path();
  }

  Scratch scratch;
};

using ModelPath = HfFolder;
using Weights = HfFolder;

TEST_F(ModelPath, TakesAFolderWithAConfig) {
  const auto folder = scratch.file("model/config.json", "{}").parent_path();
  EXPECT_EQ(resolve_model(folder), folder);
  EXPECT_EQ(resolve_model("~/model"), folder);
}

TEST_F(ModelPath, FindsAHubIdInTheCache) {
  const std::string id = "Qwen/Qwen2-7B-Instruct";
  const auto in_home = cached(".cache/huggingface/hub");
  EXPECT_EQ(resolve_model(id), in_home);
  const auto in_hf_home = cached("hf/hub");
  ::setenv("HF_HOME", (scratch / "hf").c_str(), 1);
  EXPECT_EQ(resolve_model(id), in_hf_home);
  const auto in_hub = cached("hub");
  ::setenv("HF_HUB_CACHE", (scratch / "hub").c_str(), 1);
  EXPECT_EQ(resolve_model(id), in_hub);
}

TEST_F(ModelPath, SaysHowToFetchAnAbsentModel) {
  const std::string command = "hf download Qwen/Qwen2-7B-Instruct";
  const auto message = [] { return data_error([] { resolve_model("Qwen/Qwen2-7B-Instruct"); }); };
  EXPECT_THAT(message(), HasSubstr(command));
  EXPECT_THAT(message(), HasSubstr(".cache/huggingface/hub"));
  const auto snapshot = cached(".cache/huggingface/hub");
  std::filesystem::remove(snapshot / "config.json");
  EXPECT_THAT(message(), HasSubstr("not complete"));
  EXPECT_THAT(message(), HasSubstr(command));
  std::filesystem::remove(snapshot / "../../refs/main");
  EXPECT_THAT(message(), HasSubstr("no main revision"));
  scratch.file(".cache/huggingface/hub/models--Qwen--Qwen2-7B-Instruct/refs/main", "../../x");
  EXPECT_THAT(message(), HasSubstr("not complete"));
}

TEST_F(ModelPath, RefusesOtherPaths) {
  EXPECT_THAT(data_error([] { resolve_model(""); }), HasSubstr("empty"));
  EXPECT_THAT(data_error([] { resolve_model("/no/such/model"); }),
              HasSubstr("/no/such/model: there is no such folder"));
  EXPECT_THAT(data_error([] { resolve_model("../model"); }), HasSubstr("there is no such folder"));
  EXPECT_THAT(data_error([&] { resolve_model(scratch.path()); }), HasSubstr("no config.json"));
  const auto file = scratch.file("model.gguf", "x");
  EXPECT_THAT(data_error([&] { resolve_model(file); }), HasSubstr("found a file"));
}

TEST_F(Weights, OneFile) {
  write_weights(scratch.path(), {{"b", at::ones({2})}, {"a", at::zeros({3})}});
  const WeightFiles weights(scratch.path());
  EXPECT_THAT(weights.names(), ElementsAre("a", "b"));
  EXPECT_TRUE(at::equal(weights.tensor("a"), at::zeros({3})));
  EXPECT_TRUE(weights.contains("b"));
  EXPECT_EQ(SafetensorsFile(scratch / "model.safetensors").metadata().at("format"), "pt");
  EXPECT_THAT(data_error([&] { weights.tensor("c"); }), HasSubstr("there is no tensor 'c'"));
}

TEST_F(Weights, Shards) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (int i = 0; i < 5; ++i) {
    tensors.emplace_back("layer." + std::to_string(i), at::full({10}, float(i)));  // 40 bytes
  }
  tensors.emplace_back("large", at::ones({100}));
  write_weights(scratch.path(), {{"old", at::ones({1})}});
  write_weights(scratch.path(), tensors, 100);
  EXPECT_FALSE(std::filesystem::exists(scratch / "model.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "model-00004-of-00004.safetensors"));
  const Json index = read_json(scratch / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 600);
  EXPECT_EQ(index["weight_map"]["layer.2"], "model-00002-of-00004.safetensors");
  const WeightFiles weights(scratch.path());
  EXPECT_EQ(weights.names().size(), 6U);
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(at::equal(weights.tensor(name), tensor));
  const ContentKey before = weights.hash();
  EXPECT_EQ(WeightFiles(scratch.path()).hash(), before);
  tensors[0].second = at::full({10}, 7.0F);
  write_weights(scratch.path(), tensors, 100);
  EXPECT_NE(WeightFiles(scratch.path()).hash(), before);
}

TEST_F(Weights, RefusesFoldersWithout) {
  EXPECT_THAT(data_error([&] { WeightFiles w(scratch.path()); }), HasSubstr("there is neither"));
  scratch.file("pytorch_model.bin", "x");
  EXPECT_THAT(data_error([&] { WeightFiles w(scratch.path()); }), HasSubstr("pickle"));
}

TEST_F(Weights, RefusesAnIndexThatDoesNotFit) {
  write_weights(scratch.path(), {{"a", at::ones({10})}, {"b", at::ones({10})}}, 40);
  const auto message = [&](const std::string& map) {
    scratch.file("model.safetensors.index.json", "{\"weight_map\": " + map + "}");
    return data_error([&] { WeightFiles w(scratch.path()); });
  };
  const std::string first = "\"model-00001-of-00002.safetensors\"";
  const std::string second = "\"model-00002-of-00002.safetensors\"";
  EXPECT_THAT(message("{\"a\": " + first + ", \"b\": \"gone.safetensors\"}"),
              HasSubstr("not there: gone.safetensors"));
  EXPECT_THAT(message("{\"a\": " + second + ", \"b\": " + first + "}"),
              HasSubstr("'a', which the index places in model-00002"));
  EXPECT_THAT(message("{\"b\": " + second + ", \"c\": " + first + "}"),
              HasSubstr("'a', which the index does not list"));
  EXPECT_THAT(message("{\"a\": " + first + ", \"b\": " + second + ", \"c\": " + first + "}"),
              HasSubstr("'c' is missing"));
  EXPECT_THAT(message("{\"a\": \"../model.safetensors\"}"), HasSubstr("in this folder"));
  EXPECT_THAT(message("{\"a\": 5}"), HasSubstr("found 5"));
  EXPECT_THAT(message("{}"), HasSubstr("weight_map"));
  EXPECT_THAT(message("[]"), HasSubstr("weight_map"));
}

}  // namespace
}  // namespace distill
