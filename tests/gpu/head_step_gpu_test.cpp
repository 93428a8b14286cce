// The head on the device against the CPU in fp64: through the fused kernel and through autograd.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/config/config_file.h"
#include "distill/objective/head_step.h"
#include "distill/ops/device.h"
#include "distill/ops/weight_gradient.h"

namespace distill {
namespace {

constexpr int64_t kRows = 75, kWidth = 64, kVocabulary = 1030, kTeacher = 1033;

struct Case {
  Head head;
  HeadRows rows;
  TeacherRows teacher;
};

/// The same values in every dtype and on every device: they are drawn in bf16 on the CPU.
Case make_case(at::ScalarType type, at::Device device) {
  at::manual_seed(5);
  const auto draw = [&](int64_t rows, int64_t columns) {
    return at::randn({rows, columns}).to(at::kBFloat16).to(device, type);
  };
  Case made;
  made.head.weight = draw(kVocabulary, kWidth);
  made.rows.hidden = draw(kRows, kWidth);
  made.rows.targets = at::randint(0, kVocabulary, {kRows}, at::kLong).to(device);
  made.rows.keys = at::arange(kRows, at::kLong).to(device);
  const at::Tensor logits = draw(kRows, kTeacher);
  made.teacher.rows = kRows;
  made.teacher.vocabulary = kTeacher;
  made.teacher.dtype = type;
  made.teacher.logits = [logits](int64_t begin, int64_t end, at::Tensor out) {
    out.copy_(logits.slice(0, begin, end));
  };
  return made;
}

double relative(const at::Tensor& got, const at::Tensor& exact) {
  return ((got.to(at::kCPU, at::kDouble) - exact).norm() / exact.norm()).item<double>();
}

class HeadOnGpu : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (resolve_device("auto").is_cpu()) GTEST_SKIP() << "no GPU";
  }

  std::unique_ptr<LogitObjective> second_objective() const {
    auto objective = logit_objectives().create(GetParam().substr(0, GetParam().find('{')));
    const ConfigFile file = ConfigFile::parse(GetParam().substr(GetParam().find('{')), "test");
    file.read([&](Section& section) { objective->fields(section); });
    return objective;
  }
};

TEST_P(HeadOnGpu, EqualsTheCpuInDouble) {
  const auto cross_entropy = logit_objectives().create("cross_entropy");
  const auto second = second_objective();
  const std::vector<HeadTerm> terms = {{cross_entropy.get(), 0.5}, {second.get(), 0.25}};
  const auto run = [&](const Case& c, const at::Tensor& d_weight) {
    return head_step(c.rows, c.head, {d_weight, {}}, c.teacher, terms, {}, {.chunk_rows = 32});
  };
  const Case exact = make_case(at::kDouble, at::kCPU);
  const at::Tensor exact_weight = at::zeros_like(exact.head.weight);
  const HeadResult expected = run(exact, exact_weight);
  for (const auto& [type, tolerance] : {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 2e-2}}) {
    SCOPED_TRACE(c10::toString(type));
    const Case c = make_case(type, at::kCUDA);
    const at::Tensor d_weight = at::zeros({kVocabulary, kWidth}, at::kFloat).to(at::kCUDA);
    const HeadResult got = run(c, d_weight);
    for (size_t i = 0; i < terms.size(); ++i) {
      const double value = expected.sums[i].item<double>();
      EXPECT_NEAR(got.sums[i].item<double>(), value, tolerance * std::abs(value));
    }
    EXPECT_LT(relative(got.d_hidden, expected.d_hidden), tolerance);
    EXPECT_LT(relative(d_weight, exact_weight), tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(All, HeadOnGpu,
                         testing::Values("forward_kl{temperature: 2}", "jsd{temperature: 2}",
                                         "adaptive_kl{}", "forward_kl{top_k: 16, temperature: 2}",
                                         "sampled_forward_kl{}"));

TEST(WeightGradientOnGpu, AddsBfloat16ProductsInFloat32) {
  if (resolve_device("auto").is_cpu()) GTEST_SKIP() << "no GPU";
  at::manual_seed(3);
  const at::Tensor d_output = at::randn({100, 257}).to(at::kCUDA, at::kBFloat16);
  const at::Tensor input = at::randn({100, 64}).to(at::kCUDA, at::kBFloat16);
  const at::Tensor gradient = at::ones({257, 64}, at::kFloat).to(at::kCUDA);
  add_weight_gradient(gradient, d_output, input);
  const at::Tensor exact =
      1 + at::mm(d_output.to(at::kCPU, at::kDouble).t(), input.to(at::kCPU, at::kDouble));
  EXPECT_LT(relative(gradient, exact), 1e-6);
}

}  // namespace
}  // namespace distill
