#include "train/checkpoint_manifest.h"

#include <map>
#include <string>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/progress.h"
#include "distill/io/json.h"

namespace distill {

namespace fs = std::filesystem;

fs::path manifest_path(const fs::path& checkpoint) {
  return checkpoint / "trainer" / "manifest.json";
}

void write_manifest(const fs::path& checkpoint) {
  constexpr int kFormat = 1;
  std::map<std::string, uintmax_t> sizes;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(checkpoint)) {
    if (entry.is_regular_file()) {
      sizes[entry.path().lexically_relative(checkpoint).string()] = entry.file_size();
    }
  }
  const Json manifest = {{"format", kFormat}, {"files", sizes}};
  write_file(manifest_path(checkpoint), manifest.dump(2) + "\n");
}

void check_manifest(const fs::path& checkpoint) {
  const fs::path path = manifest_path(checkpoint);
  if (!fs::exists(path)) {
    throw CheckpointError(checkpoint.string() +
                          ": not a checkpoint: trainer/manifest.json is missing (a checkpoint that "
                          "was not written to its end has none)");
  }
  const Json manifest = read_json(path);
  for (const auto& [name, size] : manifest.at("files").items()) {
    std::error_code error;
    const uintmax_t found = fs::file_size(checkpoint / name, error);
    if (error) {
      throw CheckpointError((checkpoint / name).string() + ": missing from the checkpoint");
    }
    if (found != size.get<uintmax_t>()) {
      throw CheckpointError((checkpoint / name).string() + ": " + std::to_string(found) +
                            plural(" byte", static_cast<int64_t>(found)) +
                            ", but the manifest says " + size.dump());
    }
  }
}

}  // namespace distill
