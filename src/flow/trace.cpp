#include "distill/flow/trace.h"

#include <algorithm>

#include "distill/core/error.h"

namespace distill {

std::string tap_name(const Tap& tap) {
  const std::string layer = " of layer " + std::to_string(tap.layer);
  switch (tap.kind) {
    case Tap::Kind::kHidden:
      return "the hidden state" + layer;
    case Tap::Kind::kQuery:
      return "the queries" + layer;
    case Tap::Kind::kKey:
      return "the keys" + layer;
    case Tap::Kind::kValue:
      return "the values" + layer;
  }
  throw Error("tap_name: no such kind of tap");
}

void Needs::merge(const Needs& other) {
  teacher_logits = teacher_logits || other.teacher_logits;
  teacher_sample = teacher_sample || other.teacher_sample;
  teacher_top_k = std::max(teacher_top_k, other.teacher_top_k);
  student_taps.insert(other.student_taps.begin(), other.student_taps.end());
  teacher_taps.insert(other.teacher_taps.begin(), other.teacher_taps.end());
}

std::vector<std::string> unmet_needs(const Needs& needs, const Offers& offers) {
  std::vector<std::string> unmet;
  if (needs.teacher_logits && !offers.logits) unmet.emplace_back("all its logits");
  if (needs.teacher_top_k > offers.top_k && !offers.logits) {
    unmet.push_back("its " + std::to_string(needs.teacher_top_k) + " most likely tokens a row");
  }
  if (needs.teacher_sample && !offers.sample && !offers.logits) {
    unmet.emplace_back("a sample of its tokens a row");
  }
  for (const Tap& tap : needs.teacher_taps) {
    if (!offers.taps.contains(tap)) unmet.push_back(tap_name(tap));
  }
  return unmet;
}

}  // namespace distill
