// A forward pass as named tensors: how others check this program against theirs.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/io/json.h"
#include "distill/model/transformer.h"

namespace distill {

struct ForwardRequest {
  bool hidden = false;
  bool attention = false;
  bool gradients = false;
};

/// Documents out of JSON: a list of ids, a list of such lists, or {"input_ids": ..., "labels": ...}
/// (labels -100: no target; absent: every token is one). Throws DataError with `where`.
std::vector<Document> documents_from_json(const Json& json, const std::string& where);

/// T tokens of N documents laid end to end:
///   logits [T, V]; bounds int32 [N + 1]; loss [] the mean cross-entropy over all targets
///   hidden_states.i [T, D]: 0 is the embedding, the last one is after the final norm
///   attentions.i [H, T, T] fp32; grad.<weight>: of the loss, under the checkpoint's names
/// With gradients the model's weights are left requiring them.
std::vector<std::pair<std::string, at::Tensor>> forward_dump(Transformer& model,
                                                             const std::vector<Document>& documents,
                                                             const ForwardRequest& request);

}  // namespace distill
