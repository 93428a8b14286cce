// What this executable was built from.
#pragma once

#include <string>

namespace distill {

std::string version();  ///< "0.1.0"
std::string commit();   ///< short hash of the source tree, "+" where it was changed, or "unknown"

/// Tells apart any two executables that differ in a byte of code or data: the linker's build id of
/// the running program (a test program has its own), or, of one linked without, the hash of its
/// file. In hexadecimal digits. Shared libraries do not count. Throws DataError where there is
/// neither.
std::string build_id();

}  // namespace distill
