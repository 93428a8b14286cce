#!/usr/bin/env python3
"""Check that includes follow the layers: check_layers.py [--self-test]

The allowed includes are read from the distill_layer() and distill_program() lines of CMakeLists.txt.
Each finding is printed as file:line: what is wrong; the exit code is 1 when there is one.
"""
import re
import sys
from pathlib import Path, PurePosixPath

# A library that only one layer (and its unit tests) may include.
OWNED = {"spdlog/": "core", "fmt/": "core", "yaml-cpp/": "config", "CLI/": "app",
         "arrow/": "data", "parquet/": "data"}
# Headers that take the compiler 10 seconds a file.
HEAVY = ("torch/torch.h", "torch/all.h", "torch/nn")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
CPP = {".h", ".cpp", ".cu", ".cuh"}


def read_layers(cmake):
    """{layer: the layers it may include}, from the text of CMakeLists.txt."""
    layers = {}
    for kind, body in re.findall(r"^distill_(layer|program)\(([^)]*)\)", cmake, re.MULTILINE):
        words = body.split()
        name = words[0] if kind == "layer" else words[words.index("LAYER") + 1]
        depends = words[words.index("DEPENDS") + 1:] if "DEPENDS" in words else []
        end = next((i for i, word in enumerate(depends) if word.isupper()), len(depends))
        layers[name] = depends[:end]
    return layers


def check_graph(layers):
    """Each layer depends only on layers above it in the file, so there is no cycle."""
    seen = set()
    for name, depends in layers.items():
        for other in depends:
            if other not in seen:
                why = "comes later" if other in layers else "does not exist"
                yield f"CMakeLists.txt: layer {name} depends on {other}, which {why}"
        seen.add(name)


def layer_of(path):
    """(layer, is public) of a file, or (None, False) where the rules do not apply."""
    parts = PurePosixPath(path).parts
    for prefix in (("include", "distill"), ("src",), ("tests", "unit")):
        if parts[:len(prefix)] == prefix and len(parts) > len(prefix) + 1:
            return parts[len(prefix)], prefix[0] == "include"
    return None, False


def check_include(path, target, files, layers):
    """What is wrong with one include, or None."""
    layer, public = layer_of(path)
    for prefix, owner in OWNED.items():
        if target.startswith(prefix) and (layer != owner or public):
            return f"only src/{owner} may include <{prefix.rstrip('/')}>"
    if target.startswith(HEAVY):
        return f"{target} takes 10 s a file: include <ATen/ATen.h> or less"
    if target.startswith("distill/"):
        other = PurePosixPath(target).parts[1]
        if other != layer and other not in layers[layer]:
            return f"layer {layer} may not include layer {other}"
        return None
    if ".." in PurePosixPath(target).parts:
        return f'"{target}": write the path from include/ or src/'
    beside = str(PurePosixPath(path).parent / target)
    source = beside if beside in files else f"src/{target}"
    if source not in files:
        return None  # a library's
    other = layer_of(source)[0]
    if public and source.startswith("src/"):
        return f"a public header may not include the private {target}"
    return None if other == layer else f"layer {layer} may not include {target}, private to {other}"


def check(files, cmake):
    """All findings; files is {path from the root: text}."""
    layers = read_layers(cmake)
    findings = list(check_graph(layers))
    for path, text in sorted(files.items()):
        layer, _ = layer_of(path)
        if layer is None:
            continue
        if layer not in layers:
            findings.append(f"{path}:1: {layer} is not a layer of CMakeLists.txt")
            continue
        if path.endswith((".h", ".cuh")) and not re.search(r"^#pragma once$", text, re.MULTILINE):
            findings.append(f"{path}:1: #pragma once is missing")
        for match in INCLUDE.finditer(text):
            if wrong := check_include(path, match[1], files, layers):
                line = text.count("\n", 0, match.start(1)) + 1
                findings.append(f"{path}:{line}: {wrong}")
    return findings


def self_test():
    cmake = ("distill_layer(low LIBRARIES x::y)\ndistill_layer(core)\n"
             "distill_layer(high DEPENDS low\n  LIBRARIES x::y)\n"
             "distill_program(prog LAYER app DEPENDS low high)\n")
    private = {"src/high/p.h": "#pragma once\n"}
    cases = [  # path, text, a part of the finding or None
        ("src/high/a.cpp", '#include "distill/low/a.h"\n#include "high/p.h"\n#include "p.h"\n', None),
        ("src/app/a.cpp", '#include "distill/high/a.h"\n#include <CLI/CLI.hpp>\n', None),
        ("src/core/a.cpp", "#include <spdlog/spdlog.h>\n", None),
        ("tests/golden/a.cpp", '#include "high/p.h"\n', None),
        ("src/low/a.cpp", '\n#include "distill/high/a.h"\n', "a.cpp:2: layer low may not include layer high"),
        ("tests/unit/low/a.cpp", '# include <distill/high/a.h>\n', "layer low may not include layer high"),
        ("src/low/a.cpp", '#include "high/p.h"\n', "private to high"),
        ("src/low/a.cpp", '#include "../high/p.h"\n', "write the path"),
        ("include/distill/high/a.h", '#pragma once\n#include "high/p.h"\n', "a.h:2: a public header"),
        ("include/distill/high/a.h", "// #pragma once\n", "#pragma once is missing"),
        ("include/distill/core/a.h", "#pragma once\n#include <spdlog/spdlog.h>\n", "only src/core"),
        ("src/high/a.cpp", "#include <yaml-cpp/yaml.h>\n", "only src/config"),
        ("src/high/a.cpp", "#include <torch/nn/module.h>\n", "10 s a file"),
        ("src/other/a.cpp", "", "other is not a layer"),
    ]
    for path, text, expected in cases:
        found = check({**private, path: text}, cmake)
        right = len(found) == 1 and expected in found[0] if expected else not found
        assert right, f"{path}: {text!r}: expected {expected!r}, found {found}"
    graph = check({}, "distill_layer(a DEPENDS b)\ndistill_layer(b DEPENDS a c)\n")
    assert len(graph) == 2 and "comes later" in graph[0] and "does not exist" in graph[1], graph
    print(f"check_layers.py: {len(cases) + 1} cases as expected")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = Path(__file__).resolve().parent.parent
    files = {str(p.relative_to(root)): p.read_text(encoding="utf-8")
             for top in ("include", "src", "tests") for p in (root / top).rglob("*")
             if p.suffix in CPP and p.is_file()}
    findings = check(files, (root / "CMakeLists.txt").read_text(encoding="utf-8"))
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
