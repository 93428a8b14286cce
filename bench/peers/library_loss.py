#!/usr/bin/env python3
"""The losses of other libraries on given logits, timed: those of them that are installed.

    python3 library_loss.py [--rows 64] [--vocabulary 151936] [--dtype float32|bfloat16] [--loss forward_kl|jsd]
                            [--device cpu|cuda]

Prints one JSON line a contender, as eager_loss.py does, with a note on what it leaves out of
0.5 cross-entropy + 0.5 T^2 divergence at T = 2; what cannot run here goes to stderr, in one line.
"""
import importlib.util
import json
import os
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from eager_loss import make_rows, measure
from measure import arguments, start

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
BETA = {"forward_kl": 0.0, "jsd": 0.5}  # what TRL and Liger call them


class Absent(Exception):
    """Why a contender does not run here."""


def reason(name, error):
    """The contender and the first line of why it did not run."""
    return f"{name} ({(str(error).strip().splitlines() or [type(error).__name__])[0]})"


def torchtune(args):
    if args.loss != "forward_kl":
        raise Absent("has no such loss")
    found = importlib.util.find_spec("torchtune")
    if found is None:
        raise Absent("not installed")
    # From its file: importing the package takes torchao, which the losses do not use.
    path = Path(found.submodule_search_locations[0]) / "modules" / "loss" / "kd_losses.py"
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("kd_losses", path))
    module.__spec__.loader.exec_module(module)
    loss = module.ForwardKLLoss()
    note = "no cross-entropy, no temperature; a soft-target cross-entropy, not a divergence; fp32 copies"
    return loss, note


def trl(args):
    try:
        from trl.experimental.gkd import GKDTrainer  # since TRL 0.26
    except ModuleNotFoundError:
        from trl import GKDTrainer
    beta = BETA[args.loss]

    def loss(student, teacher, targets):
        # [rows, 1, V], as a batch of sequences is [B, L, V]
        return GKDTrainer.generalized_jsd_loss(student.unsqueeze(1), teacher.unsqueeze(1), targets.unsqueeze(1),
                                               beta=beta, temperature=2.0)
    return loss, "no cross-entropy, no T^2; probabilities in the logits' dtype"


def liger(args):
    if args.device != "cuda":
        raise Absent("its kernels need a GPU")
    from liger_kernel.transformers import LigerJSD, LigerKLDIVLoss

    kernel = LigerJSD(beta=0.5) if args.loss == "jsd" else LigerKLDIVLoss(reduction="batchmean", log_target=True)

    def loss(student, teacher, targets):
        log_p, log_q = (F.log_softmax(x.float() / 2.0, -1) for x in (student, teacher))
        return kernel(log_p, log_q)
    return loss, "no cross-entropy, no T^2; takes log-probabilities, which PyTorch computes in fp32"


CONTENDERS = {"torchtune ForwardKLLoss": torchtune, "TRL generalized_jsd_loss": trl, "Liger": liger}


def main():
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--loss", default="forward_kl", choices=list(BETA))
    args = parser.parse_args()
    start(args)
    rows = make_rows(args)
    absent = []
    for name, make in CONTENDERS.items():
        try:
            loss, note = make(args)
            result = measure(loss, *rows, args.device)
        except Exception as error:  # whatever an installed library raises, the others go on
            absent.append(reason(name, error))
            continue
        print(json.dumps({"peer": name, **result, "note": note, **vars(args)}), flush=True)
    if absent:
        print(f"library_loss: {args.loss}: not compared: {', '.join(absent)}", file=sys.stderr)


if __name__ == "__main__":
    main()
