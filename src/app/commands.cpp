#include "app/commands.h"

namespace distill::app {

void DeviceOptions::add_to(CLI::App& command) {
  command.add_option("--device", device, "auto, cpu or cuda")->capture_default_str();
  command.add_option("--dtype", dtype, "auto, float32, bfloat16 or float64")->capture_default_str();
  command.add_option("--threads", threads, "CPU threads; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

void ConfigOptions::add_to(CLI::App& command, bool required) {
  command.add_option("--config", path, "the YAML file")->required(required);
  command.add_option("overrides", overrides, "key.path=value, read as YAML");
}

}  // namespace distill::app
