#!/usr/bin/env python3
"""Markdown tables from the JSON lines of the programs and scripts in bench/.

    python3 bench/tables.py loss|head FILE

A line with `peer` is a contender's, the others are distill's. Repeated lines are rounds: the tables show their
medians, and of ratios the median over the rounds. PyTorch's own lines are what the others are compared with.
"""
import collections
import datetime
import json
import statistics
import subprocess
import sys

BYTES = {"float32": 4, "bfloat16": 2}
SAME_LOSS = 1e-3  # relative: a head that draws the same numbers has the same loss


def contender(run):
    instructions = run.get("instructions")
    return run.get("peer") or ("distill, " + instructions if instructions else "distill")


def rounds(lines, *keys):
    """{(the keys' values, contender): runs}, distill before its peers."""
    groups = collections.defaultdict(list)
    for run in lines:
        groups[(*(run[key] for key in keys), contender(run))].append(run)
    first = {}
    for key in groups:
        first.setdefault(key[:-1], len(first))
    return dict(sorted(groups.items(), key=lambda item: (first[item[0][:-1]], "peer" in item[1][0])))


def median(runs, key):
    values = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(values) if values else None


def ratio(runs, others, key):
    """Median over the rounds of the others' value by the runs'."""
    values = [other[key] / run[key] for run, other in zip(runs, others or [])
              if run.get(key) and other.get(key) is not None]
    return statistics.median(values) if values else None


def show(value, form):
    return "" if value is None else format(value, form)


def table(header, rows):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows])


def loss_table(lines):
    groups = rounds(lines, "dtype", "loss")
    copies = [run["copy_gb_per_s"] for run in lines if "copy_gb_per_s" in run]
    rows = []
    for (dtype, loss, name), runs in groups.items():
        ms = median(runs, "ms_per_row")
        passes = 2 if loss == "cross_entropy alone" else 3
        speed = passes * BYTES[dtype] * runs[0]["vocabulary"] / ms / 1e6
        peak = [run["peak_bytes"] / run["rows"] / 1e6 for run in runs if run["peak_bytes"] is not None]
        rows.append([
            dtype, "nothing" if passes == 2 else loss, name, f"{ms:.4f}", f"{speed:.1f}",
            show(100 * speed / statistics.median(copies) if copies else None, ".0f"),
            show(statistics.median(peak) if peak else None, ".2f"),
            show(median(runs, "gradient_error"), ".1e"),
            show(ratio(runs, groups.get((dtype, loss, "PyTorch")), "ms_per_row"), ".1f"),
            runs[0].get("note", "")])
    return table(["dtype", "cross-entropy and", "", "ms a row", "GB/s", "% of the floor's speed",
                  "peak MB a row beside the logits", "gradient error / T(\\|p\\| + \\|q\\|)", "times PyTorch",
                  "leaves out"], rows)


SHAPE = ("rows", "hidden", "teacher_hidden", "vocabulary", "dtype")


def check_losses(groups):
    for key, runs in groups.items():
        other = groups.get((*key[:-1], "PyTorch"))
        if other is None or "peer" in runs[0]:
            continue
        own, theirs = runs[0]["loss"], other[0]["loss"]
        if not abs(own - theirs) <= SAME_LOSS * abs(theirs):
            raise SystemExit(f"tables: {key}: the loss is {own}, PyTorch's {theirs}: not the same work")


def head_table(lines):
    groups = rounds(lines, *SHAPE)
    check_losses(groups)
    rows = []
    for (*shape, name), runs in groups.items():
        count, hidden, teacher, vocabulary, dtype = shape
        eager = groups.get((*shape, "PyTorch"))
        peak = median(runs, "peak_bytes")
        rows.append([
            f"{count} x {hidden} <- {teacher}, {vocabulary}", dtype, name, f"{median(runs, 'seconds'):.4f}",
            show(ratio(runs, eager, "seconds"), ".2f"), show(median(runs, "product_share"), ".2f"),
            show(median(runs, "times_products_and_floor"), ".2f"), show(peak and peak / 1e6, ".0f"),
            show(peak and eager and median(eager, "peak_bytes") and peak / median(eager, "peak_bytes"), ".2f"),
            runs[0].get("note", "")])
    return table(["rows x hidden <- teacher's, vocabulary", "dtype", "", "seconds", "times PyTorch",
                  "share of the products alone", "time / (products + floor)", "peak MB", "of PyTorch's",
                  "leaves out"], rows)


def gpu_targets(loss_lines, head_lines):
    """What was aimed at on a GPU, what was found and whether that is enough."""
    groups = rounds(loss_lines, "dtype", "loss")
    found = []
    for loss, share in (("forward_kl", 0.8), ("jsd", 0.7)):
        eager = groups.get(("bfloat16", loss, "PyTorch"))
        for kernel in ("CUDA blocks", "CUDA clusters"):
            own = groups.get(("bfloat16", loss, f"distill, {kernel}"))
            if not own:
                continue
            name = f"{loss}, {kernel}"
            found.append((f"{name}: share of the floor's speed", median(own, "floor_share"), share, True))
            found.append((f"{name}: times PyTorch", ratio(own, eager, "ms_per_row"), 15.0, True))
            # the row losses themselves are 8 bytes a row
            peak = median(own, "peak_bytes") / own[0]["rows"]
            found.append((f"{name}: bytes a row beside the logits", peak, 8.0, False))
    for key, runs in rounds(head_lines, *SHAPE).items():
        if key[-1] == "distill":
            found.append(("head: time / (products + floor)", median(runs, "times_products_and_floor"), 1.25, False))
    rows = []
    for name, value, aim, at_least in found:
        met = "not measured" if value is None else "yes" if (value >= aim) == at_least or value == aim else "no"
        rows.append([name, show(value, ".2f"), f"{'at least' if at_least else 'at most'} {aim}", met])
    return table(["bfloat16", "found", "aim", "met"], rows)


def device_line(device, threads):
    """Date and device, to stand above a table."""
    if device == "cuda":
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
    else:
        with open("/proc/cpuinfo") as stream:
            models = [line.split(":", 1)[1].strip() for line in stream if line.startswith("model name")]
        name = f"{threads} threads of {models[0] if models else 'an unknown CPU'}"
    return f"{datetime.date.today()}, {name}"


def heading(lines):
    text = device_line(lines[0]["device"], lines[0]["threads"])
    copies = [run["copy_gb_per_s"] for run in lines if "copy_gb_per_s" in run]
    return text + (f", a copy at {statistics.median(copies):.1f} GB/s:" if copies else ":")


TABLES = {"loss": loss_table, "head": head_table}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in TABLES:
        raise SystemExit(__doc__)
    with open(sys.argv[2]) as stream:
        lines = [json.loads(line) for line in stream]
    print(f"{heading(lines)}\n\n{TABLES[sys.argv[1]](lines)}")


if __name__ == "__main__":
    main()
