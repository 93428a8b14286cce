#!/usr/bin/env python3
"""Compares logits that distill wrote with those of transformers on the same model folder.

    distill forward --model DIR --input ids.json --output out.safetensors
    check_transformers.py DIR ids.json out.safetensors [--tolerance 1e-4]

ids.json is a list of ids, a list of such lists, or {"input_ids": ...}. The tensor `logits` has the
documents end to end [T, V], or one row each, padded [B, L, V]. Exit code 1 where they differ.
"""
import argparse
import json
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def read_documents(path):
    with open(path) as file:
        ids = json.load(file)
    if isinstance(ids, dict):
        ids = ids["input_ids"]
    return [ids] if isinstance(ids[0], int) else ids


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("ids")
    parser.add_argument("logits")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()

    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    ours = load_file(args.logits)["logits"].float()
    worst, begin = 0.0, 0
    for n, ids in enumerate(read_documents(args.ids)):
        with torch.no_grad():
            theirs = model(torch.tensor([ids])).logits[0]
        if ours.dim() == 3:
            own = ours[n, : len(ids)]
        else:
            own = ours[begin : begin + len(ids)]
            begin += len(ids)
        if own.shape != theirs.shape:
            sys.exit(f"document {n}: logits {list(own.shape)}, transformers has {list(theirs.shape)}")
        worst = max(worst, (own - theirs).abs().max().item())
    print(f"largest difference {worst:.2e}, tolerance {args.tolerance:.0e}")
    sys.exit(0 if worst <= args.tolerance else 1)


if __name__ == "__main__":
    main()
