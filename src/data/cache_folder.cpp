#include "data/cache_folder.h"

#include <cstdlib>

namespace distill {

namespace fs = std::filesystem;

fs::path cache_folder(const std::string& kind) {
  const auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? fs::path(value) : fs::path();
  };
  fs::path folder = absolute("XDG_CACHE_HOME");
  if (folder.empty() && !absolute("HOME").empty()) folder = absolute("HOME") / ".cache";
  if (folder.empty()) folder = fs::temp_directory_path();
  return folder / "distill" / kind;
}

}  // namespace distill
