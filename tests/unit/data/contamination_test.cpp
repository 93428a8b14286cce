#include "data/contamination.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>
#include <thread>

#include "distill/core/random.h"
#include "distill/data/records.h"

namespace distill {
namespace {

std::string place_in(const NgramIndex& index, const std::string& text) {
  const auto match = index.find(text);
  return match ? match->place : "";
}

TEST(NgramIndex, FindsThirteenWordsInARow) {
  NgramIndex index;
  index.add("One two three four five six seven eight nine ten eleven twelve thirteen fourteen.",
            "a");
  EXPECT_EQ(index.size(), 2U);
  const auto match = index.find(
      "zero, ONE two-three? No: one TWO \"three\" four\nfive six;seven six  seven 'eight' nine ten "
      "eleven twelve thirteen!");
  EXPECT_FALSE(match) << "'six;seven' is one word";
  const auto found = index.find(
      "Zero. ONE two \"three\" four\nfive six\tseven, 'eight' nine ten eleven twelve (thirteen)! "
      "So");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, "a");
  EXPECT_EQ(found->words,
            "ONE two \"three\" four\nfive six\tseven, 'eight' nine ten eleven twelve (thirteen");
  EXPECT_FALSE(index.find("one two three four five six seven eight nine ten eleven twelve"));
  EXPECT_FALSE(index.find("one two three four five six seven eight nine ten eleven twelve 13"));
  EXPECT_FALSE(
      index.find("two one three four five six seven eight nine ten eleven twelve thirteen"));
  EXPECT_FALSE(index.find(""));
}

TEST(NgramIndex, PassesOverPunctuationSpaceAndCase) {
  NgramIndex index(3);
  index.add("Don't $3.50 na\u00efve", "ascii");
  index.add("\u00c9t\u00e9 \u0416\u0423\u041a \U00010400x", "letters");
  EXPECT_EQ(place_in(index, "\u201cdont\u201d \u2014 350\u00a0\u2026NA\u00cfVE\u3002"), "ascii");
  EXPECT_EQ(place_in(index, "- \u00e9T\u00c9\u2028\u00ab\u0436\u0443\u043a\u00bb\u3000\U00010428X"),
            "letters");
  EXPECT_EQ(place_in(index, "do\u00adnt 3\u200b50 \ufeffna\u00efve"), "ascii") << "without width";
  EXPECT_EQ(place_in(index, "dont 350 naive"), "") << "accents count";
  index.add("a\xff b\xc3 c", "not UTF-8");
  EXPECT_EQ(place_in(index, "A\xff B\xc3 C"), "not UTF-8");
  EXPECT_EQ(place_in(index, "a b c"), "");
}

TEST(NgramIndex, TakesAShortTextAsAWhole) {
  NgramIndex index(3);
  index.add("Yes, indeed.", "short");
  index.add(" ... ", "no word");
  EXPECT_EQ(index.size(), 1U);
  EXPECT_EQ(place_in(index, "yes indeed"), "short");
  for (const char* other : {"yes", "indeed yes", "yes indeed it is", "so yes indeed", "", "?!"}) {
    EXPECT_EQ(place_in(index, other), "") << other;
  }
}

TEST(NgramIndex, NamesTheFirstOfEqualTexts) {
  NgramIndex index(2);
  index.add("a b c", "first");
  index.add("b c d", "second");
  EXPECT_EQ(place_in(index, "x b c d"), "first");
  EXPECT_EQ(place_in(index, "x c d"), "second");
  NgramIndex single(1);
  single.add("word", "one");
  EXPECT_EQ(single.find("another Word.")->words, "Word");
}

/// Against sets of strings, through many sizes of the table.
TEST(NgramIndex, FindsWhatASetOfStringsFinds) {
  Random random(11);
  const auto text = [&random](size_t words) {
    std::string made;
    for (size_t i = 0; i < words; ++i) made += "w" + std::to_string(random.below(40)) + " ";
    return made;
  };
  const auto trigrams = [](const std::string& made) {
    std::vector<std::string> found;
    std::istringstream in(made);
    std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
    for (size_t i = 0; i + 3 <= words.size(); ++i) {
      found.push_back(words[i] + " " + words[i + 1] + " " + words[i + 2]);
    }
    return found;
  };
  NgramIndex index(3);
  std::set<std::string> known;
  int matches = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string added = text(3 + random.below(20));
    index.add(added, added);
    for (const std::string& words : trigrams(added)) known.insert(words);
    ASSERT_EQ(index.size(), known.size());
    const std::string looked_for = text(4);
    std::string expected;
    for (const std::string& words : trigrams(looked_for)) {
      if (expected.empty() && known.count(words) != 0) expected = words;
    }
    const auto match = index.find(looked_for);
    ASSERT_EQ(match ? match->words : "", expected);
    if (!match) continue;
    ++matches;
    EXPECT_THAT(match->place, testing::HasSubstr(match->words));
  }
  EXPECT_GT(matches, 300);
  EXPECT_LT(matches, 1900);
  EXPECT_LT(static_cast<double>(index.bytes()), 20.0 * static_cast<double>(index.size()));
}

/// What the two files of GSM8K share, and what a copied question costs.
TEST(NgramIndex, FindsACopiedQuestionOfGsm8k) {
  const std::string folder = DISTILL_SOURCE_DIR "/data/gsm8k/";
  const RecordFile test(folder + "test.jsonl");
  NgramIndex index;
  for (size_t i = 0; i < test.size(); ++i) {
    index.add(test.read(i)["question"].get_ref<const std::string&>(), test.place(i));
  }
  const std::string question = test.read(700)["question"];
  const std::string copied = "Solve this: " + question + " Think step by step.";
  std::vector<std::string> places(8);
  std::vector<std::thread> threads;
  for (std::string& place : places) {
    threads.emplace_back([&place, &index, &copied] { place = place_in(index, copied); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(places, testing::Each(test.place(700)));
}

}  // namespace
}  // namespace distill
