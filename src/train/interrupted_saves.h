// What a process that was killed while it saved or removed something leaves in a run folder.
#pragma once

#include <filesystem>

namespace distill {

/// What a checkpoint or final/ is called until it is whole, and from when it is going.
inline constexpr const char* kPartial = ".partial";
inline constexpr const char* kRemoved = ".removed";

/// Gives whole ones their name back, where nothing has it: a file system that cannot exchange two
/// names takes two renames to replace a folder, and a kill may come between them.
void put_back_whole(const std::filesystem::path& run_folder);

/// Removes the others.
void sweep_leftovers(const std::filesystem::path& run_folder);

}  // namespace distill
