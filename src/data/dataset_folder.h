// A folder that holds a dataset, as the hub has them: which files are of which subset and split.
// The rules are those of the datasets library,
// https://huggingface.co/docs/hub/datasets-data-files-configuration, where they are simple; what
// they leave in doubt is refused.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "distill/data/record_set.h"

namespace distill {

/// The files of one subset and split, in the order of their names. The `configs` of README.md's
/// front matter name them; without those, the names of files and folders do:
/// data/train-00000-of-00002.*, then a folder's name with a split's in it (train, validation, test
/// and their like), then a file's, then every file is "train". A subset that is not named is the
/// only one, the default, or an error; a split that is not named is the only one, or an error.
/// Throws DataError that starts with `name` and lists what there is; also for a shard that is
/// missing.
std::vector<std::filesystem::path> dataset_files(const std::filesystem::path& folder,
                                                 const std::string& name, const DatasetPart& part);

}  // namespace distill
