#include "data/packing.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "distill/core/error.h"

namespace distill {

std::vector<std::vector<size_t>> pack(const std::vector<int64_t>& lengths, int64_t capacity) {
  std::vector<size_t> longest_first(lengths.size());
  std::iota(longest_first.begin(), longest_first.end(), size_t{0});
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [&lengths](size_t a, size_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<size_t>> bins;
  std::multimap<int64_t, size_t> room;  // tokens left -> bin
  for (const size_t document : longest_first) {
    const int64_t length = lengths[document];
    if (length > capacity) throw Error("pack: a document is longer than a bin");
    const auto fullest = room.lower_bound(length);
    size_t bin = bins.size();
    int64_t left = capacity;
    if (fullest == room.end()) {
      bins.emplace_back();
    } else {
      left = fullest->first;
      bin = fullest->second;
      room.erase(fullest);
    }
    bins[bin].push_back(document);
    room.emplace(left - length, bin);
  }
  for (std::vector<size_t>& bin : bins) std::sort(bin.begin(), bin.end());
  std::sort(bins.begin(), bins.end());
  return bins;
}

}  // namespace distill
