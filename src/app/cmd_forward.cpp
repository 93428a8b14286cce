#include <memory>

#include "app/commands.h"
#include "distill/eval/forward_dump.h"
#include "distill/io/hf_folder.h"
#include "distill/io/safetensors.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"

namespace distill::app {
namespace {

struct ForwardCommand {
  std::string model;
  std::string input;
  std::string output;
  DeviceOptions device;
  ForwardRequest request;

  void run() const {
    set_threads(device.threads);
    const at::Device where = resolve_device(device.device);
    const auto documents = documents_from_json(read_json(input), input);
    Transformer transformer =
        load_transformer(resolve_model(model), resolve_dtype(device.dtype, where), where);
    write_safetensors(output, forward_dump(transformer, documents, request));
  }
};

}  // namespace

void add_forward(CLI::App& app) {
  auto options = std::make_shared<ForwardCommand>();
  CLI::App* command = app.add_subcommand("forward", "Logits of given token ids, for checking");
  command->add_option("--model", options->model, "model folder or hub id")->required();
  command->add_option("--input", options->input, "JSON: ids, lists of ids, or {input_ids, labels}")
      ->required();
  command->add_option("--output", options->output, "safetensors file to write")->required();
  command->add_flag("--hidden", options->request.hidden, "also the hidden states of every layer");
  command->add_flag("--attention", options->request.attention, "also the attention maps");
  command->add_flag("--gradients", options->request.gradients,
                    "also the gradient of the mean cross-entropy, under the checkpoint's names");
  options->device.add_to(*command);
  command->footer(
      "Example:\n  distill forward --model data/stories260K --input ids.json --output "
      "out.safetensors");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
