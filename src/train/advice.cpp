#include "train/advice.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/ops/device.h"

namespace distill {

std::string not_finite_advice(const std::vector<SampleRef>& samples, const BatchSource& source,
                              std::optional<int64_t> saved) {
  constexpr size_t kShown = 16;
  std::string text;
  for (size_t i = 0; i < std::min(samples.size(), kShown); ++i) {
    text += "\n  " + source.place(samples[i]);
  }
  if (samples.size() > kShown) {
    text += "\n  and " + std::to_string(samples.size() - kShown) + " more";
  }
  return text +
         "\nLook at these records. Lower optimizer.learning_rate or lengthen the warm-up "
         "(lr_scheduler.warmup_ratio); --resume auto then " +
         (saved ? "goes on from step " + std::to_string(*saved)
                : "starts again, there is no checkpoint yet");
}

std::string out_of_memory_advice(std::vector<MemoryPart> parts) {
  constexpr size_t kShown = 3;
  std::stable_sort(parts.begin(), parts.end(),
                   [](const MemoryPart& a, const MemoryPart& b) { return a.bytes > b.bytes; });
  int64_t total = 0;
  for (const MemoryPart& part : parts) total += part.bytes;
  std::string text = "the run was estimated to need " + format_bytes(total) + ", most of it:";
  for (size_t i = 0; i < std::min(parts.size(), kShown); ++i) {
    text += "\n  " + parts[i].name + ": " + format_bytes(parts[i].bytes);
  }
  return text +
         "\ntrain.gradient_checkpointing=true needs less and may be set on a resume; a smaller "
         "train.micro_batch_size (with more gradient_accumulation_steps) or data.max_length need a "
         "new run";
}

void with_memory_advice(const std::string& what, const std::vector<MemoryPart>& parts,
                        const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    throw TrainingError("out of memory while " + what + ": " + out_of_memory_advice(parts));
  }
}

}  // namespace distill
