// For every processor: vectors of four, and double for the precision that tests and fp64 runs want.
#include "ops/cpu/fused_loss_kernel.h"

namespace distill {

LossRowsFunctions loss_rows_portable() { return loss_rows_functions<16>("portable"); }

void loss_rows_double(const LossRows& rows, const FusedLoss& loss, int64_t begin, int64_t end) {
  loss_of_rows<double, double>(rows, loss, begin, end);
}

}  // namespace distill
