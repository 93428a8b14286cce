#include "distill/core/signals.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "distill/core/error.h"
#include "distill/core/log.h"

namespace distill {
namespace {

TEST(Signals, TheFirstIsAnsweredAtOnceByNameAndNumber) {
  for (const auto& [signal, name] :
       {std::pair(SIGTERM, "SIGTERM, signal 15"), {SIGINT, "SIGINT, signal 2"}}) {
    EXPECT_EXIT(
        {
          catch_stop_signals();
          promise_on_stop("finishing the page");
          std::raise(signal);
          _exit(stop_signal());
        },
        testing::ExitedWithCode(signal),
        std::string("^") + name + ": finishing the page; once more leaves at once\n$");
  }
  EXPECT_EXIT(
      {
        catch_stop_signals();
        promise_on_stop("finishing the page");
        std::raise(SIGHUP);
        _exit(stop_signal());
      },
      testing::ExitedWithCode(SIGHUP), "^SIGHUP, signal 1: finishing the page\n$");
}

TEST(Signals, TheSecondDemandEndsTheProcess) {
  EXPECT_EXIT(
      {
        catch_stop_signals();
        std::raise(SIGINT);
        std::raise(SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "^SIGINT, [^\n]*; once more leaves at once\n$");
}

TEST(Signals, ATerminalThatClosesIsNoDemand) {
  // The kernel and the shell each send a SIGHUP; a session's end adds a SIGTERM.
  EXPECT_EXIT(
      {
        catch_stop_signals();
        std::raise(SIGHUP);
        std::raise(SIGHUP);
        std::raise(SIGTERM);
        std::raise(SIGHUP);
        _exit(stop_signal());
      },
      testing::ExitedWithCode(SIGHUP), "^SIGHUP, [^\n]*\nSIGTERM, [^\n]*once more[^\n]*\n$");
  EXPECT_EXIT(
      {
        catch_stop_signals();
        std::raise(SIGHUP);
        std::raise(SIGTERM);
        std::raise(SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(Signals, AnIgnoredHangupStaysIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        catch_stop_signals();
        std::raise(SIGHUP);
        _exit(100 + stop_signal());
      },
      testing::ExitedWithCode(100), "^$");
}

TEST(Signals, AnInterruptionIsNamed) {
  EXPECT_STREQ(Interrupted(SIGHUP).what(), "stopped by SIGHUP, signal 1");
  EXPECT_STREQ(Interrupted(SIGINT).what(), "stopped by SIGINT, signal 2");
  EXPECT_STREQ(Interrupted(SIGTERM).what(), "stopped by SIGTERM, signal 15");
}

TEST(Signals, ALogThatNobodyReadsEndsNothing) {
  EXPECT_EXIT(
      {
        catch_stop_signals();
        int ends[2];
        if (::pipe(ends) != 0) _exit(1);
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        log_info("to nobody");
        std::raise(SIGTERM);  // its answer too
        _exit(stop_signal());
      },
      testing::ExitedWithCode(SIGTERM), "");
}

}  // namespace
}  // namespace distill
