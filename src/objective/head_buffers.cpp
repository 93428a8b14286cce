#include "distill/objective/head_buffers.h"

#include <ATen/ATen.h>

namespace distill {
namespace {

/// `buffer` seen as [rows, columns], made anew where it does not suffice.
at::Tensor view_of(at::Tensor& buffer, int64_t rows, int64_t columns,
                   const at::TensorOptions& options) {
  constexpr int64_t kStep = 128;  // of rows: batches differ a little in theirs
  const bool fits = buffer.defined() && buffer.numel() >= rows * columns &&
                    buffer.scalar_type() == c10::typeMetaToScalarType(options.dtype()) &&
                    buffer.device() == options.device();
  if (!fits) {
    buffer = at::Tensor();
    buffer = at::empty({(rows + kStep - 1) / kStep * kStep * columns}, options);
  }
  return buffer.narrow(0, 0, rows * columns).view({rows, columns});
}

}  // namespace

at::Tensor HeadBuffers::student(int64_t rows, int64_t columns, const at::TensorOptions& options) {
  return view_of(student_, rows, columns, options);
}
at::Tensor HeadBuffers::teacher(int64_t rows, int64_t columns, const at::TensorOptions& options) {
  return view_of(teacher_, rows, columns, options);
}
at::Tensor HeadBuffers::capped(int64_t rows, int64_t columns, const at::TensorOptions& options) {
  return view_of(capped_, rows, columns, options);
}

}  // namespace distill
