// What this executable was built from.
#pragma once

#include <string>

namespace distill {

std::string version();  ///< "0.1.0"
std::string commit();   ///< short hash of the source tree, "+" where it was changed, or "unknown"

}  // namespace distill
