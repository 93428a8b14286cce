// How fast texts become ids: bench_tokenize MODEL TEXTS [THREADS], where TEXTS has a JSON string a
// line. Prints a JSON line with the bytes, the ids, and the seconds of the first run and of the
// fastest in two seconds. bench_tokenize --lines MODEL answers each JSON string on standard input
// with its ids, offsets in bytes and decoded text, at once and streamed, for
// scripts/fuzz_tokenizers.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "distill/core/error.h"
#include "distill/io/json.h"
#include "distill/text/streaming_decoder.h"
#include "distill/text/tokenizer.h"

namespace distill {
namespace {

// Throws if a part is no whole characters.
std::string streamed(const Tokenizer& tokenizer, const std::vector<int64_t>& ids) {
  StreamingDecoder decoder(tokenizer, /*skip_special_tokens=*/false);
  std::string all;
  for (const int64_t id : ids) {
    const std::string part = decoder.push(id);
    if (first_invalid_utf8(part)) throw DataError("streamed half a character");
    all += part;
  }
  return all + decoder.finish();
}

Json answer(const Tokenizer& tokenizer, const std::string& text) {
  try {
    const Encoding encoding = tokenizer.encode(text);
    std::vector<int32_t> offsets;
    for (const ByteSpan& span : encoding.offsets) {
      offsets.insert(offsets.end(), {span.begin, span.end});
    }
    return {{"ids", encoding.ids},
            {"offsets", offsets},
            {"decoded", tokenizer.decode(encoding.ids, false)},
            {"streamed", streamed(tokenizer, encoding.ids)},
            {"skipped", tokenizer.decode(encoding.ids, true)}};
  } catch (const DataError& error) {
    return {{"error", error.what()}};
  }
}

void answer_lines(const Tokenizer& tokenizer) {
  for (std::string line; std::getline(std::cin, line);) {
    const std::string text = parse_json(line, "standard input").get<std::string>();
    std::cout << answer(tokenizer, text).dump() << '\n';
  }
}

std::vector<std::string> read_texts(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) {
    texts.push_back(parse_json(line, path).get<std::string>());
  }
  if (texts.empty()) throw DataError(path + ": found no texts");
  return texts;
}

constexpr size_t kMinRuns = 3;
constexpr double kMinSeconds = 2;

// What all threads share: in each run, a thread takes the next text until there is none.
struct Race {
  const Tokenizer& tokenizer;
  const std::vector<std::string>& texts;
  std::barrier<> line;  // before and behind each run
  std::atomic<size_t> next = 0;
  std::atomic<size_t> ids = 0;
  bool is_over = false;

  bool run() {
    line.arrive_and_wait();
    if (is_over) return false;
    size_t count = 0;
    for (size_t i; (i = next++) < texts.size();) count += tokenizer.encode(texts[i]).ids.size();
    ids += count;
    line.arrive_and_wait();
    return true;
  }
};

void time_texts(const Tokenizer& tokenizer, const std::string& path, int threads) {
  const std::vector<std::string> texts = read_texts(path);
  Race race{tokenizer, texts, std::barrier<>(threads)};
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) {
    others.emplace_back([&race] {
      while (race.run()) continue;
    });
  }
  std::vector<double> seconds;
  double all = 0;
  while (seconds.size() < kMinRuns || all < kMinSeconds) {
    race.next = 0;
    const auto begin = std::chrono::steady_clock::now();
    race.run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    seconds.push_back(taken.count());
    all += taken.count();
  }
  race.is_over = true;
  race.run();
  for (std::thread& other : others) other.join();
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  const Json line = {{"threads", threads},
                     {"bytes", bytes},
                     {"ids", race.ids / seconds.size()},
                     {"first", seconds.front()},
                     {"seconds", *std::min_element(seconds.begin(), seconds.end())}};
  std::cout << line.dump() << '\n';
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "--lines") {
    answer_lines(*load_tokenizer(arguments[1]));
  } else if (arguments.size() == 2 || arguments.size() == 3) {
    const int threads = arguments.size() == 3 ? std::stoi(arguments[2]) : 1;
    time_texts(*load_tokenizer(arguments[0]), arguments[1], std::clamp(threads, 1, 256));
  } else {
    std::cerr << "bench_tokenize MODEL TEXTS [THREADS] | bench_tokenize --lines MODEL\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace distill

int main(int argc, char** argv) {
  try {
    return distill::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
