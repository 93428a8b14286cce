// Plain threads for work on the host. OpenMP's would spin beside those that train.
#pragma once

#include <cstddef>
#include <functional>

namespace distill {

/// Runs body(i) for i in [0, count) on up to `threads` threads, of which the calling one is one. Of
/// the exceptions it throws, that of the smallest i. May be called from several threads at a time
/// and from inside a body: the others come from one pool of the process, as far as they are free,
/// and sleep between the calls. What a body keeps in thread_local variables lives as long as they.
void parallel_for_each(size_t count, int threads, const std::function<void(size_t)>& body);

}  // namespace distill
