// What the programs in bench/ share: the time of calls on a device, and the memory that they take.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace distill {

inline void synchronize(at::Device device) {
  if (device.is_cpu()) return;
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The median of `count` calls of `work`, after one that does not count; `prepare` runs before each
/// and is not timed.
template <class Prepare, class Work>
double median_seconds(at::Device device, int count, const Prepare& prepare, const Work& work) {
  std::vector<double> all;
  for (int i = 0; i <= count; ++i) {
    prepare();
    synchronize(device);
    const auto begin = std::chrono::steady_clock::now();
    work();
    synchronize(device);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (i > 0) all.push_back(taken.count());
  }
  return median(std::move(all));
}

/// Bytes a second of a large copy, each byte counted twice: read and written.
inline double copy_bandwidth(at::Device device) {
  const int64_t bytes = int64_t{1} << (device.is_cpu() ? 29 : 31);
  const at::Tensor source = at::zeros({bytes}, at::TensorOptions(device).dtype(at::kByte));
  const at::Tensor target = at::empty_like(source);
  const double seconds = median_seconds(
      device, 7, [] {}, [&] { target.copy_(source); });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

/// The most memory in use since this was made, less what was in use then: the allocator's on CUDA,
/// resident on a CPU, where it is unknown if the kernel does not let the peak be set back.
class PeakBytes {
 public:
  explicit PeakBytes(at::Device device) : device_(device) {
    if (device.is_cpu()) {
      known_ = reset_resident_peak();
    } else {
      c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
    }
    before_ = peak();
  }

  std::optional<int64_t> read() const {
    if (!known_) return std::nullopt;
    return peak() - before_;
  }

 private:
  int64_t peak() const {
    if (device_.is_cpu()) return resident_peak();
    constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    auto* allocator = c10::getDeviceAllocator(device_.type());
    return allocator->getDeviceStats(device_.index()).allocated_bytes[kAll].peak;
  }

  static bool reset_resident_peak() {
#ifdef __GLIBC__
    malloc_trim(0);  // what was freed is not in use
    return (std::ofstream("/proc/self/clear_refs") << "5" << std::flush).good();
#else
    return false;
#endif
  }

  static int64_t resident_peak() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word && word != "VmHWM:") {
    }
    int64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024;
  }

  at::Device device_;
  bool known_ = true;
  int64_t before_ = 0;
};

}  // namespace distill
