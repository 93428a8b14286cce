#include "data/plain_file.h"

#include <algorithm>

#include "data/cache_folder.h"
#include "data/decompress.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/hash.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return extension;
}

bool is_zstd(const std::string& extension) { return extension == ".zst" || extension == ".zstd"; }

/// Where the name promises what the bytes are not.
void check_name(const fs::path& path, Compression found) {
  const std::string extension = lower_extension(path);
  for (const char* other : {".bz2", ".xz", ".lz4", ".zip", ".7z"}) {
    if (extension == other) {
      throw DataError(path.string() + ": '" + extension +
                      "' files are not supported; gzip and zstd are");
    }
  }
  const char* promised = nullptr;
  if (extension == ".gz" && found != Compression::kGzip) promised = "gzip";
  if (is_zstd(extension) && found != Compression::kZstd) promised = "zstd";
  if (promised != nullptr) {
    throw DataError(path.string() + ": byte 0: not a " + promised + " stream, as its name says");
  }
}

}  // namespace

MappedFile map_cached(const std::string& entry, const std::string& what,
                      const std::function<void(AtomicFile&)>& write) {
  const fs::path path = cache_folder("text") / entry;
  if (!fs::exists(path)) {
    log_info(what + " into " + path.string());
    make_directories(path.parent_path());
    AtomicFile output(path);
    write(output);
    output.commit();
  }
  return map_file(path);
}

std::string plain_extension(const fs::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".gz" || is_zstd(extension) ? lower_extension(path.stem()) : extension;
}

MappedFile map_plain_file(const fs::path& path) {
  MappedFile file = map_file(path);
  const Compression compression = compression_of(file.text());
  check_name(path, compression);
  if (compression == Compression::kNone) return file;
  const std::string what =
      "decompressing " + path.string() + " (" + format_bytes(static_cast<int64_t>(file.size)) + ")";
  return map_cached(hash_text(file.text()).hex(), what, [&](AtomicFile& output) {
    decompress(file.text(), compression, path.string(),
               [&output](std::string_view piece) { output.write(piece); });
  });
}

}  // namespace distill
