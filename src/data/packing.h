// Whole documents into micro-batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace distill {

/// Best-fit decreasing: the longest document first, each into the fullest bin that still holds it.
/// Indices of `lengths` (none above `capacity`) by bin; bins in the order of their first document.
std::vector<std::vector<size_t>> pack(const std::vector<int64_t>& lengths, int64_t capacity);

}  // namespace distill
