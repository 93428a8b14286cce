#include "distill/io/safetensors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cstring>

#include "distill/core/files.h"
#include "distill/core/random.h"
#include "scratch.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string image(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  return text + header + data;
}

std::string error_of(const std::string& content) {
  const Scratch scratch;
  const auto path = scratch.file("m.safetensors", content);
  const std::string message = data_error([&] { SafetensorsFile file(path); });
  EXPECT_THAT(message, StartsWith(path.string() + ": "));
  return message;
}

std::string error_of_entry(const std::string& fields, size_t data_bytes = 8) {
  return error_of(image("{\"a\":{" + fields + "}}", std::string(data_bytes, 'x')));
}

TEST(Safetensors, RoundTripsEveryDtype) {
  const Scratch scratch;
  const auto path = scratch / "m.safetensors";
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  const at::Tensor base = at::arange(-3, 9).view({3, 4});
  for (const auto type : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong,
                          at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    tensors.emplace_back(c10::toString(type), base.to(type));
  }
  tensors.emplace_back("scalar", at::scalar_tensor(2.5));
  tensors.emplace_back("empty", at::empty({0, 5}));
  tensors.emplace_back("transposed", base.to(at::kFloat).t());
  tensors.emplace_back("gradient", at::ones({2}).requires_grad_());
  write_safetensors(path, tensors, {{"format", "pt"}});

  const SafetensorsFile file(path);
  EXPECT_EQ(file.entries().size(), tensors.size());
  EXPECT_EQ(file.metadata().at("format"), "pt");
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor read = file.tensor(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(at::equal(read, tensor)) << name;
    EXPECT_EQ(file.entry(name).begin % c10::elementSize(tensor.scalar_type()), 0U) << name;
  }
  uint64_t header = 0;
  std::memcpy(&header, read_file(path).data(), 8);
  EXPECT_EQ((header + 8) % 64, 0U);
  EXPECT_FALSE(file.contains("absent"));
  EXPECT_EQ(data_error([&] { file.tensor("absent"); }),
            path.string() + ": there is no tensor 'absent'");
}

TEST(Safetensors, TensorsOutliveTheFile) {
  const Scratch scratch;
  const auto path = scratch / "m.safetensors";
  const at::Tensor expected = at::randn({1000, 100});
  write_safetensors(path, {{"a", expected}});
  at::Tensor view;
  {
    const SafetensorsFile file(path);
    view = file.tensor("a").narrow(0, 10, 50);
  }
  std::filesystem::remove(path);
  EXPECT_TRUE(at::equal(view, expected.narrow(0, 10, 50)));
}

TEST(Safetensors, CopiesUnalignedTensors) {
  const Scratch scratch;
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}  )";
  std::string data(9, '\0');
  const float values[] = {1.5F, -2.0F};
  std::memcpy(data.data() + 1, values, 8);
  const SafetensorsFile file(scratch.file("m.safetensors", image(header, data)));
  EXPECT_TRUE(at::equal(file.tensor("b"), at::tensor({1.5F, -2.0F})));
}

/// Where it would start is no matter: there is nothing to view.
TEST(Safetensors, ReadsEmptyTensors) {
  const Scratch scratch;
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"F32","shape":[3,0],"data_offsets":[1,1]}})";
  const at::Tensor empty =
      SafetensorsFile(scratch.file("m.safetensors", image(header, "x"))).tensor("b");
  EXPECT_EQ(empty.sizes(), (std::vector<int64_t>{3, 0}));
  EXPECT_EQ(empty.scalar_type(), at::kFloat);
}

