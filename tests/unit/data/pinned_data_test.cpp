// What checkpoints, logs and caches hold of the data, as 0.1.0 gave it: hashes of files, keys of
// records and documents. A run that began then must find its data again.
#include <gmock/gmock.h>

#include "distill/config/config_file.h"
#include "distill/data/dataset.h"
#include "fakes.h"

namespace distill {
namespace {

struct Pinned {
  std::string name;
  std::string keys;  // of the source, beside its path
  std::string records;
  bool chat;
  std::string files;      // Dataset::hash
  std::string documents;  // tokens, targets and content keys
  std::string record;     // Formatter::content_key of the first
};

void PrintTo(const Pinned& pinned, std::ostream* out) { *out << pinned.name; }

std::vector<Pinned> pinned() {
  const std::string pair = R"({"prompt": "say ", "completion": "yes", "id": 7})";
  const std::string alpaca = R"({"instruction": "i", "input": "x", "output": "o"}
{"instruction": "i", "output": "o"})";
  return {{"text", "format: text", R"({"text": "one two"}
{"text": "\u00e9"})",
           true, "cc4140250dd8c5d0804fe8f7be5ce660", "93869f3c6cf94bf0aeafff474785a4cb",
           "8a9bba6000feb13ce45fdf5d8114a6b1"},
          {"pair", "format: prompt_completion", pair, false, "2ff2533e646310a40184987bdaec6195",
           "ea2e2bd24c79e2ccb3d53372422c0379", "736a492b1da5f0218746908a524c07be"},
          {"chat_pair", "format: prompt_completion", pair, true, "2ff2533e646310a40184987bdaec6195",
           "657ce7c2367566e1c703e5d4d7bf8031", "736a492b1da5f0218746908a524c07be"},
          {"template",
           "format: prompt_completion, prompt_template: 'Q {q}: ', columns: {completion: a}, "
           "eos_token: <s>",
           R"({"q": 2.5, "a": "b"})", false, "f53ff83b9703316b6bd055d8d65c2d22",
           "1a1b752304f90f21e5bc33a8acc80aeb", "5f5aade78eb7556fdc58bb4785663bc9"},
          {"messages", "format: messages", R"({"tools": [{"name": "f"}], "messages": [
{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
{"role": "user", "content": "r"}, {"role": "assistant", "content": "b", "train": false}]})",
           true, "56f6b879cfe7c2af4a95df48197b8eac", "2d73d2803e39c795cc4973b9439437a1",
           "82f977a7d47625130fda448023c682cd"},
          {"sharegpt", "format: sharegpt", R"({"conversations": [{"from": "system", "value": "s"},
{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})",
           true, "46a749e28d98ed73115f0a4dc97847eb", "0d01f5bd5f6840135762725d843bcc3f",
           "9bfd55eede618885902bb785c0f8f9ed"},
          {"alpaca", "format: alpaca", alpaca, false, "95447c616f61dc528b51eb67e82d6f37",
           "0a73c2a4a25f825c14ab138542bbb654", "e4168a6072807a766b04af3e5cf837e0"},
          {"chat_alpaca", "format: alpaca", alpaca, true, "95447c616f61dc528b51eb67e82d6f37",
           "2f8b5fef00c3e2b8fa6bda423102833a", "e4168a6072807a766b04af3e5cf837e0"},
          {"tokens", "format: tokens", R"({"tokens": [1, 2, 511], "loss_mask": [0, 1, 1]}
{"tokens": [3, 4]})",
           false, "77834e696bd24e28d56adf0077fdad67", "7733ffedc76f6cdce0414f04391d7df7",
           "870e9c5a8ccfcf60dd521c4439a70c97"}};
}

class PinnedData : public testing::TestWithParam<Pinned> {};

TEST_P(PinnedData, IsAsItWas) {
  const Pinned& expected = GetParam();
  const Scratch scratch;
  // A conversation of several lines is one element of a list.
  const bool lines = expected.records.find("}\n{") != std::string::npos;
  const std::string text = lines ? expected.records : "[" + expected.records + "]";
  const auto path = scratch.file("records.json", text);
  DataConfig config;
  ConfigFile::parse("{train: [{path: '" + path.string() + "', " + expected.keys + "}]}", "pinned")
      .read([&](Section& section) { config.fields(section); });
  const auto tokenizer = std::make_shared<FakeTokenizer>(/*bos=*/true);
  const auto chat = expected.chat ? std::make_shared<FakeChat>() : nullptr;

  const auto data = load_data(config, tokenizer, chat).train;
  EXPECT_EQ(data->hash().hex(), expected.files);

  Hasher documents;
  DataReport report;
  for (const Document& document : data->documents(data->order(1, 0, false), report)) {
    for (const int64_t token : document.tokens) documents.add(token);
    for (const bool target : document.is_target) documents.add(int64_t{target});
    documents.add(document.sample.content.hex());
  }
  EXPECT_EQ(documents.key().hex(), expected.documents);

  const Formatter formatter(config.train[0], config.train_on, tokenizer, chat);
  const Json first = RecordFile(path).read(0);
  EXPECT_EQ(formatter.content_key(first).hex(), expected.record);
}

INSTANTIATE_TEST_SUITE_P(Formats, PinnedData, testing::ValuesIn(pinned()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace distill
