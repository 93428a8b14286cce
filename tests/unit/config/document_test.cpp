// The documentation that the fields write themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_config.h"

namespace distill::sample {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Document, Markdown) {
  Config config;
  const auto visitor = [&](Section& section) {
    section.section("run", config.run, {.help = "The run as a whole."});
    section.section("data", config.data, {.help = "What is read."});
    section.variant_list("objective", config.objective, losses(), {.help = "Terms."});
  };
  EXPECT_EQ(document_config(visitor), R"(| key | type | default | description |
|---|---|---|---|
| `run` | mapping |  | The run as a whole. |
| `data` | mapping |  | What is read. |
| `objective` | list of mappings | `[]` | Terms. |

## `run`

The run as a whole.

| key | type | default | description |
|---|---|---|---|
| `output_dir` | string | required | Folder of the run. |
| `seed` | integer >= 0 | `42` | Seed of all generators. |
| `dtype` | one of auto, float32, bfloat16 | `auto` | Compute type. |
| `threads` | integer >= 1 or null | `all` | CPU threads. |

## `data`

What is read.

| key | type | default | description |
|---|---|---|---|
| `packing` | true or false | `false` | Fill rows. |
| `train` | list of mappings | `[]` | Sources. |
| `test_size` | number > 0 and \< 1 or null | `null` | Held out. |
| `tags` | list of strings | `[]` | Labels \| names. |

### `data.train.N`

Sources.

| key | type | default | description |
|---|---|---|---|
| `path` | string | required | File. |
| `columns` | mapping of strings or null | `{}` | Our names to the file's. |
| `limit` | integer >= 1 or null | `null` | Records at most. |

## `objective.N`

Terms.

| key | type | default | description |
|---|---|---|---|
| `type` | one of cross_entropy, forward_kl, reverse_kl | required | Which one; its own keys are listed under its name. |

### `objective.N` with `type: cross_entropy`

Negative log-likelihood of the targets.

| key | type | default | description |
|---|---|---|---|
| `weight` | number >= 0 | `1.0` | Factor in the loss. |

### `objective.N` with `type: forward_kl`

KL(teacher || student).

| key | type | default | description |
|---|---|---|---|
| `weight` | number >= 0 | `1.0` | Factor in the loss. |
| `temperature` | number > 0 | `1.0` | Softmax temperature. |

### `objective.N` with `type: reverse_kl`

KL(student || teacher).

| key | type | default | description |
|---|---|---|---|
| `weight` | number >= 0 | `1.0` | Factor in the loss. |
| `temperature` | number > 0 | `1.0` | Softmax temperature. |
)");
}

TEST(Document, ASchemaThatContainsItselfEnds) {
  Config config;
  const std::string text = document_config(config.visitor());
  EXPECT_THAT(text, HasSubstr("### `teacher` with `type: ensemble`"));
  EXPECT_THAT(text, HasSubstr("#### `teacher.members.N`"));
  EXPECT_THAT(text, Not(HasSubstr("`teacher.members.N` with")));
}

TEST(Document, PlainText) {
  EXPECT_EQ(
      describe_fields([loss = ForwardKl()](Section& section) mutable { loss.fields(section); }),
      "weight (number >= 0; default 1.0): Factor in the loss.\n"
      "temperature (number > 0; default 1.0): Softmax temperature.\n");
  std::unique_ptr<Loss> loss;
  std::string type;
  EXPECT_EQ(describe_fields([&](Section& section) {
              section.type_and_fields(loss, type, losses(), {.help = "The loss."});
            }),
            "type (one of cross_entropy, forward_kl, reverse_kl; required): The loss.\n"
            "type = cross_entropy: Negative log-likelihood of the targets.\n"
            "weight (number >= 0; default 1.0): Factor in the loss.\n"
            "type = forward_kl: KL(teacher || student).\n"
            "weight (number >= 0; default 1.0): Factor in the loss.\n"
            "temperature (number > 0; default 1.0): Softmax temperature.\n"
            "type = reverse_kl: KL(student || teacher).\n"
            "weight (number >= 0; default 1.0): Factor in the loss.\n"
            "temperature (number > 0; default 1.0): Softmax temperature.\n");
}

}  // namespace
}  // namespace distill::sample
