// gzip and zstd streams, piece by piece.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace distill {

enum class Compression { kNone, kGzip, kZstd };

/// What the first bytes of a file say. No text in UTF-8 begins as a compressed stream does.
Compression compression_of(std::string_view stream);

/// Hands the content to `sink` in pieces of at most 1 MB. Streams laid end to end are one. Throws
/// DataError that names `name` and the byte for what is cut off, corrupt, or follows the stream.
void decompress(std::string_view stream, Compression compression, const std::string& name,
                const std::function<void(std::string_view)>& sink);

}  // namespace distill
