// How a folder is replaced where the file system cannot exchange two names.
#pragma once

#include <filesystem>

namespace distill {

/// Gives `prepared` the name `target`, and what was there TARGET.removed, which is returned.
/// Between the two renames nothing is called `target`. Throws DataError: `target` is then what it
/// was.
std::filesystem::path rename_twice(const std::filesystem::path& prepared,
                                   const std::filesystem::path& target);

}  // namespace distill
