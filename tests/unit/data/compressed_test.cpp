// Compressed sources: the same records as the text, and no half-read stream.
#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>

#include "distill/core/random.h"
#include "distill/data/records.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::string gzip(const std::string& text) {
  std::string stream(text.size() + 1000, '\0');
  z_stream state = {};
  EXPECT_EQ(deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string input = text;
  state.next_in = reinterpret_cast<unsigned char*>(input.data());
  state.avail_in = static_cast<uInt>(input.size());
  state.next_out = reinterpret_cast<unsigned char*>(stream.data());
  state.avail_out = static_cast<uInt>(stream.size());
  EXPECT_EQ(deflate(&state, Z_FINISH), Z_STREAM_END);
  stream.resize(state.total_out);
  deflateEnd(&state);
  return stream;
}

std::string zstd(const std::string& text) {
  std::string stream(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress(stream.data(), stream.size(), text.data(), text.size(), 3);
  EXPECT_EQ(ZSTD_isError(size), 0U);
  stream.resize(size);
  return stream;
}

std::string many_lines() {
  std::string text;
  Random random(1);
  for (int i = 0; i < 40000; ++i) text += "{\"a\": " + std::to_string(random.next()) + "}\n";
  return text;  // more than one piece, compressed too
}

class Compressed : public testing::Test {
 protected:
  Compressed() { ::setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1); }
  ~Compressed() override { ::unsetenv("XDG_CACHE_HOME"); }
  std::string open_error(const std::string& name, const std::string& content) const {
    const auto path = scratch.file(name, content);
    return data_error([&] { RecordFile file(path); }).substr(scratch.path().string().size() + 1);
  }
  size_t cached() const {
    const auto folder = scratch / "cache/distill/text";
    if (!std::filesystem::exists(folder)) return 0;
    const std::filesystem::directory_iterator entries(folder);
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }
  Scratch scratch;
};

TEST_F(Compressed, GivesTheRecordsOfTheText) {
  const std::string text = many_lines();
  const RecordFile plain(scratch.file("a.jsonl", text));
  const std::string half = text.substr(0, 100000);
  const std::string rest = text.substr(100000);
  const std::vector<std::pair<const char*, std::string>> files = {
      {"a.jsonl.gz", gzip(text)},
      {"a.jsonl.zst", zstd(text)},
      {"two.jsonl.gz", gzip(half) + gzip(rest)},
      {"padded.jsonl.gz", gzip(text) + std::string(512, '\0')},
      {"two.jsonl.zst", zstd(half) + zstd(rest)},
      {"without_extension", gzip(text)}};
  for (const auto& [name, content] : files) {
    const RecordFile file(scratch.file(name, content));
    ASSERT_EQ(file.size(), plain.size()) << name;
    for (size_t i = 0; i < file.size(); i += 997) EXPECT_EQ(file.text(i), plain.text(i)) << name;
    EXPECT_EQ(file.hash(), plain.hash()) << name;
    EXPECT_THAT(file.place(9), EndsWith(std::string(name) + ":10"));
  }
}

TEST_F(Compressed, IsDecompressedOnce) {
  const auto path = scratch.file("a.jsonl.gz", gzip("{\"a\": 1}\n"));
  EXPECT_EQ(RecordFile(path).read(0)["a"], 1);
  EXPECT_EQ(cached(), 1U);
  const RecordFile again(path);
  EXPECT_EQ(cached(), 1U);
  scratch.file("a.jsonl.gz", gzip("{\"a\": 2}\n"));
  EXPECT_EQ(RecordFile(path).read(0)["a"], 2) << "another content is another entry";
  EXPECT_EQ(cached(), 2U);
}

TEST_F(Compressed, EveryTruncationIsAnError) {
  for (const bool is_gzip : {true, false}) {
    const std::string name = is_gzip ? "t.jsonl.gz" : "t.jsonl.zst";
    const std::string whole = is_gzip ? gzip("{\"a\": 1}\n{\"a\": 2}\n") : zstd("{\"a\": 1}\n");
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::string error = open_error(name, whole.substr(0, size));
      if (size < (is_gzip ? 2U : 4U)) {
        EXPECT_THAT(error, HasSubstr(": byte 0: not a "));
      } else {
        EXPECT_EQ(error, name + ": byte " + std::to_string(size) + ": the " +
                             (is_gzip ? "gzip" : "zstd") +
                             " stream ends in its middle; the file may be truncated");
      }
    }
  }
  EXPECT_EQ(cached(), 0U) << "nothing of a broken stream is kept";
}

TEST_F(Compressed, NamesWhatIsCorrupt) {
  std::string stream = gzip(many_lines());
  stream[stream.size() / 2] = static_cast<char>(stream[stream.size() / 2] ^ 0x55);
  EXPECT_THAT(open_error("c.jsonl.gz", stream), HasSubstr("corrupt gzip stream: "));
  stream = gzip("{}\n");
  EXPECT_EQ(open_error("c.jsonl.gz", stream + "xx"),
            "c.jsonl.gz: byte " + std::to_string(stream.size() + 2) +
                ": corrupt gzip stream: incorrect header check");
  EXPECT_THAT(open_error("c.jsonl.zst", zstd("{}\n") + "xxxxx"),
              HasSubstr("corrupt zstd stream: Unknown frame descriptor"));
  EXPECT_EQ(cached(), 0U);
}

TEST_F(Compressed, RefusesWhatTheNameDoesNotSay) {
  EXPECT_EQ(open_error("a.jsonl.gz", "{}"),
            "a.jsonl.gz: byte 0: not a gzip stream, as its name says");
  EXPECT_EQ(open_error("a.jsonl.zst", gzip("{}")),
            "a.jsonl.zst: byte 0: not a zstd stream, as its name says");
  EXPECT_EQ(open_error("a.jsonl.xz", "{}"),
            "a.jsonl.xz: '.xz' files are not supported; gzip and zstd are");
  EXPECT_EQ(open_error("e.jsonl.gz", gzip("")), "e.jsonl.gz: the file has no records");
}

}  // namespace
}  // namespace distill
