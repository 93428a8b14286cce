// What a forward pass leaves behind beyond its last hidden state.
#pragma once

#include <ATen/core/Tensor.h>

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace distill {

/// An inner value of a model that an objective asked for, flat over the packed batch of T tokens.
/// Attention maps are made of queries and keys, a document at a time: see ops/attention_maps.h.
struct Tap {
  enum class Kind {
    kHidden,  ///< [T, D]; layer 0 is the embedding, layer i the output of block i - 1
    kQuery,   ///< [T, heads, head_dim], as the scores see them: after norm and rotation
    kKey,     ///< [T, key-value heads, head_dim], as the scores see them
    kValue,   ///< [T, key-value heads, head_dim]
  };
  Kind kind = Kind::kHidden;
  int layer = 0;
  auto operator<=>(const Tap&) const = default;
};

/// "the hidden state of layer 7".
std::string tap_name(const Tap& tap);

/// The taps that a model has, each with the shape that it has for one token.
using TapShapes = std::map<Tap, std::vector<int64_t>>;

/// The two models of a run. The teacher's is empty where there is none or it has no taps.
struct ModelTaps {
  TapShapes student, teacher;
};

/// The result of a forward pass over a batch of T tokens.
struct Trace {
  at::Tensor hidden;  // [T, D], after the final norm
  std::map<Tap, at::Tensor> taps;
};

/// What an objective needs beyond the student's logits.
struct Needs {
  bool teacher_logits = false;  ///< all of them
  /// Where not all: this many of the teacher's most likely tokens a row. 0: none.
  int64_t teacher_top_k = 0;
  bool teacher_sample = false;  ///< where not all: a weighted sample of tokens a row
  std::set<Tap> student_taps = {};
  std::set<Tap> teacher_taps = {};

  void merge(const Needs& other);
  /// Whether a teacher is to say something of the loss rows.
  bool teacher_rows() const { return teacher_logits || teacher_top_k > 0 || teacher_sample; }
  /// Whether anything of this comes from a teacher.
  bool teacher() const { return teacher_rows() || !teacher_taps.empty(); }
};

/// What a teacher can be asked for.
struct Offers {
  bool logits = false;  ///< all of them, and so the best ones and samples
  int64_t top_k = 0;    ///< at most this many of its most likely tokens a row
  bool sample = false;  ///< a weighted sample of tokens a row
  TapShapes taps = {};
};

/// What of `needs` no teacher with these `offers` can answer, a phrase each: "all its logits", "the
/// hidden state of layer 7". All logits are as good as a few or a sample of them.
std::vector<std::string> unmet_needs(const Needs& needs, const Offers& offers);

}  // namespace distill
