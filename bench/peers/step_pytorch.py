#!/usr/bin/env python3
"""A plain PyTorch + transformers distillation step, timed: what a careful user writes today.

    python3 step_pytorch.py MODEL_DIR TRAIN_JSONL[.gz] [--dtype fp32|bf16] [--threads N] [--steps N] [--rows N] [--max-len N] [--keep 3]

Teacher frozen, student = every KEEP-th layer of it, GSM8K in the chat template, right padding, prompt masked,
loss = (0.5 CE + 0.5 T^2 KL, T = 2) over answer tokens / their number, AdamW, clip 1. bf16 = autocast over fp32 weights,
teacher in bf16. Prints one JSON line: median seconds a step, tokens/s (all real tokens), loss tokens/s, seconds to the
first finished step (imports and loading included), peak resident bytes.
"""
import time
T0 = time.perf_counter()
import argparse, copy, gzip, json, os, resource, statistics
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch, torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
p = argparse.ArgumentParser()
p.add_argument("model"); p.add_argument("data"); p.add_argument("--dtype", default="fp32"); p.add_argument("--threads", type=int, default=2)
p.add_argument("--steps", type=int, default=6); p.add_argument("--rows", type=int, default=8); p.add_argument("--max-len", type=int, default=256)
p.add_argument("--keep", type=int, default=3)
a = p.parse_args(); torch.set_num_threads(a.threads); torch.manual_seed(0)
bf = a.dtype == "bf16"
tok = AutoTokenizer.from_pretrained(a.model)
teacher = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.bfloat16 if bf else torch.float32).eval().requires_grad_(False)
cfg = teacher.config
keep = list(range(0, cfg.num_hidden_layers, a.keep))
c = copy.deepcopy(cfg); c.num_hidden_layers = len(keep)
if getattr(c, "layer_types", None): c.layer_types = [cfg.layer_types[i] for i in keep]
student = LlamaForCausalLM(c).float()
sd = {}
for k, v in teacher.state_dict().items():
    if ".layers." in k:
        i = int(k.split(".layers.")[1].split(".")[0])
        if i in keep: sd[k.replace(f".layers.{i}.", f".layers.{keep.index(i)}.")] = v.float()
    else: sd[k] = v.float()
student.load_state_dict(sd); student.train()
opt = torch.optim.AdamW(student.parameters(), lr=2e-4, weight_decay=0.0, fused=True)
docs = []
for line in (gzip.open if a.data.endswith(".gz") else open)(a.data, "rt", encoding="utf-8"):
    d = json.loads(line); u = [{"role": "user", "content": d["question"]}]
    q = tok.apply_chat_template(u, tokenize=False, add_generation_prompt=True)
    f = tok.apply_chat_template(u + [{"role": "assistant", "content": d["answer"]}], tokenize=False)
    x, y = (tok(t, add_special_tokens=False)["input_ids"] for t in (q, f))
    if len(y) <= a.max_len: docs.append((y, len(x)))
    if len(docs) == a.rows * (a.steps + 1): break
times, toks, ltoks, first = [], 0, 0, None
for s in range(a.steps + 1):
    b = docs[s * a.rows:(s + 1) * a.rows]; n = max(len(y) for y, _ in b)
    ids = torch.zeros(len(b), n, dtype=torch.long); lab = torch.full((len(b), n), -100); att = torch.zeros(len(b), n, dtype=torch.long)
    for r, (y, q) in enumerate(b):
        ids[r, :len(y)] = torch.tensor(y); att[r, :len(y)] = 1; lab[r, q:len(y)] = torch.tensor(y[q:])
    t0 = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf):
        with torch.no_grad(): zt = teacher(input_ids=ids, attention_mask=att).logits[:, :-1]
        zs = student(input_ids=ids, attention_mask=att).logits[:, :-1]
    m = lab[:, 1:] != -100; zs, zt, y = zs[m].float(), zt[m].float(), lab[:, 1:][m]
    ce = F.cross_entropy(zs, y, reduction="sum")
    kl = F.kl_div(F.log_softmax(zs / 2, -1), F.log_softmax(zt / 2, -1), log_target=True, reduction="sum") * 4
    loss = (0.5 * ce + 0.5 * kl) / m.sum()
    opt.zero_grad(); loss.backward(); torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0); opt.step()
    dt = time.perf_counter() - t0
    if first is None: first = time.perf_counter() - T0
    else: times.append(dt); toks += int(att.sum()); ltoks += int(m.sum())
med = statistics.median(times)
print(json.dumps({"dtype": a.dtype, "threads": a.threads, "step_s": round(med, 3), "tokens_per_s": round(toks / len(times) / med, 1),
  "loss_tokens_per_s": round(ltoks / len(times) / med, 1), "first_step_s": round(first, 1),
  "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2), "loss": round(float(loss), 4)}))
