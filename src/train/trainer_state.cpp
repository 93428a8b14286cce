#include "distill/train/trainer_state.h"

namespace distill {

Json to_json(const TrainerState& state) {
  Json json;
  json["step"] = state.step;
  json["tokens"] = state.tokens;
  json["loss_tokens"] = state.loss_tokens;
  json["stream"] = {{"seed", state.stream.seed},
                    {"epoch", state.stream.epoch},
                    {"window", state.stream.window},
                    {"batch", state.stream.batch}};
  json["epoch_batches"] = state.epoch_batches;
  json["best_metric"] = state.best.metric ? Json(*state.best.metric) : Json();
  json["best_metric_name"] = state.best.metric_name;
  json["best_step"] = state.best.step;
  json["evaluations_without_gain"] = state.best.evaluations_without_gain;
  json["evaluation_due"] = state.evaluation_due;
  json["identity"] = Json::object();
  for (const auto& [key, value] : state.identity) json["identity"][key] = value;
  return json;
}

TrainerState trainer_state_from_json(const Json& json, const std::string& where) {
  TrainerState state;
  state.step = json_int(json, "step", where);
  state.tokens = json_int(json, "tokens", where);
  state.loss_tokens = json_int(json, "loss_tokens", where);
  const Json& stream = json.at("stream");
  state.stream = {stream.at("seed").get<uint64_t>(), json_int(stream, "epoch", where),
                  json_int(stream, "window", where), json_int(stream, "batch", where)};
  state.epoch_batches = json_int_or(json, "epoch_batches", 0, where);
  if (!json.at("best_metric").is_null()) state.best.metric = json.at("best_metric").get<double>();
  state.best.metric_name = json.value("best_metric_name", std::string());
  state.best.step = json_int(json, "best_step", where);
  state.best.evaluations_without_gain = json_int(json, "evaluations_without_gain", where);
  state.evaluation_due = json.value("evaluation_due", false);
  for (const auto& [key, value] : json.at("identity").items()) {
    state.identity.emplace_back(key, value.get<std::string>());
  }
  return state;
}

}  // namespace distill
