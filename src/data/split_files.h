// The data files of a folder by split.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace distill {

/// Paths under the folder, with '/', ascending; in the order of the splits' first file or rule.
using Splits = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// True where the name, compression aside, ends as one of a file of records.
bool is_records(const std::string& file);

/// Every file under the folder but hidden ones, those in folders "__*", and the hub's own notes.
std::vector<std::string> list_files(const std::filesystem::path& folder);

/// The files that match a pattern with *, ?, [...] and ** for any folders.
std::vector<std::string> match_files(const std::vector<std::string>& files,
                                     const std::string& pattern);

/// Files of records by what their names and folders say. Throws DataError for a name that says two
/// splits.
Splits splits_by_name(const std::vector<std::string>& files);

}  // namespace distill
