#!/usr/bin/env python3
"""What a user writes in PyTorch for cross-entropy and a divergence at T = 2 on given logits, timed.

    python3 eager_loss.py [--rows 64] [--vocabulary 151936] [--dtype float32|bfloat16] [--loss forward_kl|jsd]

Prints one JSON line: the median of three forward and backward passes, in milliseconds a row.
"""
import argparse
import json
import time

import torch
import torch.nn.functional as F


def divergence(name, student, teacher, t):
    log_p, log_q = (F.log_softmax(x.float() / t, -1) for x in (student, teacher))
    if name == "forward_kl":
        return F.kl_div(log_p, log_q, reduction="sum", log_target=True) * t * t
    log_m = torch.logsumexp(torch.stack([log_p, log_q]), 0) - torch.log(torch.tensor(2.0))
    halves = (F.kl_div(log_m, x, reduction="sum", log_target=True) for x in (log_p, log_q))
    return 0.5 * sum(halves) * t * t


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--vocabulary", type=int, default=151936)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--loss", default="forward_kl", choices=["forward_kl", "jsd"])
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    student, teacher = ((torch.randn(args.rows, args.vocabulary) * 3).to(getattr(torch, args.dtype))
                        for _ in range(2))
    targets = torch.randint(args.vocabulary, (args.rows,))

    def step():
        logits = student.clone().requires_grad_()
        begin = time.perf_counter()
        hard = F.cross_entropy(logits.float(), targets, reduction="sum")
        (0.5 * hard + 0.5 * divergence(args.loss, logits, teacher, 2.0)).backward()
        return time.perf_counter() - begin

    step()
    seconds = sorted(step() for _ in range(3))[1]
    print(json.dumps({"ms_per_row": 1e3 * seconds / args.rows, **vars(args)}))


if __name__ == "__main__":
    main()
