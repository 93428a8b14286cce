// Who is learned from: whatever answers a batch. A model in memory is one; a cache, a server, an
// ensemble and the student's own moving average are others.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/flow/head.h"
#include "distill/flow/trace.h"

namespace distill {

class Transformer;

/// What a teacher says of a batch: of its loss rows, and the inner values that were asked for. On
/// the batch's device, without gradients.
struct TeacherAnswer {
  TeacherRows rows;                ///< undefined where no logits were needed
  std::map<Tap, at::Tensor> taps;  ///< see Trace::taps
};

class Teacher {
 public:
  virtual ~Teacher() = default;

  /// What it can be asked for, whatever the batch. Compared with what the objectives need when a
  /// run is planned, so that no step fails for it.
  virtual Offers offers() const = 0;

  /// Answers a batch on the student's device. What is returned may refer to this teacher, and holds
  /// until the next call. Throws DataError where the teacher has no answer to one of its samples.
  virtual TeacherAnswer answer(const Batch& batch, const Needs& needs) = 0;

  /// This batch will be asked about soon: a teacher that reads or asks elsewhere begins here.
  virtual void expect(const Batch& batch, const Needs& needs) {
    static_cast<void>(batch);
    static_cast<void>(needs);
  }

  /// After each update of the student, for teachers that follow it.
  virtual void follow(const Transformer& student) { static_cast<void>(student); }

  /// What a resumed run must find again, by name: views that checkpoints write from and copy into.
  virtual std::vector<std::pair<std::string, at::Tensor>> state() const { return {}; }
};

}  // namespace distill
