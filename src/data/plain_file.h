// The text of a file, compressed or not, mapped.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "distill/core/files.h"
#include "distill/io/mapped_file.h"

namespace distill {

/// A gzip or zstd file is decompressed once, into the user's cache folder under the hash of its
/// bytes, so that a changed file is another entry; memory stays at the size of a buffer. Throws
/// DataError: absent, a broken stream, a name that promises another compression, a full disk.
MappedFile map_plain_file(const std::filesystem::path& path);

/// An entry of the user's cache folder, which `write` makes where it is absent; `what` says in the
/// log what is then done. An entry is whole or not there. Throws DataError, and what `write`
/// throws.
MappedFile map_cached(const std::string& entry, const std::string& what,
                      const std::function<void(AtomicFile&)>& write);

/// The file's extension in lower case, without the one of its compression: ".jsonl" of
/// "a.JSONL.gz".
std::string plain_extension(const std::filesystem::path& path);

}  // namespace distill
