#include "distill/model/loading.h"

#include <c10/core/CPUAllocator.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/progress.h"
#include "distill/io/hf_folder.h"
#include "tiny_models.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

class Loading : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("distill_loading_") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  void write(const Json& config, const Tensors& tensors, int64_t shard = int64_t{1} << 30) const {
    write_file(folder_ / "config.json", config.dump());
    write_weights(folder_, tensors, shard);
  }

  Transformer load() const { return load_transformer(folder_, at::kFloat, at::kCPU); }

  std::string failure() const {
    try {
      load();
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
};

/// LibTorch's memory on the CPU, of which no piece may have more than `most` bytes.
class SmallMemory : public c10::Allocator {
 public:
  explicit SmallMemory(size_t most) : whole_(c10::GetCPUAllocator()), most_(most) {
    c10::SetCPUAllocator(this);
  }
  ~SmallMemory() override { c10::SetCPUAllocator(whole_); }
  SmallMemory(const SmallMemory&) = delete;
  SmallMemory& operator=(const SmallMemory&) = delete;

  c10::DataPtr allocate(size_t bytes) override {
    TORCH_CHECK(bytes <= most_, "DefaultCPUAllocator: can't allocate memory");
    return whole_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return whole_->raw_deleter(); }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  c10::Allocator* whole_;
  size_t most_;
};

at::Tensor value_of(const Parameter& parameter) { return parameter.value; }

void expect_same_values(const Transformer& a, const Transformer& b) {
  const Tensors left = checkpoint_tensors(a, value_of), right = checkpoint_tensors(b, value_of);
  ASSERT_EQ(left.size(), right.size());
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].first, right[i].first);
    EXPECT_TRUE(at::equal(left[i].second, right[i].second)) << left[i].first;
  }
}

at::Tensor hidden_of(const Transformer& model) {
  return model.forward(make_batch({tests::random_document(9, 3)})).hidden;
}

TEST_F(Loading, ListsEveryMismatchAtOnce) {
  const Transformer model = tests::make_model(tests::tiny_llama_json());
  Tensors tensors = checkpoint_tensors(model, value_of);
  for (auto& [name, tensor] : tensors) {
    if (name == "model.norm.weight") name = "model.final.weight";
    if (name == "model.layers.1.mlp.up_proj.weight") tensor = tensor.t().contiguous();
    if (name == "lm_head.weight") tensor = tensor.to(at::kLong);
  }
  write(tests::tiny_llama_json(), tensors);
  EXPECT_THAT(
      failure(),
      AllOf(HasSubstr(folder_.string()), HasSubstr("missing: model.norm.weight [24]"),
            HasSubstr("unexpected: model.final.weight [24]"),
            HasSubstr(
                "wrong shape: model.layers.1.mlp.up_proj.weight is [24, 40], expected [40, 24]"),
            HasSubstr("wrong dtype: lm_head.weight")));
}

TEST_F(Loading, AcceptsOldGpt2Checkpoints) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json());
  Tensors tensors = checkpoint_tensors(model, value_of);
  for (auto& [name, tensor] : tensors) name.erase(0, std::string("transformer.").size());
  tensors.emplace_back("h.0.attn.bias", at::ones({1, 1, 32, 32}));
  tensors.emplace_back("h.1.attn.masked_bias", at::ones({}));
  write(tests::tiny_gpt2_json(), tensors);
  expect_same_values(load(), model);
}

TEST_F(Loading, ATiedHeadMayBeStoredIfItIsTheEmbedding) {
  Json json = tests::tiny_llama_json();
  json["tie_word_embeddings"] = true;
  const Transformer model = tests::make_model(json);
  Tensors tensors = checkpoint_tensors(model, value_of);
  tensors.emplace_back("lm_head.weight", model.head().weight.clone());
  tensors.emplace_back("model.layers.0.self_attn.rotary_emb.inv_freq", at::ones({3}));
  write(json, tensors);
  expect_same_values(load(), model);
  tensors[tensors.size() - 2].second[0][0] += 1.0;
  write(json, tensors);
  EXPECT_THAT(failure(), HasSubstr("lm_head.weight differs from model.embed_tokens.weight"));
}

TEST_F(Loading, ReadsShardsAndConvertsTheirDtype) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json(), at::kBFloat16);
  write(tests::tiny_gpt2_json(), checkpoint_tensors(model, value_of), 20000);
  ASSERT_TRUE(fs::exists(folder_ / "model.safetensors.index.json"));
  const Transformer widened = load();
  EXPECT_EQ(widened.dtype(), at::kFloat);
  EXPECT_TRUE(at::equal(widened.head().weight, model.head().weight.to(at::kFloat)));
}

