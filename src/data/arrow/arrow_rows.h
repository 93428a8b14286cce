// The border between the program and libdistill_arrow.so, which alone knows Arrow: neither an Arrow
// type nor an exception crosses it.
#pragma once

#include <cstddef>

namespace distill {

/// Arrow's own format is a file (magic bytes, footer), or a stream without them, as which the
/// datasets library keeps its tables.
enum class ArrowKind { kParquet, kIpcFile, kIpcStream };

/// Takes a piece of text; false: stop.
using ArrowWrite = bool (*)(void* context, const char* text, size_t bytes);

/// Writes the rows of a whole file in memory as JSONL: an object a row, in batches, so that memory
/// stays at the size of a row group's pages. 0: done. Else `message` (NUL-terminated, cut where it
/// does not fit) says what is wrong, or is empty where `write` stopped.
using ArrowRows = int (*)(ArrowKind kind, const void* file, size_t bytes, ArrowWrite write,
                          void* context, char* message, size_t message_bytes);

constexpr const char* kArrowRowsName = "distill_arrow_rows";

}  // namespace distill
