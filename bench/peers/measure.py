"""What the scripts here share: the time of calls on a device, and the memory that they take."""
import argparse
import ctypes
import os
import re
import time

import torch

M_MMAP_THRESHOLD = -3  # glibc's malloc.h


def arguments(description):
    """--rows, --vocabulary, --dtype, --device, --threads."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--vocabulary", type=int, default=151936)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def start(args):
    """Threads and seed as asked."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


class PeakBytes:
    """The most memory in use since this was made, less what was in use then: the allocator's on CUDA,
    resident on a CPU, where it is None if the kernel does not let the peak be set back."""

    def __init__(self, device):
        self.device, self.known = device, True
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        else:
            self.known = self.reset_resident_peak()
        self.before = self.peak()

    @staticmethod
    def reset_resident_peak():
        try:
            libc = ctypes.CDLL(None)
            libc.mallopt(M_MMAP_THRESHOLD, 2**20)  # what is freed is not in use
            libc.malloc_trim(0)
            with open("/proc/self/clear_refs", "w") as stream:
                stream.write("5")
        except (AttributeError, OSError):
            return False
        return True

    def peak(self):
        if self.device == "cuda":
            return torch.cuda.max_memory_allocated()
        with open("/proc/self/status") as stream:
            return 1024 * int(re.search(r"VmHWM:\s+(\d+)", stream.read())[1])

    def read(self):
        return self.peak() - self.before if self.known else None


def median_seconds(device, count, prepare, work):
    """Of `count` calls of work(prepare()), after one that does not count; prepare() is not timed."""
    seconds = []
    for _ in range(count + 1):
        prepared = prepare()
        synchronize(device)
        begin = time.perf_counter()
        work(prepared)
        synchronize(device)
        seconds.append(time.perf_counter() - begin)
    return sorted(seconds[1:])[count // 2]
