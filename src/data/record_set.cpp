#include "distill/data/record_set.h"

#include <glob.h>

#include <algorithm>

#include "data/dataset_folder.h"
#include "data/split_files.h"
#include "distill/core/error.h"
#include "distill/io/hub_cache.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

bool is_pattern(const std::string& path) {
  return path.find_first_of("*?[") != std::string::npos && !fs::exists(path);
}

std::vector<fs::path> match(const std::string& pattern) {
  glob_t found = {};
  const int status = ::glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &found);
  const std::unique_ptr<glob_t, void (*)(glob_t*)> closer(&found, globfree);
  if (status != 0 && status != GLOB_NOMATCH) {
    throw DataError(pattern + ": a folder of the pattern cannot be read");
  }
  std::vector<fs::path> files;
  for (size_t i = 0; i < found.gl_pathc; ++i) {
    if (!fs::is_directory(found.gl_pathv[i])) files.emplace_back(found.gl_pathv[i]);
  }
  std::sort(files.begin(), files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return files;
}

/// An id rather than the name of a file that is not there.
bool is_dataset_id(const std::string& path) {
  if (fs::exists(path) || !is_hub_id(path)) return false;
  return in_hub_cache(HubKind::kDataset, path) || !is_records(path);
}

}  // namespace

std::vector<fs::path> source_files(const std::string& path, const DatasetPart& part) {
  if (fs::is_directory(path)) return dataset_files(path, path, part);
  if (is_dataset_id(path)) {
    return dataset_files(hub_snapshot(HubKind::kDataset, path), path, part);
  }
  if (part.subset || part.split) {
    throw DataError(path + ": " + (part.split ? "split" : "subset") +
                    ": only a folder or an id of the Hugging Face cache takes it");
  }
  if (!is_pattern(path)) return {path};
  if (path.find("**") != std::string::npos) {
    throw DataError(path + ": '**' is not supported; a pattern has '*', '?' and '[...]'");
  }
  std::vector<fs::path> files = match(path);
  if (files.empty()) throw DataError(path + ": no file matches the pattern");
  return files;
}

bool source_exists(const std::string& path) {
  if (is_pattern(path)) return !match(path).empty();
  return fs::exists(path) || in_hub_cache(HubKind::kDataset, path);
}

RecordSet::RecordSet(const std::string& path, const RecordOptions& options, const DatasetPart& part)
    : RecordSet(source_files(path, part), options) {}

RecordSet::RecordSet(const std::vector<fs::path>& files, const RecordOptions& options) {
  for (const fs::path& file : files) {
    files_.push_back(std::make_unique<const RecordFile>(file, options));
    begins_.push_back(begins_.back() + files_.back()->size());
  }
}

size_t RecordSet::file_of(size_t record) const {
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), record);
  return static_cast<size_t>(after - begins_.begin()) - 1;
}

RecordSet::Position RecordSet::find(size_t record) const {
  const size_t file = file_of(record);
  return {*files_.at(file), record - begins_[file]};
}

std::string_view RecordSet::text(size_t record) const {
  const Position at = find(record);
  return at.file.text(at.record);
}

Json RecordSet::read(size_t record) const {
  const Position at = find(record);
  return at.file.read(at.record);
}

std::string RecordSet::place(size_t record) const {
  const Position at = find(record);
  return at.file.place(at.record);
}

ContentKey RecordSet::hash() const {
  if (files_.size() == 1) return files_.front()->hash();
  Hasher hasher;
  for (const auto& file : files_) hasher.add(file->hash().hex());
  return hasher.key();
}

size_t RecordSet::bytes() const {
  size_t bytes = 0;
  for (const auto& file : files_) bytes += file->bytes();
  return bytes;
}

void RecordSet::release() const {
  for (const auto& file : files_) file->release();
}

void RecordSet::require_unchanged(std::span<const uint32_t> records) const {
  std::vector<bool> seen(files_.size());
  for (const uint32_t record : records) {
    const size_t file = file_of(record);
    if (!seen[file]) files_[file]->require_unchanged();
    seen[file] = true;
  }
}

}  // namespace distill
