// How long the threads of a parallel region wait for each other before they sleep.
//
// libgomp lets them spin for milliseconds, which on a machine that others use too takes the
// processor from the thread that all are waiting for. It reads the variable as it is loaded, before
// main and before any constructor of this program could set it, so the program starts itself once
// more with the variable set; from .preinit_array, where nothing but the linking is done twice.
// What the user has set stands.
#include <unistd.h>

#include <string_view>
#include <vector>

namespace {

// In turns of libgomp's loop, some 50 us. bench/shared_machine measures what it costs and gains.
char spin_count[] = "GOMP_SPINCOUNT=3000";

bool sets(const char* entry, std::string_view name) {
  return std::string_view(entry).starts_with(name) && entry[name.size()] == '=';
}

void set_wait_policy(int, char** argv, char** environment) {
  std::vector<char*> with_spin_count;
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (sets(*entry, "GOMP_SPINCOUNT") || sets(*entry, "OMP_WAIT_POLICY")) return;
    with_spin_count.push_back(*entry);
  }
  with_spin_count.push_back(spin_count);
  with_spin_count.push_back(nullptr);
  char self[4096] = {};
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self - 1);
  // Not under a loader or a tool that runs the program inside its own.
  constexpr std::string_view kName = "/distill";
  if (length <= 0 || !std::string_view(self).ends_with(kName)) return;
  ::execve(self, argv, with_spin_count.data());  // where that cannot be done all is as it was
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const early)(int, char**,
                                                                  char**) = set_wait_policy;

}  // namespace
