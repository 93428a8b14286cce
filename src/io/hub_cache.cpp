#include "distill/io/hub_cache.h"

#include <cstdlib>
#include <string_view>

#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path hub_cache() {
  if (const std::string hub = environment("HF_HUB_CACHE"); !hub.empty()) return hub;
  if (const std::string root = environment("HF_HOME"); !root.empty()) return fs::path(root) / "hub";
  const std::string cache = environment("XDG_CACHE_HOME");
  const fs::path folder =
      cache.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(cache);
  return folder / "huggingface" / "hub";
}

fs::path folder_of(HubKind kind, const std::string& id) {
  std::string name = (kind == HubKind::kModel ? "models--" : "datasets--") + id;
  if (const size_t slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "--");
  return hub_cache() / name;
}

}  // namespace

bool is_hub_id(const std::string& text) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  if (text.find_first_not_of(kLetters) != std::string::npos) return false;
  if (text.find("..") != std::string::npos) return false;
  const size_t slash = text.find('/');
  const std::string name = slash == std::string::npos ? text : text.substr(slash + 1);
  return !name.empty() && name.find('/') == std::string::npos && slash != 0 && text[0] != '.';
}

bool in_hub_cache(HubKind kind, const std::string& id) {
  std::error_code ignored;
  return is_hub_id(id) && fs::is_directory(folder_of(kind, id), ignored);
}

std::string fetch_advice(HubKind kind, const std::string& id) {
  return "; fetch it with: hf download " + id +
         (kind == HubKind::kDataset ? " --repo-type dataset" : "");
}

fs::path hub_snapshot(HubKind kind, const std::string& id) {
  const std::string advice = fetch_advice(kind, id);
  if (!in_hub_cache(kind, id)) {
    throw DataError(
        id + ": there is no such " + (kind == HubKind::kModel ? "folder" : "file or folder") +
        ", and the Hugging Face cache (" + hub_cache().string() + ") does not have it" + advice);
  }
  const fs::path folder = folder_of(kind, id);
  const fs::path ref = folder / "refs" / "main";
  std::error_code ignored;
  if (!fs::is_regular_file(ref, ignored)) {
    throw DataError(id + ": the Hugging Face cache has no main revision of it (" + ref.string() +
                    " is missing)" + advice);
  }
  std::string commit = read_file(ref);
  while (!commit.empty() && std::string_view(" \r\n").find(commit.back()) != std::string::npos) {
    commit.pop_back();
  }
  const fs::path snapshot = folder / "snapshots" / commit;
  if (commit.empty() || commit.find('/') != std::string::npos ||
      !fs::is_directory(snapshot, ignored)) {
    throw DataError(id + ": its copy in the Hugging Face cache is not complete (" +
                    snapshot.string() + " is missing)" + advice);
  }
  return snapshot;
}

}  // namespace distill
