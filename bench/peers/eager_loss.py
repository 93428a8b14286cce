#!/usr/bin/env python3
"""What a user writes in PyTorch for cross-entropy and a divergence at T = 2 on given logits, timed.

    python3 eager_loss.py [--rows 64] [--vocabulary 151936] [--dtype float32|bfloat16] [--loss forward_kl|jsd]
                          [--device cpu|cuda]

Prints one JSON line: the median of three forward and backward passes, in milliseconds a row, and the
peak of bytes beside the logits and their gradient.
"""
import json

import torch
import torch.nn.functional as F

from measure import PeakBytes, arguments, median_seconds, start


def divergence(name, student, teacher, t):
    log_p, log_q = (F.log_softmax(x.float() / t, -1) for x in (student, teacher))
    if name == "forward_kl":
        return F.kl_div(log_p, log_q, reduction="sum", log_target=True) * t * t
    log_m = torch.logsumexp(torch.stack([log_p, log_q]), 0) - torch.log(torch.tensor(2.0))
    halves = (F.kl_div(log_m, x, reduction="sum", log_target=True) for x in (log_p, log_q))
    return 0.5 * sum(halves) * t * t


def eager(name):
    """The loss of (student's logits, teacher's, targets), a sum over the rows."""
    def loss(student, teacher, targets):
        hard = F.cross_entropy(student.float(), targets, reduction="sum")
        return 0.5 * hard + 0.5 * divergence(name, student, teacher, 2.0)
    return loss


def make_rows(args):
    def random():
        return (torch.randn(args.rows, args.vocabulary, device=args.device) * 3).to(getattr(torch, args.dtype))
    return random(), random(), torch.randint(args.vocabulary, (args.rows,), device=args.device)


def measure(loss, student, teacher, targets, device):
    """Milliseconds a row of `loss`, forward and backward, and its peak of bytes."""
    def step(logits):
        loss(logits, teacher, targets).backward()

    def fresh():
        return student.clone().requires_grad_()

    seconds = median_seconds(device, 3, fresh, step)
    logits = fresh()
    peak = PeakBytes(device)
    step(logits)
    taken = peak.read()
    gradient = logits.grad.numel() * logits.grad.element_size()
    return {"ms_per_row": 1e3 * seconds / len(targets), "peak_bytes": taken and taken - gradient}


def main():
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--loss", default="forward_kl", choices=["forward_kl", "jsd"])
    args = parser.parse_args()
    start(args)
    result = measure(eager(args.loss), *make_rows(args), args.device)
    print(json.dumps({"peer": "PyTorch", **result, **vars(args)}))


if __name__ == "__main__":
    main()
