#include "distill/eval/comparison.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "distill/core/progress.h"
#include "distill/teacher/live_teacher.h"

namespace distill {
namespace {

int64_t count_bytes(const Transformer& model) {
  int64_t bytes = 0;
  const Transformer::ConstVisitor add = [&](const std::string&, const Parameter& parameter, bool) {
    bytes += static_cast<int64_t>(parameter.value.nbytes());
  };
  model.visit(add);
  return bytes;
}

ComparedModel describe(const std::string& name, const Transformer& model) {
  ComparedModel row;
  row.name = name;
  row.parameters = parameter_count(model.config());
  row.bytes = count_bytes(model);
  return row;
}

/// Tokens a second of forward passes with the loss rows' logits.
double measure_speed(const Transformer& model, const std::vector<Batch>& batches) {
  const auto begin = std::chrono::steady_clock::now();
  int64_t tokens = 0;
  LossStep step(model, nullptr);
  measure_fidelity(step, [&, at = size_t{0}]() mutable {
    if (at == batches.size()) return std::optional<Batch>();
    tokens += batches[at].token_count();
    return std::optional<Batch>(batches[at++]);
  });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return static_cast<double>(tokens) / std::max(1e-9, seconds);
}

std::string number(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

Comparison compare_models(const NamedModel& named_teacher, const std::vector<NamedModel>& students,
                          const std::vector<Batch>& batches) {
  LiveTeacher teacher(named_teacher.load());
  Comparison comparison;
  comparison.models.push_back(describe(named_teacher.name, teacher.model()));
  comparison.models[0].tokens_per_second = measure_speed(teacher.model(), batches);
  for (const NamedModel& student : students) {
    const Transformer model = student.load();
    ComparedModel row = describe(student.name, model);
    row.tokens_per_second = measure_speed(model, batches);
    LossStep step(model, &teacher);
    row.fidelity = measure_fidelity(step, batches);
    row.nll = row.fidelity->student_nll;
    comparison.tokens = row.fidelity->tokens;
    comparison.models[0].nll = *row.fidelity->teacher_nll;
    comparison.models.push_back(std::move(row));
  }
  return comparison;
}

Json Comparison::to_json() const {
  Json json = {{"tokens", tokens}, {"models", Json::array()}};
  for (const ComparedModel& model : models) {
    Json row = {{"name", model.name},   {"parameters", model.parameters},
                {"bytes", model.bytes}, {"tokens_per_second", model.tokens_per_second},
                {"nll", model.nll},     {"perplexity", std::exp(model.nll)}};
    if (model.fidelity) {
      row["forward_kl"] = *model.fidelity->forward_kl;
      row["reverse_kl"] = *model.fidelity->reverse_kl;
      row["agreement"] = *model.fidelity->agreement;
    }
    json["models"].push_back(std::move(row));
  }
  return json;
}

std::string Comparison::to_table() const {
  size_t width = 8;
  for (const ComparedModel& model : models) width = std::max(width, model.name.size());
  const auto line = [width](const std::vector<std::string>& cells) {
    std::string text = "  " + cells[0] + std::string(width - std::min(width, cells[0].size()), ' ');
    for (size_t i = 1; i < cells.size(); ++i) {
      text += std::string(2 + (cells[i].size() < 10 ? 10 - cells[i].size() : 0), ' ') + cells[i];
    }
    return text + '\n';
  };
  std::string table = line({"model", "parameters", "size", "tokens/s", "nll", "perplexity",
                            "KL(t||s)", "KL(s||t)", "agreement"});
  for (const ComparedModel& model : models) {
    std::vector<std::string> cells = {model.name,
                                      format_count(model.parameters),
                                      format_bytes(model.bytes),
                                      format_count(static_cast<int64_t>(model.tokens_per_second)),
                                      number("%.4f", model.nll),
                                      number("%.3f", std::exp(model.nll))};
    if (model.fidelity) {
      cells.push_back(number("%.4f", *model.fidelity->forward_kl));
      cells.push_back(number("%.4f", *model.fidelity->reverse_kl));
      cells.push_back(number("%.4f", *model.fidelity->agreement));
    }
    table += line(cells);
  }
  return table + "  means over " + std::to_string(tokens) + plural(" held-out token", tokens) +
         ", in nats\n";
}

}  // namespace distill
