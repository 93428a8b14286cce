#include "data/token_store.h"

#include <cstring>

#include "data/cache_folder.h"
#include "distill/core/error.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kTarget = uint32_t{1} << 31;
constexpr uint64_t kMagic = 0x31736e656b747364;  // "dstkens1", little-endian
constexpr size_t kBuffer = size_t{1} << 20;

/// The last bytes of a store. Before it stand the offsets, before them the records: each a checksum
/// of 4 bytes and its tokens, none of both where it could not be read.
struct Footer {
  uint64_t magic = kMagic;
  uint64_t records = 0;
};

uint32_t checksum(std::span<const uint32_t> tokens) {
  return static_cast<uint32_t>(hash_bytes(tokens.data(), tokens.size_bytes()).low);
}

fs::path path_of(const ContentKey& name) { return cache_folder("tokens") / name.hex(); }

fs::path path_in_new_folder(const ContentKey& name) {
  const fs::path path = path_of(name);
  make_directories(path.parent_path());
  return path;
}

}  // namespace

std::optional<std::vector<uint32_t>> compact_tokens(const Document& document) {
  std::vector<uint32_t> compact(document.tokens.size());
  for (size_t i = 0; i < compact.size(); ++i) {
    const int64_t token = document.tokens[i];
    if (token < 0 || token >= int64_t{kTarget}) return std::nullopt;
    compact[i] = static_cast<uint32_t>(token) | (document.is_target[i] ? kTarget : 0);
  }
  return compact;
}

Document document_of(std::span<const uint32_t> compact) {
  Document document;
  document.tokens.reserve(compact.size());
  document.is_target.reserve(compact.size());
  for (const uint32_t token : compact) {
    document.tokens.push_back(token & ~kTarget);
    document.is_target.push_back((token & kTarget) != 0);
  }
  return document;
}

std::unique_ptr<const TokenStore> TokenStore::open(const ContentKey& name, size_t records) {
  const fs::path path = path_of(name);
  if (!fs::exists(path)) return nullptr;
  MappedFile file = map_file(path);
  file.expect_small_reads();
  Footer footer;
  const size_t tail = sizeof footer + (records + 1) * sizeof(uint64_t);
  if (file.size < tail) return nullptr;
  const char* begin = file.text().data();
  std::memcpy(&footer, begin + file.size - sizeof footer, sizeof footer);
  if (footer.magic != kMagic || footer.records != records) return nullptr;
  const size_t tokens = file.size - tail;
  if (tokens % sizeof(uint64_t) != 0) return nullptr;
  const std::span<const uint64_t> offsets(reinterpret_cast<const uint64_t*>(begin + tokens),
                                          records + 1);
  if (offsets.back() > tokens) return nullptr;
  return std::unique_ptr<const TokenStore>(new TokenStore(path, std::move(file), offsets));
}

std::optional<Document> TokenStore::read(size_t record) const {
  const uint64_t begin = offsets_[record];
  const uint64_t end = offsets_[record + 1];
  if (begin == end) return std::nullopt;
  const bool possible = begin < end && end <= offsets_.back() && begin % sizeof(uint32_t) == 0 &&
                        end % sizeof(uint32_t) == 0;
  if (possible) {
    const auto* words = reinterpret_cast<const uint32_t*>(file_.text().data() + begin);
    const std::span<const uint32_t> tokens(words + 1, (end - begin) / sizeof(uint32_t) - 1);
    if (words[0] == checksum(tokens)) return document_of(tokens);
  }
  throw DataError(path_.string() + ": record " + std::to_string(record) +
                  " of these kept tokens is damaged; delete the file, and they are made anew");
}

TokenStoreWriter::TokenStoreWriter(const ContentKey& name) : file_(path_in_new_folder(name)) {}

void TokenStoreWriter::add(const std::optional<std::vector<uint32_t>>& compact) {
  size_t bytes = 0;
  if (compact) {
    const uint32_t sum = checksum(*compact);
    bytes = sizeof sum + compact->size() * sizeof(uint32_t);
    buffer_.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    buffer_.append(reinterpret_cast<const char*>(compact->data()), bytes - sizeof sum);
  }
  offsets_.push_back(offsets_.back() + bytes);
  if (buffer_.size() < kBuffer) return;
  file_.write(buffer_);
  buffer_.clear();
}

void TokenStoreWriter::finish() {
  buffer_.append((sizeof(uint64_t) - offsets_.back() % sizeof(uint64_t)) % sizeof(uint64_t), '\0');
  file_.write(buffer_);
  file_.write(offsets_.data(), offsets_.size() * sizeof(uint64_t));
  const Footer footer = {.records = offsets_.size() - 1};
  file_.write(&footer, sizeof footer);
  file_.commit();
}

}  // namespace distill
