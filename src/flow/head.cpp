#include "distill/flow/head.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor Head::logits(const at::Tensor& rows) const {
  at::Tensor out = at::linear(rows.to(weight.scalar_type()), weight, bias);
  if (logit_scale != 1.0) out = out * logit_scale;
  if (logit_softcap > 0.0) out = at::tanh(out / logit_softcap) * logit_softcap;
  return out;
}

void Head::logits_into(const at::Tensor& rows, const at::Tensor& out) const {
  at::Tensor logits = out;
  if (bias.defined()) {
    at::addmm_out(logits, bias, rows, weight.t());
  } else {
    at::mm_out(logits, rows, weight.t());
  }
  if (logit_scale != 1.0) logits.mul_(logit_scale);
  if (logit_softcap > 0.0) logits.div_(logit_softcap).tanh_().mul_(logit_softcap);
}

}  // namespace distill
