// Compiled for processors with AVX-512 (CMakeLists.txt).
#if defined(__AVX512F__)

#include "ops/cpu/fused_loss_kernel.h"

namespace distill {

LossRowsFunctions loss_rows_avx512() { return loss_rows_functions<64>("AVX-512"); }

}  // namespace distill

#else

#include "ops/cpu/fused_loss_rows.h"

namespace distill {

LossRowsFunctions loss_rows_avx512() { return {}; }

}  // namespace distill

#endif
