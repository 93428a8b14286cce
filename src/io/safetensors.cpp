#include "distill/io/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <set>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/progress.h"
#include "distill/io/json.h"
#include "distill/io/mapped_file.h"

namespace distill {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 64;
constexpr size_t kMaxHeader = 100'000'000;  // the format's own limit

constexpr std::array<std::pair<const char*, at::ScalarType>, 10> kDtypes = {
    {{"F64", at::kDouble},
     {"F32", at::kFloat},
     {"F16", at::kHalf},
     {"BF16", at::kBFloat16},
     {"I64", at::kLong},
     {"I32", at::kInt},
     {"I16", at::kShort},
     {"I8", at::kChar},
     {"U8", at::kByte},
     {"BOOL", at::kBool}}};

/// What the checks of one header share: where the data is and how to complain.
struct HeaderReader {
  std::string path;
  size_t data_begin;
  size_t data_bytes;

  [[noreturn]] void fail(const std::string& what) const { throw DataError(path + ": " + what); }

  size_t unsigned_integer(const Json& value, const std::string& what) const {
    if (!value.is_number_unsigned()) {
      fail(what + ": expected an integer from 0, found " + value.dump(-1, ' ', true));
    }
    return value.get<size_t>();
  }

  at::ScalarType dtype(const Json& value, const std::string& name) const {
    std::string known;
    for (const auto& [text, type] : kDtypes) {
      if (value == text) return type;
      known += std::string(known.empty() ? "" : ", ") + text;
    }
    fail(name + ": the dtype " + value.dump(-1, ' ', true) + " is not supported; known are " +
         known);
  }

  /// Bytes of a shape, with every product checked; a tensor without elements has strides too.
  size_t bytes(const SafetensorsFile::Entry& entry) const {
    constexpr size_t kLimit = std::numeric_limits<int64_t>::max();
    size_t count = c10::elementSize(entry.dtype);
    bool is_empty = false;
    for (const int64_t size : entry.shape) {
      is_empty = is_empty || size == 0;
      const auto factor = static_cast<size_t>(std::max<int64_t>(size, 1));
      if (__builtin_mul_overflow(count, factor, &count) || count > kLimit) {
        fail(entry.name + ": the shape is too large");
      }
    }
    return is_empty ? 0 : count;
  }

  SafetensorsFile::Entry entry(const std::string& name, const Json& value) const {
    if (!value.is_object()) fail(name + ": expected an object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!value.contains(key)) fail(name + ": " + key + " is missing");
    }
    if (value.size() != 3) fail(name + ": expected dtype, shape and data_offsets, nothing else");
    SafetensorsFile::Entry entry;
    entry.name = name;
    entry.dtype = dtype(value["dtype"], name);
    if (!value["shape"].is_array()) fail(name + ": shape: expected a list");
    for (const Json& size : value["shape"]) {
      const size_t checked = unsigned_integer(size, name + ": shape");
      if (checked > size_t{std::numeric_limits<int64_t>::max()}) fail(name + ": shape: too large");
      entry.shape.push_back(static_cast<int64_t>(checked));
    }
    const Json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) {
      fail(name + ": data_offsets: expected two integers");
    }
    const size_t begin = unsigned_integer(offsets[0], name + ": data_offsets");
    const size_t end = unsigned_integer(offsets[1], name + ": data_offsets");
    if (begin > end || end > data_bytes) {
      fail(name + ": data_offsets [" + std::to_string(begin) + ", " + std::to_string(end) +
           "] do not fit in the " + std::to_string(data_bytes) +
           " bytes of data; the file is truncated or corrupt");
    }
    if (bytes(entry) != end - begin) {
      fail(name + ": dtype and shape need " + std::to_string(bytes(entry)) +
           " bytes, data_offsets give " + std::to_string(end - begin));
    }
    entry.begin = data_begin + begin;
    entry.end = data_begin + end;
    return entry;
  }

  /// The tensors must cover the data exactly.
  void check_cover(const std::vector<SafetensorsFile::Entry>& entries) const {
    std::vector<const SafetensorsFile::Entry*> order;
    for (const auto& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
      return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
    });
    size_t at = data_begin;
    for (const auto* entry : order) {
      if (entry->begin != at) {
        fail(entry->name + ": its data starts at byte " + std::to_string(entry->begin) + ", " +
             (entry->begin < at ? "inside another tensor" : "after a gap") + "; expected " +
             std::to_string(at));
      }
      at = entry->end;
    }
    if (at != data_begin + data_bytes) {
      fail("the tensors end at byte " + std::to_string(at) + " but the file has " +
           std::to_string(data_begin + data_bytes));
    }
  }
};

/// Pieces of a file that will be written.
struct Plan {
  std::string header;  // with its length in front and padding at its end
  std::vector<at::Tensor> tensors;
};

