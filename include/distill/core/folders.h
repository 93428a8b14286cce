// Folders that change their place whole.
#pragma once

#include <filesystem>
#include <string>

namespace distill {

/// Gives `prepared` the name `target` beside it, at once and durably; a folder that had that name
/// is removed. Throws DataError: `target` is then what it was.
void put_in_place(const std::filesystem::path& prepared, const std::filesystem::path& target);

/// Renames a file or folder to NAME.abandoned (or .abandoned-2, ...), the first that is free, and
/// gives the new path. Throws DataError.
std::filesystem::path set_aside(const std::filesystem::path& path);

/// The same, but `path` stays: the copy of a file gets the name.
std::filesystem::path set_aside_copy(const std::filesystem::path& path);

/// Why removing the folder would stop halfway (a folder inside it that cannot be written), or
/// empty.
std::string why_not_removable(const std::filesystem::path& folder);

}  // namespace distill
