// Parquet and Arrow files, read as the JSONL of their rows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "distill/data/records.h"
#include "distill/io/mapped_file.h"

namespace distill {

/// kParquet or kArrow where the first bytes say so. No JSON begins as they do.
std::optional<FileType> table_type_of(std::string_view file);

/// The rows of a table as JSONL, an object a row: written once into the user's cache folder under
/// the hash of `table`, in batches, and mapped. Needs libdistill_arrow.so, which is opened with the
/// first table that has to be converted. Throws DataError, which starts with `name`: the library is
/// absent, a table that is corrupt or cut off, a column of a type that JSON has no value for, a
/// full disk.
MappedFile map_rows(const MappedFile& table, FileType type, const std::string& name);

}  // namespace distill
