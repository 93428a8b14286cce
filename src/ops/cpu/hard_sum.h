// What cross-entropy at T = 1 needs beside a divergence at T: exp(s) from exp(s / T) where that is
// cheaper than an exponential, and the sum of a row from the sums of its blocks.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/cpu/vector.h"

namespace distill {

/// sum exp(z - max)
template <class V>
struct HardSum {
  double max = static_cast<double>(std::numeric_limits<ScalarOf<V>>::lowest()), sum = 0.0;

  void add(double other_max, double other_sum) {
    const double most = std::max(max, other_max);
    sum = sum * std::exp(max - most) + other_sum * std::exp(other_max - most);
    max = most;
  }
};

template <class V>
class Hardening {
 public:
  explicit Hardening(double temperature)
      : power_(temperature == 1.0   ? Power::kFirst
               : temperature == 2.0 ? Power::kSecond
               : temperature == 4.0 ? Power::kFourth
                                    : Power::kOther) {}

  /// exp(s) for s <= 0; exp_s is exp(s / T).
  DISTILL_VECTOR V operator()(V exp_s, V s, const Exponent<ScalarOf<V>>& of_hard) const {
    const V square = exp_s * exp_s;
    switch (power_) {
      case Power::kFirst:
        return exp_s;
      case Power::kSecond:
        return square;
      case Power::kFourth:
        return square * square;
      case Power::kOther:
        break;
    }
    return exponential(s, of_hard);
  }

 private:
  enum class Power { kFirst, kSecond, kFourth, kOther };
  Power power_;
};

}  // namespace distill