Plan plan_file(const std::string& path,
               const std::vector<std::pair<std::string, at::Tensor>>& tensors,
               const std::map<std::string, std::string>& metadata) {
  // Large elements first: every tensor is then aligned for its dtype, as the format forbids gaps.
  std::vector<const std::pair<std::string, at::Tensor>*> order;
  for (const auto& named : tensors) order.push_back(&named);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.element_size() > b->second.element_size();
  });
  Plan plan;
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t at = 0;
  std::set<std::string_view> names = {"__metadata__"};
  for (const auto* named : order) {
    const std::string& name = named->first;
    const at::Tensor& tensor = named->second;
    const auto dtype = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& known) {
      return known.second == tensor.scalar_type();
    });
    if (dtype == kDtypes.end()) {
      throw DataError(path + ": " + name + ": safetensors has no dtype " +
                      c10::toString(tensor.scalar_type()));
    }
    if (!names.insert(name).second) throw DataError(path + ": " + name + ": given twice");
    const size_t end = at + tensor.nbytes();
    Json entry;
    entry["dtype"] = dtype->first;
    entry["shape"] = tensor.sizes().vec();
    entry["data_offsets"] = {at, end};
    static_cast<Json::object_t::Container&>(header.get_ref<Json::object_t&>())
        .emplace_back(name, std::move(entry));
    plan.tensors.push_back(tensor);
    at = end;
  }
  std::string text = header.dump();
  text.resize(
      (kLengthBytes + text.size() + kAlignment - 1) / kAlignment * kAlignment - kLengthBytes, ' ');
  const uint64_t length = text.size();
  plan.header.assign(kLengthBytes, '\0');
  std::memcpy(plan.header.data(), &length, kLengthBytes);
  plan.header += text;
  return plan;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path) {
  MappedFile file = map_file(path);
  const std::string name = path.string();
  if (file.size < kLengthBytes) {
    throw DataError(name + ": no safetensors file: " + std::to_string(file.size) +
                    plural(" byte", static_cast<int64_t>(file.size)));
  }
  uint64_t header_bytes = 0;
  const auto* bytes = static_cast<const char*>(file.data.get());
  std::memcpy(&header_bytes, bytes, kLengthBytes);
  if (header_bytes > kMaxHeader || header_bytes > file.size - kLengthBytes) {
    throw DataError(name + ": the header would have " + std::to_string(header_bytes) +
                    " bytes, the file has " + std::to_string(file.size) +
                    "; it is truncated or no safetensors file");
  }
  const Json header = parse_json({bytes + kLengthBytes, header_bytes}, name + ": header");
  if (!header.is_object()) throw DataError(name + ": the header is not a JSON object");
  const size_t data_begin = kLengthBytes + header_bytes;
  const HeaderReader reader{name, data_begin, file.size - data_begin};
  for (const auto& [key, value] : header.items()) {
    if (key != "__metadata__") {
      entries_.push_back(reader.entry(key, value));
      continue;
    }
    if (!value.is_object()) reader.fail("__metadata__: expected an object of strings");
    for (const auto& [label, text] : value.items()) {
      if (!text.is_string()) reader.fail("__metadata__: " + label + ": expected a string");
      metadata_[label] = text.get<std::string>();
    }
  }
  reader.check_cover(entries_);
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  mapping_ = std::move(file.data);
}

const SafetensorsFile::Entry* SafetensorsFile::find(const std::string& name) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const Entry& entry, const std::string& key) { return entry.name < key; });
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const Entry* found = find(name);
  if (found == nullptr) throw DataError(path_.string() + ": there is no tensor '" + name + "'");
  return *found;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const Entry& found = entry(name);
  const char* from = static_cast<const char*>(mapping_.get()) + found.begin;
  const auto options = at::TensorOptions(found.dtype);
  if (found.begin == found.end) return at::empty(found.shape, options);
  if (reinterpret_cast<uintptr_t>(from) % c10::elementSize(found.dtype) != 0) {
    at::Tensor copy = at::empty(found.shape, options);
    std::memcpy(copy.mutable_data_ptr(), from, found.end - found.begin);
    return copy;
  }
  // from_blob wants a pointer to what may be written; the mapping may not.
  return at::from_blob(
      const_cast<char*>(from), found.shape, [keep = mapping_](void*) {}, options);
}

void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const Plan plan = plan_file(path.string(), tensors, metadata);
  AtomicFile file(path);
  file.write(plan.header);
  for (const at::Tensor& tensor : plan.tensors) {
    const at::Tensor host = tensor.detach().to(at::kCPU).contiguous();
    file.write(host.const_data_ptr(), host.nbytes());
  }
  file.commit();
}

}  // namespace distill
