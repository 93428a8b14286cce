#!/usr/bin/env python3
"""Other libraries' heads with their losses, timed: those of them that are installed.

    python3 library_head.py [the options of eager_head.py]

Prints one JSON line a contender, as eager_head.py does, with a note on what it leaves out of
0.5 cross-entropy + 0.5 T^2 KL at T = 2; what cannot run here goes to stderr, in one line.
"""
import json
import sys

from eager_head import Heads, head_arguments, measure
from library_loss import Absent, reason
from measure import start


def liger_chunked(_):
    from liger_kernel.chunked_loss import LigerFusedLinearJSDLoss

    loss = LigerFusedLinearJSDLoss(0.5, 0.5, beta=0.0, temperature=2.0)

    def of_heads(heads):
        return loss(heads.hidden, heads.weight, heads.teacher_hidden, heads.teacher_weight, heads.targets)
    return of_heads, "no T^2; divergence and the weight's gradient in the compute dtype"


def liger_fused(args):
    if args.device != "cuda":
        raise Absent("its kernels need a GPU")
    from liger_kernel.transformers import LigerFusedLinearJSD

    loss = LigerFusedLinearJSD(jsd_beta=0.0, temperature=2.0)

    def of_heads(heads):
        return loss(heads.hidden, heads.weight, heads.teacher_hidden, heads.teacher_weight, heads.targets)
    return of_heads, "no cross-entropy, no T^2; the weight's gradient adds in the compute dtype"


CONTENDERS = {"Liger LigerFusedLinearJSDLoss": liger_chunked, "Liger LigerFusedLinearJSD": liger_fused}


def main():
    args = head_arguments(__doc__.splitlines()[0]).parse_args()
    start(args)
    heads, absent = Heads(args), []
    for name, make in CONTENDERS.items():
        try:
            loss, note = make(args)
            result = measure(loss, heads, args.device)
        except Exception as error:  # whatever an installed library raises, the others go on
            absent.append(reason(name, error))
            continue
        print(json.dumps({"peer": name, **result, "note": note, **vars(args)}), flush=True)
    if absent:
        print(f"library_head: not compared: {', '.join(absent)}", file=sys.stderr)


if __name__ == "__main__":
    main()
