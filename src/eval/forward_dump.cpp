#include "distill/eval/forward_dump.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <map>

#include "distill/core/error.h"
#include "distill/model/loading.h"
#include "distill/ops/attention_maps.h"

namespace distill {
namespace {

std::vector<int64_t> id_list(const Json& json, const std::string& where) {
  if (!json.is_array()) throw DataError(where + ": expected token ids, found " + json.dump());
  std::vector<int64_t> ids;
  for (const Json& id : json) {
    if (!id.is_number_integer())
      throw DataError(where + ": expected token ids, found " + id.dump());
    ids.push_back(id.get<int64_t>());
  }
  if (ids.empty()) throw DataError(where + ": a list of token ids is empty");
  return ids;
}

/// A list of lists, a single list counting as one.
std::vector<std::vector<int64_t>> id_lists(const Json& json, const std::string& where) {
  if (!json.is_array() || json.empty()) {
    throw DataError(where + ": expected a list of token ids or a list of such lists");
  }
  std::vector<std::vector<int64_t>> lists;
  if (!json[0].is_array()) return {id_list(json, where)};
  for (const Json& inner : json) lists.push_back(id_list(inner, where));
  return lists;
}

void require_gradients(Transformer& model) {
  model.visit([](const std::string&, Parameter& parameter, bool) {
    parameter.value.set_requires_grad(true);
  });
}

std::map<std::string, at::Tensor> gradients_of(Transformer& model, const at::Tensor& loss) {
  torch::autograd::backward({loss}, {});
  const auto tensors =
      checkpoint_tensors(model, [](const Parameter& parameter) { return parameter.value.grad(); });
  return {tensors.begin(), tensors.end()};
}

std::set<Tap> taps_of(const ForwardRequest& request, int layers) {
  std::set<Tap> taps;
  for (int layer = 0; layer < layers; ++layer) {
    if (request.hidden) taps.insert({Tap::Kind::kHidden, layer});
    if (!request.attention) continue;
    taps.insert({Tap::Kind::kQuery, layer});
    taps.insert({Tap::Kind::kKey, layer});
  }
  return taps;
}

/// The maps of a layer over the whole batch [H, T, T], zero between documents.
at::Tensor packed_attention(const Trace& trace, const Batch& batch, int layer,
                            const AttentionOptions& options) {
  const at::Tensor q = trace.taps.at({Tap::Kind::kQuery, layer}).detach();
  const at::Tensor k = trace.taps.at({Tap::Kind::kKey, layer}).detach();
  const int64_t heads = q.size(1), tokens = q.size(0);
  const at::ScalarType dtype = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor all = at::zeros({heads, tokens, tokens}, q.options().dtype(dtype));
  for (int64_t n = 0; n < batch.document_count(); ++n) {
    const auto at = static_cast<size_t>(n);
    const int64_t begin = batch.bounds[at], size = batch.bounds[at + 1] - begin;
    const at::Tensor scores = attention_scores(q.narrow(0, begin, size), k.narrow(0, begin, size),
                                               {.first = 0, .count = heads}, options);
    all.narrow(1, begin, size)
        .narrow(2, begin, size)
        .copy_(attention_probabilities(scores, options));
  }
  return all;
}

}  // namespace

std::vector<Document> documents_from_json(const Json& json, const std::string& where) {
  const bool object = json.is_object();
  if (object && !json.contains("input_ids")) throw DataError(where + ": input_ids is missing");
  const auto ids = id_lists(object ? json["input_ids"] : json, where);
  std::vector<std::vector<int64_t>> labels = ids;
  if (object && json.contains("labels")) labels = id_lists(json["labels"], where + ": labels");
  const auto as_long = [](const auto& a, const auto& b) { return a.size() == b.size(); };
  if (!std::equal(ids.begin(), ids.end(), labels.begin(), labels.end(), as_long)) {
    throw DataError(where + ": labels and input_ids differ in length");
  }
  std::vector<Document> documents;
  for (size_t n = 0; n < ids.size(); ++n) {
    Document document;
    document.tokens = ids[n];
    for (size_t i = 0; i < labels[n].size(); ++i) {
      const int64_t label = labels[n][i];
      if (label != kIgnore && label != ids[n][i]) {
        throw DataError(where + ": labels: expected " + std::to_string(kIgnore) +
                        " or the token itself, " + std::to_string(ids[n][i]) + ", found " +
                        std::to_string(label));
      }
      document.is_target.push_back(label != kIgnore);
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

std::vector<std::pair<std::string, at::Tensor>> forward_dump(Transformer& model,
                                                             const std::vector<Document>& documents,
                                                             const ForwardRequest& request) {
  const at::AutoGradMode mode(request.gradients);
  if (request.gradients) require_gradients(model);
  const Batch batch = make_batch(documents).to(model.device());
  const auto layers = static_cast<int>(model.config().num_layers());
  ForwardOptions options;
  options.taps = taps_of(request, layers);
  const Trace trace = model.forward(batch, options);
  const at::Tensor logits = model.head().logits(trace.hidden);

  std::vector<std::pair<std::string, at::Tensor>> tensors;
  tensors.emplace_back("logits", logits.detach());
  tensors.emplace_back("bounds", batch.cu_seqlens);
  for (int layer = 0; request.hidden && layer < layers; ++layer) {
    tensors.emplace_back("hidden_states." + std::to_string(layer),
                         trace.taps.at({Tap::Kind::kHidden, layer}).detach());
  }
  for (int layer = 0; request.attention && layer < layers; ++layer) {
    tensors.emplace_back(
        "attentions." + std::to_string(layer),
        packed_attention(trace, batch, layer, attention_options(model.config(), layer)));
  }
  if (request.hidden) {
    tensors.emplace_back("hidden_states." + std::to_string(layers), trace.hidden.detach());
  }
  if (batch.loss_token_count() == 0) {
    if (request.gradients) throw DataError("--gradients: every label is ignored: there is no loss");
    return tensors;
  }
  const at::ScalarType dtype = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor loss = at::cross_entropy_loss(logits.index_select(0, batch.loss_rows).to(dtype),
                                                 batch.targets.index_select(0, batch.loss_rows));
  tensors.emplace_back("loss", loss.detach());
  if (request.gradients) {
    for (const auto& [name, gradient] : gradients_of(model, loss)) {
      tensors.emplace_back("grad." + name, gradient);
    }
  }
  return tensors;
}

}  // namespace distill
