#!/usr/bin/env python3
"""Write the fuzz targets' first inputs: tests/fuzz/make_seeds.py FOLDER

One folder a target, made of what the unit tests read: every part of a tokenizer inside a small
tokenizer.json, chat templates with a conversation, records, safetensors files. Inputs that are worth
keeping, such as those that once broke something, are committed below tests/fuzz/corpus instead.
"""

import gzip
import json
import struct
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
TEXT = "  Hello \u00e9e\u0301 \u65e5\u672c don't 123 <s>x</s>\n\U0001f600 a_b"


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def models():
    tokens = ["<s>", "</s>", "<unk>", "a", "b", "e", "H", "l", "o", "1", " ", "##l", "\u2581", "\u0120", "<0xC3>"]
    vocab = {token: i for i, token in enumerate([*tokens, "ll", "He", "Hell", "Hello"])}
    yield {"type": "BPE", "vocab": vocab, "merges": ["l l", ["H", "e"], "He ll", "Hell o"], "byte_fallback": True,
           "unk_token": "<unk>", "fuse_unk": True, "ignore_merges": True}
    yield {"type": "WordPiece", "vocab": vocab, "unk_token": "<unk>", "continuing_subword_prefix": "##",
           "max_input_chars_per_word": 100}
    yield {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    yield {"type": "Unigram", "vocab": [[token, -float(i)] for token, i in vocab.items()], "unk_id": 2,
           "byte_fallback": False}


def post_processors():
    special = {token: {"id": token, "ids": [i], "tokens": [token]} for i, token in enumerate(["<s>", "</s>"])}
    sequence, begin = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 0}}
    yield {"type": "TemplateProcessing", "single": [begin, sequence], "pair": [begin, sequence],
           "special_tokens": special}
    yield {"type": "BertProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0]}
    yield {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": True,
           "add_prefix_space": True}
    yield {"type": "ByteLevel", "trim_offsets": True}
    yield None


def tokenizer():
    parts = {"normalizer": [None], "pre_tokenizer": [None], "decoder": [None], "model": list(models()),
             "post_processor": list(post_processors())}
    for name in "parts.jsonl", "more_parts.jsonl":
        for row in rows(DATA / "tokenizers" / name):
            kind = next(key for key in row if key != "cases")
            parts[kind].append(row[kind])
    added = [{"id": i, "content": token, "special": i < 2, "lstrip": i == 0, "rstrip": i == 1,
              "single_word": i == 2, "normalized": i == 2} for i, token in enumerate(["<s>", "</s>", "x"])]
    for i in range(max(map(len, parts.values()))):
        rules = {key: choices[i % len(choices)] for key, choices in parts.items()}
        yield compact({"added_tokens": added, **rules}) + "\0" + TEXT


def chat_template():
    cases = {}
    for case in rows(DATA / "fixtures" / "chat_templates" / "cases.jsonl"):
        cases.setdefault(case["template_name"], case)
    for name, case in cases.items():
        source = (DATA / "fixtures" / "chat_templates" / "templates" / (name + ".jinja")).read_text("utf-8")
        yield source + "\0" + compact({"messages": case["messages"], **(case.get("context") or {})})
    variables, *expressions = rows(DATA / "fixtures" / "chat_templates" / "expressions.jsonl")
    for i in range(0, len(expressions), 20):
        source = "\n".join(row["template"] for row in expressions[i:i + 4])
        yield source + "\0" + compact({"messages": variables["messages"], **variables["context"]})


def records():
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi\u00e9"},
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "content": "1"}, {"role": "assistant", "content": "Bye", "train": False}]
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Bye", "weight": 0}]
    some = [{"text": "a \"b\""}, {"prompt": "p", "completion": "c"}, {"messages": chat, "tools": []},
            {"conversations": turns}, {"instruction": "i", "input": "", "output": "o"},
            {"tokens": [1, 2, 3], "loss_mask": [0, 1, True]}]
    yield from map(compact, some)
    lines = "\n".join(map(compact, some)) + "\n\n"
    yield lines
    yield json.dumps(some, indent=1)
    yield gzip.compress(lines.encode(), mtime=0)
    yield "\ufefftext,prompt,completion\r\n\"a \"\"b\"\"\",\"c\n\nd\",e\r\nf,,\r\n"
    yield "text\tinstruction\toutput\na\tb\tc\n"


def safetensors():
    def file(header, data):
        text = compact(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    dtypes = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
    for dtype, size in dtypes.items():
        yield file({"__metadata__": {"format": "pt"},
                    "a": {"dtype": dtype, "shape": [1, 2], "data_offsets": [0, 2 * size]},
                    "b": {"dtype": dtype, "shape": [], "data_offsets": [2 * size, 3 * size]},
                    "c": {"dtype": dtype, "shape": [0, 4], "data_offsets": [3 * size, 3 * size]}}, bytes(3 * size))
    yield file({}, b"")


def main():
    for target in tokenizer, chat_template, records, safetensors:
        folder = Path(sys.argv[1]) / target.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(target()):
            (folder / f"{i:03}").write_bytes(seed if isinstance(seed, bytes) else seed.encode())


if __name__ == "__main__":
    main()
