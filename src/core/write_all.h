// write(2) until everything is written.
#pragma once

#include <cstddef>

namespace distill {

/// False with errno set where the system takes no more.
bool write_all(int descriptor, const void* data, size_t bytes);

}  // namespace distill
