// The command line of every command: help, refusals, what goes to which stream.
#include <gtest/gtest.h>

#include <algorithm>

#include "distill/io/json.h"
#include "integration/distill_process.h"

namespace distill::integration {
namespace {

const std::string kModel = "data/stories260K";
const std::string kStories = "configs/tiny/stories.yaml";

void expect_refused(const std::vector<std::string>& arguments, int code, const std::string& part) {
  const Result result = run(arguments);
  EXPECT_EQ(result.exit_code, code) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << "missing: " << part << "\n" << result.err;
}

TEST(CommandLine, EveryHelpHasAnExample) {
  for (const char* command :
       {"train", "eval", "validate", "compare", "forward", "tokenize", "generate", "list"}) {
    const Result help = run({command, "--help"});
    ASSERT_EQ(help.exit_code, 0);
    const size_t example = help.out.find("Example:\n");
    ASSERT_NE(example, std::string::npos) << help.out;
    EXPECT_NE(help.out.find(std::string("distill ") + command, example), std::string::npos)
        << help.out;
  }
}

TEST(CommandLine, AnUnknownCommandIsNamedWithTheNearest) {
  expect_refused({"trian", "--config", "x"}, 2, "'trian': unknown command; did you mean 'train'?");
  expect_refused({"frobnicate"}, 2, "'frobnicate': unknown command; distill --help lists");
}

/// What libgomp says of its settings as it is loaded, for which it is asked by a variable.
std::string thread_settings(const std::function<void()>& more = {}) {
  const Process process({"--version"}, {}, [&more] {
    ::unsetenv("GOMP_SPINCOUNT");
    ::unsetenv("OMP_WAIT_POLICY");
    ::setenv("OMP_DISPLAY_ENV", "verbose", 1);
    if (more) more();
  });
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.out.find('('), std::string::npos) << result.out;
  return result.err;
}

TEST(CommandLine, ThreadsDoNotSpinForLongUnlessToldTo) {
  const auto spins = [](const std::string& count) { return "GOMP_SPINCOUNT = '" + count + "'"; };
  EXPECT_NE(thread_settings().find(spins("3000")), std::string::npos);
  EXPECT_NE(thread_settings([] { ::setenv("GOMP_SPINCOUNT", "7", 1); }).find(spins("7")),
            std::string::npos);
  EXPECT_EQ(thread_settings([] { ::setenv("OMP_WAIT_POLICY", "active", 1); }).find(spins("3000")),
            std::string::npos);
}

TEST(Generate, WithoutAnOutputWritesToStandardOutput) {
  const Scratch scratch;
  const std::string out = (scratch / "made/out.jsonl").string();
  const std::vector<std::string> command = {"generate", "--model",       kModel, "--max-new-tokens",
                                            "4",        "--num-samples", "2"};
  const Result printed = run(command);
  ASSERT_EQ(printed.exit_code, 0) << printed.err;
  EXPECT_EQ(std::count(printed.out.begin(), printed.out.end(), '\n'), 2);
  EXPECT_TRUE(parse_json(printed.out.substr(0, printed.out.find('\n')), "out").contains("text"));
  EXPECT_NE(printed.err.find("2 texts"), std::string::npos) << printed.err;
  auto to_file = command;
  to_file.insert(to_file.end(), {"--output", out});
  const Result written = run(to_file);
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(written.out, "");
  EXPECT_EQ(slurp(out), printed.out);
}

TEST(Generate, OptionsAreCheckedAsTheKeysOfTheFile) {
  const auto refused = [](const std::string& option, const std::string& value,
                          const std::string& part) {
    expect_refused({"generate", "--model", kModel, option, value}, 2, part);
  };
  refused("--num-samples", "0", "num_samples: must be >= 1, found 0");
  refused("--num-samples", "-3", "num_samples: must be >= 1, found -3");
  refused("--seed", "-1", "seed: must be >= 0, found -1");
  refused("--seed", "x", "seed: expected an integer, found 'x'");
  refused("--top-p", "1.5", "top_p: must be > 0 and <= 1, found 1.5");
  expect_refused({"generate", "--num-samples", "2"}, 2, "--config or --model is needed");
}

TEST(Generate, TheCommandLineOverridesTheFile) {
  const Result result = run({"generate", "--config", "configs/tiny/generate.yaml", "--num-samples",
                             "1", "--max-new-tokens", "3", "--output", "/proc/distill/out.jsonl"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("/proc/distill"), std::string::npos) << result.err;
}

TEST(Compare, TwoStudentsOfOneNameAreRefused) {
  expect_refused({"compare", "--config", kStories, "--student", kModel, "--student", kModel}, 2,
                 "two rows would be called 'data/stories260K'");
  expect_refused({"compare", "--config", kStories, "--student", "teacher=" + kModel}, 2,
                 "two rows would be called 'teacher'");
}

TEST(Compare, DataOptionsAreCheckedByTheirNames) {
  const std::vector<std::string> command = {
      "compare", "--teacher", kModel, "--student", kModel, "--data", kModel + "/stories.jsonl"};
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    auto arguments = command;
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_refused(arguments, 2, part);
  };
  refused({"--format", "txt"}, "command line: format: expected one of text, ");
  refused({"--column", "x=y"}, "command line: columns: 'x' is not a field of this format");
  refused({"--column", "text=a", "--column", "text=b"}, "--column: 'text' is given twice");
  refused({"--max-length", "1"}, "--max-length: Value 1 not in range");
  refused({"data.packing=true"}, "data.packing=true: there is no --config to override");
}

TEST(Eval, AModelOfAnotherTokenizerIsRefused) {
  const Scratch scratch;
  fs::copy(kSource / kModel, scratch / "model");
  Json tokenizer = read_json(scratch / "model" / "tokenizer.json");
  tokenizer["added_tokens"][0]["special"] = false;
  scratch.write("model/tokenizer.json", tokenizer.dump());
  expect_refused({"eval", "--config", kStories, "--model", (scratch / "model").string()}, 1,
                 "different tokenizers");
}

TEST(Validate, LooksAtTheRunFolder) {
  const Scratch scratch;
  const std::string folder = "run.output_dir=" + (scratch / "run").string();
  const Result fresh = run({"validate", "--config", kStories, folder});
  EXPECT_EQ(fresh.exit_code, 0) << fresh.err;
  EXPECT_EQ(fresh.out.find("holds a run already"), std::string::npos) << fresh.out;
  EXPECT_FALSE(fs::exists(scratch / "run"));
  scratch.write("run/events.jsonl", "{\"step\": 1}\n");
  const Result used = run({"validate", "--config", kStories, folder});
  EXPECT_EQ(used.exit_code, 0) << used.err;
  EXPECT_NE(used.out.find("holds a run already. Continue it with --resume auto"), std::string::npos)
      << used.out;
  const Result closed = run({"validate", "--config", kStories, "run.output_dir=/proc/distill"});
  EXPECT_EQ(closed.exit_code, 1);
  EXPECT_NE(closed.err.find("/proc/distill: cannot be written"), std::string::npos) << closed.err;
  EXPECT_NE(closed.out.find("optimizer steps"), std::string::npos) << closed.out;
}

TEST(Validate, SaysWhatAModelWasNotMadeFor) {
  const Result result = run({"validate", "--config", kStories, "data.max_length=1024"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("data.max_length is 1024, but the teacher was made for at most 512"),
            std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace distill::integration
