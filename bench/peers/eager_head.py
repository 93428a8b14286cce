#!/usr/bin/env python3
"""What a user writes in PyTorch for both models' heads with cross-entropy and forward KL at T = 2, timed.

    python3 eager_head.py [--rows 1024] [--hidden 576] [--teacher-hidden 576] [--vocabulary 49152]
                          [--dtype float32|bfloat16] [--device cpu|cuda]

Parameters and hidden rows are of this dtype, the losses in fp32. Prints one JSON line: the median seconds of
three forward and backward passes, and the peak of bytes beside inputs and gradients. The numbers are those
that bench_head_step draws, so that the losses can be compared.
"""
import json

import torch
import torch.nn.functional as F

from measure import PeakBytes, arguments, median_seconds, start


class Heads:
    """Both models' hidden rows and heads, in the order in which bench_head_step draws them."""

    def __init__(self, args):
        def random(rows, columns, size):
            drawn = torch.randn(rows, columns, device=args.device).mul_(size)
            return drawn.to(getattr(torch, args.dtype))

        self.hidden = random(args.rows, args.hidden, 1.0).requires_grad_()
        self.weight = random(args.vocabulary, args.hidden, 3.0 / args.hidden**0.5).requires_grad_()
        self.teacher_hidden = random(args.rows, args.teacher_hidden, 1.0)
        self.teacher_weight = random(args.vocabulary, args.teacher_hidden, 3.0 / args.teacher_hidden**0.5)
        self.targets = torch.randint(args.vocabulary, (args.rows,), device=args.device)

    def clear(self):
        self.hidden.grad = self.weight.grad = None


def eager(heads):
    student = F.linear(heads.hidden, heads.weight).float()
    with torch.no_grad():
        teacher = F.linear(heads.teacher_hidden, heads.teacher_weight).float()
    hard = F.cross_entropy(student, heads.targets)
    log_p, log_q = (F.log_softmax(x / 2.0, -1) for x in (student, teacher))
    return 0.5 * hard + 0.5 * 4.0 * F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)


def measure(loss, heads, device):
    """Seconds of `loss` of the heads, forward and backward, its peak of bytes and its value."""
    values = []

    def step(_=None):
        value = loss(heads)
        value.backward()
        values.append(value.detach())

    heads.clear()
    seconds = median_seconds(device, 3, heads.clear, step)
    heads.clear()
    peak = PeakBytes(device)
    step()
    taken = peak.read()
    gradients = sum(x.grad.numel() * x.grad.element_size() for x in (heads.hidden, heads.weight))
    return {"seconds": seconds, "peak_bytes": taken and taken - gradients, "loss": float(values[-1])}


def head_arguments(description):
    parser = arguments(description)
    parser.add_argument("--hidden", type=int, default=576)
    parser.add_argument("--teacher-hidden", type=int, default=576)
    parser.set_defaults(rows=1024, vocabulary=49152)
    return parser


def main():
    args = head_arguments(__doc__.splitlines()[0]).parse_args()
    start(args)
    print(json.dumps({"peer": "PyTorch", **measure(eager, Heads(args), args.device), **vars(args)}))


if __name__ == "__main__":
    main()
