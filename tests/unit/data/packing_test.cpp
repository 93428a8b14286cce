#include "data/packing.h"

#include <gmock/gmock.h>

#include <set>

#include "distill/core/error.h"
#include "distill/core/random.h"

namespace distill {
namespace {

using testing::ElementsAre;

TEST(Packing, TakesTheFullestBinThatFits) {
  // 7 + 3, 6 + 4, 5
  EXPECT_THAT(pack({3, 6, 5, 4, 7}, 10),
              ElementsAre(ElementsAre(0, 4), ElementsAre(1, 3), ElementsAre(2)));
  EXPECT_TRUE(pack({}, 10).empty());
  EXPECT_THAT(pack({10, 10}, 10), ElementsAre(ElementsAre(0), ElementsAre(1)));
  EXPECT_THROW(pack({11}, 10), Error);
}

TEST(Packing, KeepsEveryDocumentWithinTheCapacity) {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<int64_t> lengths(1 + random.below(300));
    int64_t total = 0;
    for (int64_t& length : lengths) total += length = static_cast<int64_t>(1 + random.below(100));
    const auto bins = pack(lengths, 256);
    std::set<size_t> seen;
    for (const auto& bin : bins) {
      int64_t filled = 0;
      for (const size_t document : bin) {
        filled += lengths[document];
        EXPECT_TRUE(seen.insert(document).second);
      }
      EXPECT_LE(filled, 256);
    }
    EXPECT_EQ(seen.size(), lengths.size());
    EXPECT_LE(static_cast<int64_t>(bins.size()), total / 200 + 2) << "bins are well filled";
  }
}

}  // namespace
}  // namespace distill