TEST(Safetensors, RefusesFilesThatAreNotSafetensors) {
  EXPECT_THAT(error_of(""), HasSubstr("0 bytes"));
  EXPECT_THAT(error_of("1234567"), HasSubstr("7 bytes"));
  EXPECT_THAT(error_of("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("truncated"));
  EXPECT_THAT(error_of(image("{}", "").substr(0, 9)), HasSubstr("truncated"));
  EXPECT_THAT(error_of(std::string(8, '\xff') + "{}"), HasSubstr("header would have"));
  EXPECT_THAT(error_of(image("", "")), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of(image("[]", "")), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(image("{\"a\":", "")), HasSubstr("header:1:6: not valid JSON"));
  EXPECT_THAT(error_of(image("{\"\xff\":1}", "")), HasSubstr("not valid UTF-8"));
  const Scratch scratch;
  EXPECT_THAT(data_error([&] { SafetensorsFile file(scratch / "absent"); }), HasSubstr("absent"));
  EXPECT_THAT(data_error([&] { SafetensorsFile file(scratch.path()); }), HasSubstr("not a file"));
}

TEST(Safetensors, RefusesWrongEntries) {
  const std::string good = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  const Scratch scratch;
  EXPECT_NO_THROW(
      SafetensorsFile(scratch.file("good", image("{\"a\":{" + good + "}}", std::string(8, 'x')))));
  EXPECT_THAT(error_of_entry(good, 7), HasSubstr("truncated"));
  EXPECT_THAT(error_of_entry(good, 9), HasSubstr("end at byte"));
  EXPECT_THAT(error_of_entry(good + ",\"more\":1"), HasSubstr("nothing else"));
  EXPECT_THAT(error_of_entry(R"("shape":[2],"data_offsets":[0,8])"), HasSubstr("dtype is missing"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])"),
              HasSubstr("a: the dtype \"F8_E4M3\" is not supported"));
  EXPECT_THAT(error_of_entry(R"("dtype":5,"shape":[8],"data_offsets":[0,8])"),
              HasSubstr("dtype 5"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"),
              HasSubstr("shape: expected a list"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"),
              HasSubstr("expected an integer from 0, found -2"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"),
              HasSubstr("found 2.0"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
              HasSubstr("dtype and shape need 12 bytes, data_offsets give 8"));
  EXPECT_THAT(
      error_of_entry(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
      HasSubstr("too large"));
  EXPECT_THAT(
      error_of_entry(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8])"),
      HasSubstr("too large"));
  EXPECT_THAT(  // of no elements, but no strides count them
      error_of_entry(R"("dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0])"),
      HasSubstr("too large"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
              HasSubstr("do not fit"));
  EXPECT_THAT(error_of_entry(R"("dtype":"F32","shape":[2],"data_offsets":[0])"),
              HasSubstr("two integers"));
  EXPECT_THAT(error_of_entry(R"("dtype":"U8","shape":[2],"data_offsets":[18446744073709551614,1])"),
              HasSubstr("do not fit"));
  EXPECT_THAT(error_of(image(R"({"a":1})", "")), HasSubstr("a: expected an object"));
  EXPECT_THAT(error_of(image(R"({"__metadata__":{"a":1}})", "")), HasSubstr("expected a string"));
  EXPECT_THAT(error_of(image(R"({"__metadata__":[]})", "")), HasSubstr("__metadata__"));
}

TEST(Safetensors, RefusesOverlapsGapsAndDuplicates) {
  const auto pair = [](const std::string& first, const std::string& second) {
    return error_of(image("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + first +
                              "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + second +
                              "}}",
                          std::string(9, 'x')));
  };
  EXPECT_THAT(pair("[0,4]", "[3,7]"), HasSubstr("b: its data starts at byte"));
  EXPECT_THAT(pair("[0,4]", "[3,7]"), HasSubstr("inside another tensor"));
  EXPECT_THAT(pair("[5,9]", "[0,4]"), HasSubstr("a: its data starts at byte"));
  EXPECT_THAT(pair("[1,5]", "[5,9]"), HasSubstr("after a gap"));
  EXPECT_THAT(error_of(image(R"({"a":{},"a":{}})", "")), HasSubstr("given twice"));
}

TEST(Safetensors, MutatedHeadersNeverCrash) {
  const Scratch scratch;
  const auto path = scratch / "m.safetensors";
  write_safetensors(path, {{"weight", at::ones({4, 3})}, {"bias", at::ones({3}, at::kLong)}},
                    {{"format", "pt"}});
  const std::string good = read_file(path);
  const size_t header_end = good.find("}}") + 2;
  Random random(7);
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string bad = good;
    for (uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const size_t at = random.below(header_end);
      switch (random.below(4)) {
        case 0:
          bad[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          bad[at] = "0123456789[]{},:\"-e."[random.below(20)];
          break;
        case 2:
          bad.erase(at, 1 + random.below(4));
          break;
        default:
          bad.insert(at, bad.substr(random.below(header_end), 1 + random.below(6)));
      }
    }
    try {
      const SafetensorsFile file(scratch.file("bad", bad));
      for (const auto& entry : file.entries()) file.tensor(entry.name).sum();
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 800);
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const Scratch scratch;
  const auto path = scratch / "m.safetensors";
  write_safetensors(path, {{"a", at::ones({8})}, {"b", at::ones({8}, at::kByte)}});
  const std::string good = read_file(path);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(SafetensorsFile(scratch.file("bad", good.substr(0, size))), DataError) << size;
  }
}

TEST(Safetensors, WritingFailsWithThePath) {
  const Scratch scratch;
  EXPECT_THAT(data_error([&] { write_safetensors(scratch / "no/such/folder", {}); }),
              HasSubstr("no/such/folder: cannot be created"));
  const auto path = scratch / "m.safetensors";
  EXPECT_THAT(data_error([&] {
                write_safetensors(path, {{"a", at::ones({1}, at::kComplexFloat)}});
              }),
              HasSubstr("a: safetensors has no dtype ComplexFloat"));
  EXPECT_THAT(data_error([&] {
                write_safetensors(path, {{"a", at::ones({1})}, {"a", at::ones({1})}});
              }),
              HasSubstr("a: given twice"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace distill
