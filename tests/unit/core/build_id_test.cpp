#include "core/build_id.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "distill/core/version.h"

namespace distill {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes note(uint32_t type, const std::string& owner, Bytes description) {
  const ElfW(Nhdr) header = {.n_namesz = static_cast<ElfW(Word)>(owner.size()),
                             .n_descsz = static_cast<ElfW(Word)>(description.size()),
                             .n_type = type};
  const auto* begin = reinterpret_cast<const unsigned char*>(&header);
  Bytes bytes(begin, begin + sizeof header);
  bytes.insert(bytes.end(), owner.begin(), owner.end());
  bytes.resize((bytes.size() + 3) / 4 * 4);
  bytes.insert(bytes.end(), description.begin(), description.end());
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::string kGnu("GNU\0", 4);

TEST(BuildId, IsFoundAmongOtherNotes) {
  const Bytes id = note(NT_GNU_BUILD_ID, kGnu, {0x01, 0xab, 0xff});
  const Bytes other = note(NT_GNU_BUILD_ID, std::string("someone\0", 8), {1, 2, 3, 4, 5});
  EXPECT_EQ(find_build_id(id), "01abff");
  EXPECT_EQ(find_build_id(other + note(NT_GNU_ABI_TAG, kGnu, {9}) + id), "01abff");
  EXPECT_EQ(find_build_id(other), "");
  EXPECT_EQ(find_build_id({}), "");
}

TEST(BuildId, NotesMayBeCutOff) {
  const Bytes whole =
      note(NT_GNU_ABI_TAG, kGnu, {1, 2}) + note(NT_GNU_BUILD_ID, kGnu, {1, 2, 3, 4});
  for (size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(find_build_id(part), "") << size;
  }
}

TEST(BuildId, IsWhatTheLinkerLeftInThisProgram) {
  EXPECT_EQ(build_id().size(), 40u);  // SHA-1
  const std::string command =
      "readelf -n /proc/" + std::to_string(getpid()) + "/exe 2>/dev/null | grep 'Build ID'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  char line[256] = {};
  if (std::fgets(line, sizeof line, pipe.get()) == nullptr) GTEST_SKIP() << "no readelf";
  EXPECT_NE(std::string(line).find("Build ID: " + build_id() + "\n"), std::string::npos) << line;
}

}  // namespace
}  // namespace distill
