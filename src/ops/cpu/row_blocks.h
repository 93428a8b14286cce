// How a kernel walks over a pair of rows: in blocks that stay in the first cache, the next one
// fetched meanwhile. Each pass begins where the last one ended, with what the caches still hold.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "ops/cpu/vector.h"

namespace distill {

/// Rows of T, read as vectors V; the first `common` columns of both go together.
template <class T, class V>
class RowBlocks {
  using S = ScalarOf<V>;

 public:
  RowBlocks(T* student, const T* teacher, int64_t common)
      : student_(student), teacher_(teacher), common_(common) {}

  /// Calls body(student, teacher, size) for each block of the columns [begin, end), the last first
  /// in every other pass. Sizes are multiples of the lanes: a block that is none is worked on in a
  /// copy that masked columns fill up.
  template <class Body>
  void for_each_block(int64_t begin, int64_t end, const Body& body) {
    const int64_t blocks = (end - begin + kBlock - 1) / kBlock;
    backwards_ = !backwards_;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t from = begin + kBlock * (backwards_ ? blocks - 1 - i : i);
      const int64_t n = std::min(kBlock, end - from);
      const T* teacher = end <= common_ ? teacher_ + from : nullptr;
      if (n % kLanes<V> == 0) {
        body(student_ + from, teacher, n);
      } else {
        on_copy(student_ + from, teacher, n, body);
      }
    }
  }

  /// Calls body(i) for each vector of a block and has the same place of the next block fetched.
  template <class Body>
  DISTILL_VECTOR void for_each_vector(const T* student, const T* teacher, int64_t n,
                                      const Body& body) const {
    const int64_t ahead = backwards_ ? -kBlock : kBlock;
    for (int64_t i = 0; i < n; i += kLanes<V>) {
      __builtin_prefetch(student + i + ahead);
      if (teacher != nullptr) __builtin_prefetch(teacher + i + ahead);
      body(i);
    }
  }

  /// At least the lowest finite number; `teacher` may be null.
  static std::pair<S, S> greatest(const T* student, const T* teacher, int64_t n) {
    V s = V{} + std::numeric_limits<S>::lowest(), t = s;
    for (int64_t i = 0; i < n; i += kLanes<V>) {
      s = greater(s, load<V>(student + i));
      if (teacher != nullptr) t = greater(t, load<V>(teacher + i));
    }
    return {greatest_of(s), greatest_of(t)};
  }

 private:
  template <class Body>
  void on_copy(T* student, const T* teacher, int64_t n, const Body& body) {
    T lanes[kLanes<V>], s[kBlock], t[kBlock];
    store(lanes, V{} - std::numeric_limits<S>::infinity());
    for (T* padded : {s, t}) std::fill_n(padded, kBlock, lanes[0]);
    std::copy_n(student, n, s);
    if (teacher != nullptr) std::copy_n(teacher, n, t);
    body(s, t, (n + kLanes<V> - 1) / kLanes<V> * kLanes<V>);
    std::copy_n(s, n, student);
  }

  static constexpr int64_t kBlock = 1024;

  T* student_;
  const T* teacher_;
  int64_t common_;
  bool backwards_ = true;
};

}  // namespace distill
