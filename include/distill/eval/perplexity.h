// Perplexity of a text as lm-evaluation-harness counts it: rolling windows in which every token is
// predicted once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/model/transformer.h"
#include "distill/text/tokenizer.h"

namespace distill {

struct Perplexity {
  int64_t tokens = 0;
  int64_t words = 0;  ///< pieces between runs of white space, as re.split(r"\s+") counts them
  int64_t bytes = 0;
  double nll = 0.0;  ///< sum over tokens, nats

  double per_token() const;
  double per_word() const;
  double per_byte() const;
  double bits_per_byte() const;
};

/// Windows of at most `max_length` inputs: the first begins with `prefix` and predicts the first
/// tokens; each later one predicts the next `max_length` tokens after one token of context, the
/// last one with as much context as fits.
std::vector<Batch> rolling_windows(const std::vector<int64_t>& tokens, int64_t prefix,
                                   int64_t max_length);

/// The prefix is BOS, else EOS. Throws DataError for an empty text or a tokenizer with neither.
Perplexity measure_perplexity(const Transformer& model, const Tokenizer& tokenizer,
                              const std::string& text, int64_t max_length);

}  // namespace distill
