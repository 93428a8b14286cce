#include "objective/classes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

/// log sum exp of the columns that are not in ids: [R, 1]. Where all of them are -inf it is -inf
/// and its gradient 0; what LibTorch has gives NaN there.
at::Tensor log_rest(const at::Tensor& logits, const at::Tensor& ids) {
  const at::Tensor rest = logits.scatter(-1, ids, kNone);
  at::Tensor top = rest.detach().amax(-1, /*keepdim=*/true);
  top = top.masked_fill(top == kNone, 0);
  const at::Tensor sum = (rest - top).exp().sum(-1, /*keepdim=*/true);
  const at::Tensor none = sum == 0;
  return (sum.masked_fill(none, 1).log() + top).masked_fill(none, kNone);
}

/// Log-probabilities of the tokens `ids` and, with a bucket, of all the rest.
at::Tensor log_probs_of(const at::Tensor& logits, const at::Tensor& ids, Tail tail,
                        double temperature) {
  const at::Tensor scaled = tempered(logits, temperature);
  const at::Tensor best = scaled.gather(-1, ids);
  if (tail == Tail::kRenormalize) return at::log_softmax(best, -1);
  return at::log_softmax(at::cat({best, log_rest(scaled, ids)}, -1), -1);
}

/// log of what stored tokens leave of a mass of one: [R, 1].
at::Tensor log_left(const at::Tensor& log_probs, const at::Tensor& student_log_rest) {
  const double rounding = log_probs.scalar_type() == at::kDouble ? 1e-14 : 1e-6;
  const at::Tensor left = 1 - log_probs.to(at::kDouble).exp().sum(-1, /*keepdim=*/true);
  const at::Tensor none = (left <= rounding).logical_and(student_log_rest == kNone);
  return left.clamp_min(rounding).log().to(log_probs.scalar_type()).masked_fill(none, kNone);
}

LogProbs from_logits(const LogitRows& rows, int64_t k, Tail tail, double temperature) {
  const CommonLogits logits = common_logits(rows);
  if (k >= logits.teacher.size(-1)) return common_log_probs(rows, temperature);
  const at::Tensor ids = std::get<1>(logits.teacher.topk(k));
  return {log_probs_of(logits.student, ids, tail, temperature),
          log_probs_of(logits.teacher, ids, tail, temperature)};
}

LogProbs from_sparse(const LogitRows& rows, int64_t k, Tail tail, double temperature) {
  if (rows.sparse.weights.defined()) {
    throw Error(
        "objective: top_k: expected the teacher's most likely tokens, found a sample of its "
        "tokens: "
        "take sampled_forward_kl");
  }
  const int64_t given = rows.sparse.ids.size(-1), width = rows.student.size(-1);
  const int64_t vocabulary =
      rows.sparse.vocabulary > 0 ? std::min(width, rows.sparse.vocabulary) : width;
  const int64_t used = std::min(k, vocabulary);
  if (given < used) {
    throw Error("objective: top_k: expected a teacher that gives " + std::to_string(used) +
                " tokens a row, found one that gives " + std::to_string(given));
  }
  const at::Tensor ids = rows.sparse.ids.narrow(-1, 0, used);
  const at::Tensor known = tempered(rows.sparse.log_probs.detach().narrow(-1, 0, used), 1.0);
  if (used == vocabulary) tail = Tail::kRenormalize;  // there is no rest
  const at::Tensor common = rows.student.narrow(-1, 0, vocabulary);
  const at::Tensor student = log_probs_of(common, ids, tail, temperature);
  if (tail == Tail::kRenormalize) return {student, tempered_log_softmax(known, temperature)};
  if (temperature != 1.0) {
    throw Error(
        "objective: `tail: bucket` at a temperature other than 1 needs all of the teacher's logits "
        "and found " +
        std::to_string(given) +
        " tokens a row: the mass outside them is known at temperature 1 only; take `tail: "
        "renormalize`, temperature 1, or a teacher that gives its logits");
  }
  return {student, at::cat({known, log_left(known, student.detach().narrow(-1, used, 1))}, -1)};
}

}  // namespace

void Classes::fields(Section& section) {
  section.field("top_k", top_k,
                {.help = "Compare the teacher's K most likely tokens only: less to store and to "
                         "read.",
                 .min = 1,
                 .default_text = "the whole vocabulary"});
  std::optional<std::string> name;
  if (top_k) name = tail == Tail::kBucket ? "bucket" : "renormalize";
  section.field("tail", name,
                {.help = "What becomes of the mass outside top_k. bucket: one more class. "
                         "renormalize: none, the K probabilities of each model are divided by "
                         "their sum.",
                 .choices = {"bucket", "renormalize"},
                 .default_text = "bucket"});
  tail = name == "renormalize" ? Tail::kRenormalize : Tail::kBucket;
  if (section.has("tail") && !section.has("top_k")) section.problem("tail", "needs top_k");
}

Needs Classes::needs(const Number& temperature) const {
  if (!top_k || (tail == Tail::kBucket && !temperature.always(1.0))) {
    return {.teacher_logits = true};
  }
  return {.teacher_top_k = *top_k};
}

LogProbs class_log_probs(const LogitRows& rows, const Classes& classes, double temperature) {
  if (!classes.top_k) return common_log_probs(rows, temperature);
  const bool sparse = !rows.teacher.defined() && rows.sparse.defined();
  return (sparse ? from_sparse : from_logits)(rows, *classes.top_k, classes.tail, temperature);
}

}  // namespace distill
