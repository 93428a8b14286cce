#include "objective/row_random.h"

#include <ATen/ATen.h>

namespace distill {
namespace {

/// Tensors have no uint64; int64 wraps to the same bits.
int64_t as_signed(uint64_t bits) { return static_cast<int64_t>(bits); }

/// x ^ (x >> shift), the shift filling in zeros and not the sign.
at::Tensor fold(const at::Tensor& x, int64_t shift) {
  const int64_t kept = as_signed(~uint64_t{0} >> shift);
  return x.bitwise_xor(x.bitwise_right_shift(shift).bitwise_and(kept));
}

}  // namespace

at::Tensor split_mix(const at::Tensor& state) {
  at::Tensor x = state + as_signed(0x9e3779b97f4a7c15);
  x = fold(x, 30) * as_signed(0xbf58476d1ce4e5b9);
  x = fold(x, 27) * as_signed(0x94d049bb133111eb);
  return fold(x, 31);
}

at::Tensor row_uniforms(uint64_t seed, const at::Tensor& keys, int64_t draws) {
  const at::Tensor rows = split_mix(keys + as_signed(seed)).unsqueeze(-1);
  const at::Tensor bits = split_mix(rows + at::arange(draws, keys.options()));
  constexpr int64_t kMantissa = (int64_t{1} << 52) - 1;
  return bits.bitwise_and(kMantissa).to(at::kDouble) * 0x1p-52;
}

}  // namespace distill
