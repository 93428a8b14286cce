// The local Hugging Face cache: HF_HUB_CACHE, HF_HOME/hub, else ~/.cache/huggingface/hub. Nothing
// is ever fetched.
#pragma once

#include <filesystem>
#include <string>

namespace distill {

enum class HubKind { kModel, kDataset };

/// "name" or "owner/name" in the characters that the hub allows.
bool is_hub_id(const std::string& text);

/// True where the cache has a folder for the id, complete or not.
bool in_hub_cache(HubKind kind, const std::string& id);

/// "; fetch it with: hf download owner/name".
std::string fetch_advice(HubKind kind, const std::string& id);

/// The snapshot of refs/main. Throws DataError with the command that fetches it: not in the cache,
/// or without that revision.
std::filesystem::path hub_snapshot(HubKind kind, const std::string& id);

}  // namespace distill
