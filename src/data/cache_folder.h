// Where what can be computed again is kept between runs.
#pragma once

#include <filesystem>
#include <string>

namespace distill {

/// $XDG_CACHE_HOME/distill/KIND, by default ~/.cache/distill/KIND; it may not exist yet.
std::filesystem::path cache_folder(const std::string& kind);

}  // namespace distill
