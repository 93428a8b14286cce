# Run at each build: writes version.cpp with the commit, only where it has changed.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty=+ --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "distill/core/version.h"

namespace distill {
std::string version() { return "@VERSION@"; }
std::string commit() { return "@commit@"; }
}  // namespace distill
]] @ONLY)
