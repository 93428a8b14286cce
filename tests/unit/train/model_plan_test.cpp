// The models that a run plans are the ones that it makes.
#include "distill/train/model_plan.h"

#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "unit/model/tiny_models.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

TEST(ModelPlan, AStudentFromTheTeacherHasTheConfigsOfItsLayers) {
  const fs::path folder = fs::path(testing::TempDir()) / "distill_model_plan";
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_file(folder / "config.json", tests::tiny_qwen2_json().dump());
  RunConfig config;
  config.teacher.emplace();
  config.teacher->path = folder.string();
  config.student.from_teacher.emplace();
  config.student.from_teacher->layers = {3, 0};
  const ModelPlan plan = plan_models(config);
  const std::vector<LayerConfig>& teacher = plan.teacher->config.layers;
  ASSERT_NE(teacher[3], teacher[0]) << "a window in one of them";
  EXPECT_EQ(plan.student->config.layers, (std::vector{teacher[3], teacher[0]}));
  config.student.from_teacher->layers = {0, 4};
  EXPECT_THROW(plan_models(config), ConfigError);
}

}  // namespace
}  // namespace distill
