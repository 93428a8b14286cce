#include <cmath>
#include <cstdio>
#include <memory>

#include "app/commands.h"
#include "app/held_out.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/eval/fidelity.h"
#include "distill/eval/perplexity.h"
#include "distill/io/hf_folder.h"
#include "distill/io/json.h"
#include "distill/loss/objective_parameters.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"
#include "distill/teacher/live_teacher.h"
#include "distill/text/tokenizer.h"

namespace distill::app {
namespace {

/// Null, and a line that says why, where the loss of these models cannot be measured.
std::optional<ObjectiveParameters> measurable(const std::vector<ObjectiveTerm>& objectives,
                                              const ModelTaps& models) {
  const auto not_measured = [](const std::string& why) {
    log_info("loss: not measured: " + why);
    return std::nullopt;
  };
  try {
    ObjectiveParameters own(objectives, models, at::TensorOptions(), 0);
    if (own.empty()) return own;
  } catch (const ConfigError& error) {
    return not_measured(error.what());
  }
  return not_measured(
      "it has trained parameters of its own (projectors), which a model folder does not hold; the "
      "run's own evaluations have it");
}

struct EvalCommand {
  ConfigOptions file;
  std::string model;
  std::string text;
  std::string output;
  int64_t max_length = 0;
  DeviceOptions device;

  void run() const {
    if (file.path.empty() == text.empty()) {
      throw ConfigError("eval: expected either --config, or --model with --text");
    }
    if (!text.empty() && !file.overrides.empty()) {
      throw ConfigError("eval: " + file.overrides[0] + ": there is no --config to override");
    }
    if (max_length < 0) {
      throw ConfigError("eval: --max-length: expected at least 1, found " +
                        std::to_string(max_length));
    }
    Json results = text.empty() ? held_out() : perplexity();
    std::printf("%s\n", results.dump(2).c_str());
    if (!output.empty()) write_file(output, results.dump(2) + "\n");
  }

  Transformer load(const std::string& path, const DeviceOptions& options) const {
    set_threads(options.threads);
    const at::Device where = resolve_device(options.device);
    return load_transformer(resolve_model(path), resolve_dtype(options.dtype, where), where);
  }

  Json perplexity() const {
    if (model.empty()) throw ConfigError("eval: --text needs --model");
    const Transformer transformer = load(model, device);
    const auto tokenizer = load_tokenizer(resolve_model(model));
    const int64_t length = max_length > 0 ? max_length : transformer.config().max_positions;
    const std::string content = read_file(text);
    require_utf8(content, text);
    const Perplexity p = measure_perplexity(transformer, *tokenizer, content, length);
    return {{"model", model},
            {"text", text},
            {"tokens", p.tokens},
            {"nll", p.nll / static_cast<double>(p.tokens)},
            {"token_perplexity", p.per_token()},
            {"word_perplexity", p.per_word()},
            {"byte_perplexity", p.per_byte()},
            {"bits_per_byte", p.bits_per_byte()}};
  }

  Json held_out() const {
    const RunConfig config = load_run_config(file.path, file.overrides).config;
    const std::string path = model.empty() ? config.run.output_dir + "/final" : model;
    if (config.teacher) {
      require_same_tokenizer(resolve_model(path), resolve_model(config.teacher->path));
    }
    const DeviceOptions options = student_device(config, device);
    const Transformer student = load(path, options);
    std::unique_ptr<Teacher> teacher;
    if (config.teacher) {
      teacher =
          std::make_unique<LiveTeacher>(load(config.teacher->path, teacher_device(config, device)));
    }
    MeasuredLoss loss;
    loss.context = StepContext::evaluation(static_cast<uint64_t>(config.run.seed), 0);
    LossStep step(student, teacher.get());
    const std::optional<ObjectiveParameters> own = measurable(config.objective, step.models());
    if (own) loss.terms = loss_terms(config.objective, *own, loss.context);
    const Fidelity f =
        measure_fidelity(step, held_out_batches(config, resolve_model(path).string()), loss);
    Json results = {{"model", path},
                    {"tokens", f.tokens},
                    {"loss", f.loss ? Json(*f.loss) : Json()},
                    {"nll", f.student_nll},
                    {"perplexity", f.perplexity()}};
    if (f.forward_kl) {
      results["teacher"] = config.teacher->path;
      results["teacher_nll"] = *f.teacher_nll;
      results["forward_kl"] = *f.forward_kl;
      results["reverse_kl"] = *f.reverse_kl;
      results["agreement"] = *f.agreement;
    }
    return results;
  }
};

}  // namespace

void add_eval(CLI::App& app) {
  auto options = std::make_shared<EvalCommand>();
  CLI::App* command = app.add_subcommand(
      "eval", "Held-out NLL, KL and agreement of a run's model, or a model's perplexity on a text");
  options->file.add_to(*command, false);
  command->add_option("--model", options->model,
                      "model folder or hub id; default: the run's final/");
  command->add_option("--text", options->text, "a text file: perplexity per token, word and byte");
  command->add_option("--max-length", options->max_length,
                      "tokens of a window; default: the model's");
  command->add_option("--output", options->output, "also write the results here, as JSON");
  options->device.add_to(*command);
  command->footer("Example:\n  distill eval --config configs/tiny/stories.yaml");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
