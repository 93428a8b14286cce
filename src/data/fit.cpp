#include "data/fit.h"

#include <algorithm>

#include "distill/core/hash.h"

namespace distill {
namespace {

ContentKey content_key(const Document& document) {
  Hasher hasher;
  hasher.add(document.tokens.data(), document.tokens.size() * sizeof(int64_t));
  std::string mask(document.is_target.size(), '0');
  for (size_t i = 1; i < mask.size(); ++i) mask[i] = document.is_target[i] ? '1' : '0';
  return hasher.add(mask).key();
}

Document slice(const Document& document, size_t begin, size_t end) {
  const auto from = static_cast<std::ptrdiff_t>(begin);
  const auto to = static_cast<std::ptrdiff_t>(end);
  Document piece;
  piece.tokens.assign(document.tokens.begin() + from, document.tokens.begin() + to);
  piece.is_target.assign(document.is_target.begin() + from, document.is_target.begin() + to);
  piece.sample = document.sample;
  return piece;
}

void keep(Document document, std::vector<Document>& kept, DataReport& report) {
  document.sample.content = content_key(document);
  ++report.documents;
  report.tokens += static_cast<int64_t>(document.tokens.size());
  report.loss_tokens += count_targets(document);
  kept.push_back(std::move(document));
}

}  // namespace

int64_t count_targets(const Document& document) {
  if (document.is_target.empty()) return 0;
  return std::count(document.is_target.begin() + 1, document.is_target.end(), true);
}

std::vector<Document> fit(Document document, int64_t max_length, TooLong too_long,
                          DataReport& report) {
  std::vector<Document> kept;
  const size_t length = document.tokens.size();
  const auto limit = static_cast<size_t>(max_length);
  report.longest = std::max(report.longest, static_cast<int64_t>(length));
  if (count_targets(document) == 0) {
    ++report.without_loss;
  } else if (length <= limit) {
    keep(std::move(document), kept, report);
  } else if (too_long == TooLong::kDrop) {
    ++report.too_long;
  } else if (too_long == TooLong::kTruncate) {
    Document head = slice(document, 0, limit);
    if (count_targets(head) == 0) {
      ++report.truncated_away;
    } else {
      ++report.truncated;
      keep(std::move(head), kept, report);
    }
  } else {
    ++report.split;
    for (size_t begin = 0; begin < length; begin += limit) {
      Document piece = slice(document, begin, std::min(begin + limit, length));
      piece.sample.part = static_cast<int32_t>(begin / limit);
      if (count_targets(piece) == 0) {
        ++report.without_loss;
      } else {
        keep(std::move(piece), kept, report);
      }
    }
  }
  return kept;
}

}  // namespace distill
