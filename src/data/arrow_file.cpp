#include "data/arrow_file.h"

#include <dlfcn.h>

#include <array>
#include <exception>

#include "data/arrow/arrow_rows.h"
#include "data/plain_file.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/hash.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"

namespace distill {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kParquetMagic = "PAR1";
constexpr std::string_view kEncryptedMagic = "PARE";
constexpr std::string_view kIpcMagic = "ARROW1";
constexpr std::string_view kIpcMessage = "\xff\xff\xff\xff"sv;  // with which a stream begins
// The entries of the cache: counted up whenever rows come to be written otherwise.
constexpr const char* kEntry = ".rows1.jsonl";

/// The library's function, or null with the linker's reason.
struct Library {
  ArrowRows rows = nullptr;
  std::string reason;
};

const Library& library() {
  static const Library opened = [] {
    Library result;
    void* handle = ::dlopen("libdistill_arrow.so", RTLD_NOW | RTLD_LOCAL);
    void* symbol = handle != nullptr ? ::dlsym(handle, kArrowRowsName) : nullptr;
    result.rows = reinterpret_cast<ArrowRows>(symbol);
    if (const char* reason = ::dlerror(); reason != nullptr) result.reason = reason;
    return result;
  }();
  return opened;
}

ArrowKind kind_of(std::string_view table, FileType type, const std::string& name) {
  if (type == FileType::kParquet) {
    if (table.starts_with(kParquetMagic)) return ArrowKind::kParquet;
    if (table.starts_with(kEncryptedMagic)) {
      throw DataError(name + ": the Parquet file is encrypted, which is not supported");
    }
    throw DataError(name + ": byte 0: not a Parquet file");
  }
  if (table.starts_with(kIpcMagic)) return ArrowKind::kIpcFile;
  if (table.starts_with(kIpcMessage)) return ArrowKind::kIpcStream;
  throw DataError(name + ": byte 0: not an Arrow file or stream (Feather's first version is not)");
}

/// Where the library writes to; what is thrown waits here until the library has returned.
struct Output {
  AtomicFile& file;
  std::exception_ptr thrown;

  static bool write(void* context, const char* text, size_t bytes) {
    auto& self = *static_cast<Output*>(context);
    try {
      throw_if_stopped();
      self.file.write(text, bytes);
      return true;
    } catch (...) {
      self.thrown = std::current_exception();
      return false;
    }
  }
};

void write_rows(ArrowKind kind, const MappedFile& table, const std::string& name,
                AtomicFile& file) {
  const char* format = kind == ArrowKind::kParquet ? "Parquet" : "Arrow";
  if (library().rows == nullptr) {
    throw DataError(name + ": reading " + format + " files needs libdistill_arrow.so (" +
                    library().reason + "); scripts/setup installs Arrow and scripts/build then " +
                    "makes the library, or write the file as JSONL");
  }
  Output output{file, nullptr};
  std::array<char, 1024> message = {};
  const int status = library().rows(kind, table.data.get(), table.size, Output::write, &output,
                                    message.data(), message.size());
  if (output.thrown) std::rethrow_exception(output.thrown);
  if (status != 0) {
    throw DataError(name + ": cannot be read as " + format + ": " + message.data());
  }
}

}  // namespace

std::optional<FileType> table_type_of(std::string_view file) {
  if (file.starts_with(kParquetMagic)) return FileType::kParquet;
  if (file.starts_with(kIpcMagic)) return FileType::kArrow;
  return std::nullopt;
}

MappedFile map_rows(const MappedFile& table, FileType type, const std::string& name) {
  const ArrowKind kind = kind_of(table.text(), type, name);
  const std::string what =
      "converting " + name + " (" + format_bytes(static_cast<int64_t>(table.size)) + ")";
  return map_cached(hash_text(table.text()).hex() + kEntry, what,
                    [&](AtomicFile& file) { write_rows(kind, table, name, file); });
}

}  // namespace distill
