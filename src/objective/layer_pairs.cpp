// Reads pairs of layers and looks each of them up in its model.
#include "objective/layer_pairs.h"

#include <algorithm>
#include <string>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr double kMostLayers = 10000;

/// -1: the model has no tap of the kind.
int last_layer(Tap::Kind kind, const TapShapes& model) {
  int last = -1;
  for (const auto& [tap, shape] : model) {
    if (tap.kind == kind) last = std::max(last, tap.layer);
  }
  return last;
}

Tap tap_of(Tap::Kind kind, int64_t layer, const TapShapes& model, const std::string& key,
           const std::string& role) {
  const Tap tap{kind, static_cast<int>(layer)};
  if (model.contains(tap)) return tap;
  const int last = last_layer(kind, model);
  throw ConfigError(key + ": " + tap_name(tap) + " is not there: " + role + " has " +
                    (last < 0 ? "none" : "layers up to " + std::to_string(last)));
}

}  // namespace

void LayerPair::fields(Section& section) {
  section.field("student", student,
                {.help = "Layer of the student.", .min = 0, .max = kMostLayers, .required = true});
  section.field("teacher", teacher,
                {.help = "Layer of the teacher.", .min = 0, .max = kMostLayers, .required = true});
  section.field("weight", weight, {.help = "Factor of this pair in the sum.", .above = 0});
}

void LayerPairs::fields(Section& section) {
  section.list(
      "layers", layers,
      {.help = "Layers that are compared, a pair each. 0 is the embedding's output, i that "
               "of block i, before the final norm. Absent: the last of both models."});
  if (layers.empty() && section.has("layers")) {
    section.problem("layers", "expected at least one pair, or no such key");
  }
}

std::vector<TapPair> LayerPairs::of(Tap::Kind kind, const ModelTaps& models) const {
  std::vector<LayerPair> chosen = layers;
  if (chosen.empty()) {
    chosen.push_back({last_layer(kind, models.student), last_layer(kind, models.teacher)});
  }
  std::vector<TapPair> pairs;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const std::string key = "layers." + std::to_string(i);
    pairs.push_back(
        {tap_of(kind, chosen[i].student, models.student, key + ".student", "the student"),
         tap_of(kind, chosen[i].teacher, models.teacher, key + ".teacher", "the teacher"),
         chosen[i].weight});
  }
  return pairs;
}

}  // namespace distill
