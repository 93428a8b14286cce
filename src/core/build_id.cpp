#include "core/build_id.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "distill/core/hash.h"
#include "distill/core/version.h"

namespace distill {
namespace {

constexpr std::string_view kOwner("GNU\0", 4);

size_t round_up(size_t bytes) { return (bytes + 3) / 4 * 4; }

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// For dl_iterate_phdr, which names the program itself first: looks at its notes and ends.
int visit_program(dl_phdr_info* program, size_t, void* found) {
  for (size_t i = 0; i < program->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = program->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* begin =
        reinterpret_cast<const unsigned char*>(program->dlpi_addr + segment.p_vaddr);
    auto& id = *static_cast<std::string*>(found);
    if (id.empty()) id = find_build_id({begin, segment.p_memsz});
  }
  return 1;
}

}  // namespace

std::string find_build_id(std::span<const unsigned char> notes) {
  ElfW(Nhdr) note;
  while (notes.size() >= sizeof note) {
    std::memcpy(&note, notes.data(), sizeof note);
    notes = notes.subspan(sizeof note);
    const size_t name = round_up(note.n_namesz);
    if (notes.size() < name || notes.size() - name < note.n_descsz) break;
    const std::string_view owner(reinterpret_cast<const char*>(notes.data()), note.n_namesz);
    notes = notes.subspan(name);
    if (note.n_type == NT_GNU_BUILD_ID && owner == kOwner)
      return to_hex(notes.first(note.n_descsz));
    notes = notes.subspan(std::min(notes.size(), round_up(note.n_descsz)));
  }
  return "";
}

std::string build_id() {
  static const std::string id = [] {
    std::string linked;
    dl_iterate_phdr(visit_program, &linked);
    return linked.empty() ? hash_file("/proc/self/exe").hex() : linked;
  }();
  return id;
}

}  // namespace distill
