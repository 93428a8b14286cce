// A safetensors file.
#include "distill/io/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "fuzz/fuzz.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace distill::fuzz {
namespace {

constexpr size_t kLengthBytes = 8;

void check_tensor(const SafetensorsFile& file, const SafetensorsFile::Entry& entry) {
  const at::Tensor tensor = file.tensor(entry.name);
  require(tensor.nbytes() == entry.end - entry.begin, "a tensor has the bytes of its entry");
  require(tensor.sizes().vec() == entry.shape, "a tensor has the shape of its entry");
  require(tensor.scalar_type() == entry.dtype, "a tensor has the dtype of its entry");
  const auto* bytes = static_cast<const unsigned char*>(tensor.const_data_ptr());
  unsigned sum = 0;
  for (size_t i = 0; i < tensor.nbytes(); ++i) sum += bytes[i];
  [[maybe_unused]] volatile unsigned read = sum;
}

}  // namespace
}  // namespace distill::fuzz

/// Mostly a file whose first bytes tell its header's length, as almost none would by chance.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  using distill::fuzz::kLengthBytes;
  size = LLVMFuzzerMutate(data, size, max_size);
  if (size < kLengthBytes || seed % 8 == 0) return size;
  const std::string_view text =
      distill::fuzz::bytes_of(data, size).substr(kLengthBytes, std::string_view::npos);
  const uint64_t length = text.rfind('}') + 1;  // npos + 1 is 0
  std::memcpy(data, &length, kLengthBytes);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill;
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::accepts([&] {
    const SafetensorsFile file(input.path());
    for (const SafetensorsFile::Entry& entry : file.entries()) fuzz::check_tensor(file, entry);
  });
  return 0;
}
