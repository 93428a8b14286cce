// Plain threads for work on the host. OpenMP's would spin beside those that train.
#pragma once

#include <cstddef>
#include <functional>

namespace distill {

/// Runs body(i) for i in [0, count) on up to `threads` threads. Of the exceptions it throws, that
/// of the smallest i.
void parallel_for_each(size_t count, int threads, const std::function<void(size_t)>& body);

}  // namespace distill
