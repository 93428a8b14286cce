// oneDNN's block product (as LibTorch exports it) adds bf16 products into an fp32 block. Its left
// side has the summed dimension innermost, so a block of the vocabulary is transposed first; its
// right side holds pairs of rows interleaved, as the bf16 instructions read them.
#include "ops/cpu/weight_gradient_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/cpu/kernel.h"

namespace distill {
namespace {

constexpr int64_t kBlock = 64;  // rows of the gradient a product
constexpr int64_t kDepth = 32;  // the summed dimension is filled up to a multiple: fewer kernels

/// [R, D] -> [depth / 2, D, 2], zero past R.
at::Tensor interleave_rows(const at::Tensor& input, int64_t depth) {
  const int64_t rows = input.size(0), width = input.size(1);
  at::Tensor packed = at::empty({depth / 2, width, 2}, input.options());
  const auto* from = input.const_data_ptr<at::BFloat16>();
  auto* to = packed.mutable_data_ptr<at::BFloat16>();
  const at::BFloat16 zero = 0.0f;
  at::parallel_for(0, depth / 2, 16, [&](int64_t begin, int64_t end) {
    for (int64_t pair = begin; pair < end; ++pair) {
      const at::BFloat16* even = from + 2 * pair * width;
      at::BFloat16* out = to + 2 * pair * width;
      for (int64_t d = 0; d < width; ++d) {
        out[2 * d] = 2 * pair < rows ? even[d] : zero;
        out[2 * d + 1] = 2 * pair + 1 < rows ? even[width + d] : zero;
      }
    }
  });
  return packed;
}

using Eight = uint16_t __attribute__((vector_size(16)));

/// Three rounds of interleaving rows i and i + 4 transpose an 8 x 8 tile.
DISTILL_INLINE void transpose_tile(const at::BFloat16* from, int64_t stride, at::BFloat16* to,
                                   int64_t depth) {
  Eight rows[8], next[8];
  for (int i = 0; i < 8; ++i) std::memcpy(&rows[i], from + i * stride, sizeof(Eight));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    std::copy(next, next + 8, rows);
  }
  for (int i = 0; i < 8; ++i) std::memcpy(to + i * depth, &rows[i], sizeof(Eight));
}

/// Columns [0, count) of `from` [rows, stride] -> rows of `to` [count, depth], zero past `rows`.
void transpose_block(const at::BFloat16* from, int64_t stride, int64_t rows, int64_t count,
                     at::BFloat16* to, int64_t depth) {
  const int64_t tiled_rows = rows / 8 * 8, tiled_columns = count / 8 * 8;
  for (int64_t row = 0; row < tiled_rows; row += 8) {
    for (int64_t column = 0; column < tiled_columns; column += 8) {
      transpose_tile(from + row * stride + column, stride, to + column * depth + row, depth);
    }
  }
  for (int64_t column = 0; column < count; ++column) {
    for (int64_t row = column < tiled_columns ? tiled_rows : 0; row < rows; ++row) {
      to[column * depth + row] = from[row * stride + column];
    }
    std::fill(to + column * depth + rows, to + (column + 1) * depth, at::BFloat16(0.0f));
  }
}

/// LibTorch may have been built, or told, not to use the instructions that the processor has.
[[maybe_unused]] bool block_product_works() {
  const std::vector<at::BFloat16> ones(16 * kDepth, at::BFloat16(1.0f));
  std::vector<float> sums(16 * 16, 1.0f);
  try {
    at::native::cpublas::brgemm(16, 16, kDepth, kDepth, 16, 16, /*add_C=*/true, ones.data(),
                                ones.data(), sums.data(), /*is_vnni=*/true);
    at::native::cpublas::brgemm_release(/*is_vnni=*/true);
  } catch (const std::exception&) {
    return false;
  }
  return sums.front() == 1.0f + kDepth && sums.back() == 1.0f + kDepth;
}

}  // namespace

bool has_bf16_products() {
#if defined(__x86_64__) && defined(CPUBLAS_BRGEMM_BF16BF16F32)
  static const bool works = __builtin_cpu_supports("avx512bf16") && block_product_works();
  return works;
#else
  return false;
#endif
}

void add_weight_gradient_bf16(const at::Tensor& gradient, const at::Tensor& d_output,
                              const at::Tensor& input) {
  const at::Tensor right = input.contiguous();
  const at::Tensor left = d_output.stride(1) == 1 ? d_output : d_output.contiguous();
  const int64_t rows = left.size(0), vocabulary = left.size(1), width = right.size(1);
  const int64_t depth = (rows + kDepth - 1) / kDepth * kDepth;
  const at::Tensor packed = interleave_rows(right, depth);
  const auto* from = left.const_data_ptr<at::BFloat16>();
  const auto* pairs = packed.const_data_ptr<at::BFloat16>();
  auto* to = gradient.mutable_data_ptr<float>();
  const int64_t blocks = (vocabulary + kBlock - 1) / kBlock;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    std::vector<at::BFloat16> block(static_cast<size_t>(kBlock * depth));
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * kBlock, count = std::min(kBlock, vocabulary - first);
      transpose_block(from + first, left.stride(0), rows, count, block.data(), depth);
      at::native::cpublas::brgemm(count, width, depth, depth, width, width, /*add_C=*/true,
                                  block.data(), pairs, to + first * width, /*is_vnni=*/true);
    }
    at::native::cpublas::brgemm_release(/*is_vnni=*/true);
  });
}

}  // namespace distill
