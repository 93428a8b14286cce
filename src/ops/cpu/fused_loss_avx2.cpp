// Compiled for processors with AVX2 and FMA (CMakeLists.txt).
#if defined(__AVX2__)

#include "ops/cpu/fused_loss_kernel.h"

namespace distill {

LossRowsFunctions loss_rows_avx2() { return loss_rows_functions<32>("AVX2"); }

}  // namespace distill

#else

#include "ops/cpu/fused_loss_rows.h"

namespace distill {

LossRowsFunctions loss_rows_avx2() { return {}; }

}  // namespace distill

#endif
