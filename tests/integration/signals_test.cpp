// Terminals that close: `distill train` keeps what it has learned, whatever becomes of its stderr.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

/// A run that only a signal makes save.
std::vector<std::string> run_of(const Scratch& scratch, const std::string& steps) {
  return train(story_run(scratch), scratch / "run",
               {"train.max_steps=" + steps, "train.save_steps=0"});
}

const std::string kEndless = "100000";

void wait_for_a_step(const Scratch& scratch) {
  const fs::path events = scratch / "run" / "events.jsonl";
  wait_for(events);
  for (int i = 0; i < 6000 && slurp(events).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// A terminal whose other side this process holds, until it closes it.
class Terminal {
 public:
  Terminal() : ours_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (ours_ < 0 || ::grantpt(ours_) != 0 || ::unlockpt(ours_) != 0) {
      throw std::runtime_error("no terminal");
    }
    name_ = ::ptsname(ours_);
  }
  ~Terminal() { close(); }

  /// In the child: its controlling terminal, and its standard output and error.
  void take() const {
    ::setsid();
    const int theirs = ::open(name_.c_str(), O_RDWR);
    ::ioctl(theirs, TIOCSCTTY, 0);
    ::dup2(theirs, 1);
    ::dup2(theirs, 2);
  }
  void close() {
    if (ours_ >= 0) ::close(ours_);
    ours_ = -1;
  }

 private:
  int ours_;
  std::string name_;
};

TEST(Signals, AHangupSavesACheckpoint) {
  const Scratch scratch;
  const Process process(run_of(scratch, kEndless));
  wait_for_a_step(scratch);
  process.signal(SIGHUP);
  process.signal(SIGHUP);  // as the kernel and the shell do
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 129) << result.err;
  EXPECT_TRUE(fs::exists(scratch / "run" / "latest/trainer/manifest.json"));
  for (const std::string part : {"SIGHUP, signal 1: finishing the step, then saving a checkpoint\n",
                                 "--resume auto\n", "stopped by SIGHUP, signal 1\n"}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
  }
}

TEST(Signals, ATerminalThatClosesSavesACheckpoint) {
  const Scratch scratch;
  Terminal terminal;
  const Process process(run_of(scratch, kEndless), "", [&] { terminal.take(); });
  wait_for_a_step(scratch);
  terminal.close();
  EXPECT_EQ(process.wait().exit_code, 129);
  EXPECT_TRUE(fs::exists(scratch / "run" / "latest/trainer/manifest.json"));
  EXPECT_NE(slurp(scratch / "run" / "log.txt").find("go on with: "), std::string::npos);
}

TEST(Signals, WhereAHangupIsIgnoredTheRunOutlivesItsTerminal) {
  const Scratch scratch;
  Terminal terminal;
  const Process process(run_of(scratch, "20"), "", [&] {
    terminal.take();
    ::signal(SIGHUP, SIG_IGN);
  });
  wait_for_a_step(scratch);
  terminal.close();
  process.signal(SIGHUP);
  EXPECT_EQ(process.wait().exit_code, 0);
  EXPECT_TRUE(fs::exists(scratch / "run" / "final/model.safetensors"));
  EXPECT_NE(slurp(scratch / "run" / "events.jsonl").find("\"step\":20,"), std::string::npos);
}

TEST(Signals, ALogThatNobodyReadsEndsNoRun) {
  const Scratch scratch;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Process process(run_of(scratch, "20"), "", [&] { ::dup2(ends[1], STDERR_FILENO); });
  ::close(ends[1]);
  wait_for_a_step(scratch);
  ::close(ends[0]);  // `2>&1 | tee log`, and tee is gone
  EXPECT_EQ(process.wait().exit_code, 0);
  EXPECT_TRUE(fs::exists(scratch / "run" / "final/model.safetensors"));
}

}  // namespace
}  // namespace distill::integration
