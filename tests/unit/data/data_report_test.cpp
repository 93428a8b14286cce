#include "distill/data/data_report.h"

#include <gtest/gtest.h>

namespace distill {
namespace {

TEST(LengthCounts, PercentilesAreLengthsThatOccur) {
  LengthCounts lengths;
  EXPECT_EQ(lengths.percentile(0.5), 0);
  EXPECT_EQ(lengths.summary(), "");
  for (int64_t length = 100; length >= 1; --length) lengths.add(10 * length);
  EXPECT_EQ(lengths.total(), 100);
  EXPECT_EQ(lengths.percentile(0.5), 500);
  EXPECT_EQ(lengths.percentile(0.9), 900);
  EXPECT_EQ(lengths.percentile(0.99), 990);
  EXPECT_EQ(lengths.percentile(1), 1000);
  lengths.add(5000);
  EXPECT_EQ(lengths.summary(), "half have at most 510 tokens, 90 % 910, 99 % 1000, all 5000");
}

}  // namespace
}  // namespace distill
