#include "data/record_index.h"

#include <cstring>

#include "data/cache_folder.h"
#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMagic = 0x3178646e69747364;  // "dstindx1", little-endian

/// The first bytes of an index; the begins follow.
struct Header {
  uint64_t magic = kMagic;
  FileStamp stamp;
  uint64_t records = 0;
  ContentKey hash;
};

fs::path index_path(const fs::path& file, const std::string& kind) {
  Hasher hasher;
  hasher.add(fs::canonical(file).string()).add(kind);
  return cache_folder("index") / hasher.key().hex();
}

}  // namespace

uint64_t RecordIndex::begin(size_t record) const {
  if (record >= begins_.size()) throw Error("RecordIndex: no record " + std::to_string(record));
  return begins_[record];
}

std::optional<RecordIndex> find_index(const fs::path& file, const std::string& kind) {
  const fs::path path = index_path(file, kind);
  if (!fs::exists(path)) return std::nullopt;
  MappedFile kept = map_file(path);
  Header found;
  if (kept.size < sizeof found) return std::nullopt;
  std::memcpy(&found, kept.data.get(), sizeof found);
  const size_t bytes = kept.size - sizeof found;
  const bool whole = found.magic == kMagic && bytes / sizeof(uint64_t) == found.records &&
                     bytes % sizeof(uint64_t) == 0;
  if (!whole || found.stamp != stamp_of(file)) return std::nullopt;
  const auto* begins =
      reinterpret_cast<const uint64_t*>(static_cast<const char*>(kept.data.get()) + sizeof found);
  const std::span<const uint64_t> all(begins, found.records);
  return RecordIndex(std::move(kept), all, found.hash);
}

void keep_index(const fs::path& file, const std::string& kind, const FileStamp& stamp,
                std::span<const uint64_t> begins, const ContentKey& text_hash) {
  const Header header = {.stamp = stamp, .records = begins.size(), .hash = text_hash};
  const fs::path path = index_path(file, kind);
  make_directories(path.parent_path());
  AtomicFile output(path);
  output.write(&header, sizeof header);
  output.write(begins.data(), begins.size_bytes());
  output.commit();
}

}  // namespace distill
