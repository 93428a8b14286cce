// The note in which a linker leaves the hash of what it linked.
#pragma once

#include <span>
#include <string>

namespace distill {

/// In hexadecimal digits; empty where the notes of an ELF segment have none, and where they are cut
/// off before it.
std::string find_build_id(std::span<const unsigned char> notes);

}  // namespace distill
