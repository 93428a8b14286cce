// trainer/manifest.json: what makes a folder a checkpoint.
#pragma once

#include <filesystem>

namespace distill {

std::filesystem::path manifest_path(const std::filesystem::path& checkpoint);

/// Lists every file below the folder with its size; to be written last.
void write_manifest(const std::filesystem::path& checkpoint);

/// Throws CheckpointError where a file is missing or of another size; DataError or Json::exception
/// where the manifest itself cannot be read.
void check_manifest(const std::filesystem::path& checkpoint);

}  // namespace distill