TEST_F(Loading, SavesWhatTheSourceHad) {
  Transformer model = tests::make_model(tests::tiny_gpt2_json());
  write(tests::tiny_gpt2_json(), checkpoint_tensors(model, value_of));
  write_file(folder_ / "generation_config.json", R"({"temperature": 0.7})");
  write_file(folder_ / "tokenizer.json", "{}");
  write_file(folder_ / "LICENSE", "text");
  write_file(folder_ / "chat_template.jinja", "{{ messages }}");
  make_directories(folder_ / "additional_chat_templates");
  write_file(folder_ / "additional_chat_templates" / "tool_use.jinja", "{{ tools }}");
  const fs::path copy = folder_ / "copy";
  const Transformer loaded = load();
  save_transformer(loaded, copy, at::kBFloat16);
  TokenizerFiles(folder_).write(copy);
  EXPECT_EQ(read_json(copy / "generation_config.json"),
            read_json(folder_ / "generation_config.json"));
  EXPECT_TRUE(fs::exists(copy / "tokenizer.json"));
  EXPECT_FALSE(fs::exists(copy / "LICENSE"));
  EXPECT_EQ(read_file(copy / "chat_template.jinja"), "{{ messages }}");
  EXPECT_EQ(read_file(copy / "additional_chat_templates" / "tool_use.jinja"), "{{ tools }}");
  EXPECT_EQ(read_json(copy / "config.json")["torch_dtype"], "bfloat16");
  EXPECT_EQ(WeightFiles(copy).entry("transformer.wte.weight").dtype, at::kBFloat16);
}

TEST_F(Loading, AStudentIsTheTeacherWithoutSomeLayers) {
  Json json = tests::tiny_llama_json();
  const Transformer teacher = tests::make_model(json);
  expect_same_values(make_student_from_layers(teacher, {0, 1, 2}), teacher);
  const Transformer student = make_student_from_layers(teacher, {2, 0});
  EXPECT_EQ(student.config().num_layers(), 2);
  EXPECT_TRUE(at::equal(student.modules().blocks[0].mlp.up.weight.value,
                        teacher.modules().blocks[2].mlp.up.weight.value));
  const at::Tensor before = hidden_of(teacher).clone();
  student.visit([](const std::string&, const Parameter& p, bool) { p.value.zero_(); });
  EXPECT_TRUE(at::equal(hidden_of(teacher), before)) << "the student shares the teacher's memory";
  EXPECT_THROW(make_student_from_layers(teacher, {0, 3}), ConfigError);
  EXPECT_THROW(make_student_from_layers(teacher, {-1}), ConfigError);
  EXPECT_THROW(make_student_from_layers(teacher, {}), ConfigError);
}

TEST_F(Loading, InitialisesAsHuggingFaceDoes) {
  Json json = tests::tiny_gpt2_json();
  json["n_embd"] = 128;
  const Transformer model = tests::make_model(json, at::kFloat, 7);
  const Block& block = model.modules().blocks[1];
  const auto deviation = [](const Linear& l) { return l.weight.value.std().item<double>(); };
  EXPECT_NEAR(deviation(block.mlp.up), 0.3, 0.01);
  EXPECT_NEAR(deviation(block.mlp.down), 0.15, 0.005);  // 0.3 / sqrt(2 * 2 layers)
  EXPECT_NEAR(deviation(block.attention.output), 0.15, 0.005);
  EXPECT_EQ(block.mlp.up.bias.value.abs().sum().item<double>(), 0.0);
  EXPECT_EQ(block.mlp_norm.weight.value.sum().item<double>(), 128.0);
  expect_same_values(model, tests::make_model(json, at::kFloat, 7));
  EXPECT_FALSE(
      at::equal(model.head().weight, tests::make_model(json, at::kFloat, 8).head().weight));
}

TEST_F(Loading, VisitsEveryParameterOnce) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json());
  std::set<std::string> names;
  int64_t count = 0;
  model.visit([&](const std::string& name, const Parameter& parameter, bool decay) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(decay, parameter.value.dim() == 2) << name;
    count += parameter.value.numel();
  });
  EXPECT_EQ(count, parameter_count(model.config()));
  EXPECT_TRUE(names.contains("transformer.wte.weight"));
  EXPECT_TRUE(names.contains("transformer.h.1.attn.c_attn.bias#2"));
}

TEST_F(Loading, SaysWhatTooLittleMemoryCouldNotHold) {
  const Transformer model = tests::make_model(tests::tiny_llama_json());
  write(tests::tiny_llama_json(), checkpoint_tensors(model, value_of));
  const SmallMemory memory(4000);  // an embedding takes 5856 bytes
  try {
    load();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "out of memory while " + folder_.string() +
                                " was loaded: its weights take " +
                                format_bytes(4 * parameter_count(model.config())) +
                                " in float32 on cpu; a narrower dtype, another device or a "
                                "smaller model needs less");
  }
}

}  // namespace
}  // namespace distill
