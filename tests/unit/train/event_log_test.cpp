// events.jsonl over writes, kills and resumes.
#include "distill/train/event_log.h"

#include <gtest/gtest.h>

#include "distill/core/files.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

TEST(EventLog, AppendsOneLineAnEvent) {
  const Scratch scratch;
  const auto path = scratch / "events.jsonl";
  EventLog(path).write({{"step", 1}});
  EventLog(path).write({{"step", 2}});
  EXPECT_EQ(read_file(path), "{\"step\":1}\n{\"step\":2}\n");
}

TEST(EventLog, SaysWhereItCannotBeWritten) {
  const Scratch scratch;
  const auto path = scratch / "absent/events.jsonl";
  EXPECT_EQ(data_error([&] { EventLog log(path); }),
            path.string() + ": cannot be opened for writing");
  EXPECT_EQ(data_error([] {
              EventLog("/dev/full").write({{"step", 1}});
            }),
            "/dev/full: cannot be written");
}

TEST(CutEvents, LeavesWhatTheCheckpointHasSeen) {
  const Scratch scratch;
  const std::string one = "{\"step\":1}\n", two = "{\"step\":2}\n";
  const std::string evaluation = "{\"eval_nll\":2.5,\"step\":2}\n";
  const auto path = scratch.file("events.jsonl", one + two + evaluation + "{\"step\":3}\n{\"ste");
  cut_events(path, 2, false);
  EXPECT_EQ(read_file(path), one + two + evaluation);
  cut_events(path, 2, true);  // its evaluation was cut short, and comes again
  EXPECT_EQ(read_file(path), one + two);
  cut_events(path, 0, false);
  EXPECT_EQ(read_file(path), "");
  cut_events(scratch / "absent", 1, false);
  EXPECT_FALSE(std::filesystem::exists(scratch / "absent"));
}

}  // namespace
}  // namespace distill
