#!/usr/bin/env python3
"""Checks every #include of the project against the layers of docs/architecture.md.

Usage: check_layers.py SOURCE_ROOT. Prints each include that crosses a layer; exit 1 if there is one.
"""
import pathlib
import re
import sys

BASE, SPACES, LATENCY, PROBE = "base", "spaces", "latency", "probe"
DATA, RECIPE, EXPORT, SUPERNET = "data", "recipe", "export", "supernet"
SEARCH, DOOR, SEARCH_TORCH, CLI, TESTS = "search", "door", "search_torch", "cli", "tests"

# room -> rooms that it may include besides itself
MAY = {
    BASE: set(),
    SPACES: {BASE},
    LATENCY: {SPACES, BASE},
    PROBE: {SPACES, BASE},  # and latency/{protocol,statistics}, below
    DATA: {BASE},
    RECIPE: {DATA, SPACES, BASE},
    EXPORT: {SPACES, BASE},
    SUPERNET: {EXPORT, RECIPE, DATA, SPACES, BASE},
    SEARCH: {LATENCY, SPACES, BASE},
    DOOR: {SEARCH, EXPORT, SPACES, BASE},
    SEARCH_TORCH: {DOOR, SEARCH, SUPERNET, RECIPE, DATA, EXPORT, LATENCY, SPACES, BASE},
    CLI: {DOOR, SEARCH, RECIPE, DATA, EXPORT, LATENCY, SPACES, BASE},
}
# third-party prefix -> rooms that may include it; and whether only in .cpp files
THIRD = {
    "torch/": ({SUPERNET, SEARCH_TORCH}, False),
    "ATen/": ({SUPERNET, SEARCH_TORCH}, False),
    "c10/": ({SUPERNET, SEARCH_TORCH}, False),
    "Eigen/": ({LATENCY, SEARCH}, True),
    "spdlog/": ({CLI}, True),
    "CLI/": ({CLI}, True),
    "xnnpack.h": ({PROBE}, True),
    "pthreadpool.h": ({PROBE}, True),
    "cpuinfo.h": ({PROBE}, True),
    "archive": ({DATA}, True),
    "jpeglib.h": ({DATA}, True),
    "png.h": ({DATA}, True),
    "dlfcn.h": ({DOOR, EXPORT, CLI}, True),
}
# torch-free files in folders whose rest sees torch
RECIPE_FILES = re.compile(r"supernet/training/(metrics|phase|safetensors|schedule|train_config|train_state|training_data)\.")
EXPORT_TORCH = re.compile(r"supernet/export/(from_subnet|torchscript_writer)\.")


def room(path):
    if path.startswith("spaces/base/"):
        return BASE
    if path.startswith("spaces/"):
        return SPACES
    if path.startswith("latency/device/"):
        return PROBE
    if path.startswith("latency/"):
        return LATENCY
    if path.startswith("supernet/export/"):
        return SUPERNET if EXPORT_TORCH.match(path) else EXPORT
    if path.startswith("supernet/data/"):
        return DATA
    if path.startswith("supernet/"):
        return RECIPE if RECIPE_FILES.match(path) else SUPERNET
    if path.startswith("search/torch_door."):
        return DOOR
    if path.startswith("search/torch/"):
        return SEARCH_TORCH
    if path.startswith("search/cli/"):
        return CLI
    if path.startswith("search/"):
        return SEARCH
    return TESTS


def allowed(path, include):
    here = room(path)
    if here == TESTS:
        return True
    there = room(include)
    if here == PROBE and re.match(r"latency/(protocol|statistics|job)\.hpp$", include):
        return True
    return there == here or there in MAY[here]


def problems(root):
    for folder in ("spaces", "latency", "supernet", "search"):
        for file in sorted((root / folder).rglob("*.[ch]pp")):
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text().splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
                if not match:
                    continue
                quoted, include = match.group(1) == '"', match.group(2)
                if quoted:
                    if not (root / include).exists():
                        yield f"{path}:{number}: {include} is not a path from the source root"
                    elif not allowed(path, include):
                        yield f"{path}:{number}: {room(path)} may not include {include}"
                    continue
                for prefix, (rooms, only_cpp) in THIRD.items():
                    if include.startswith(prefix):
                        if room(path) not in rooms:
                            yield f"{path}:{number}: {room(path)} may not include <{include}>"
                        elif only_cpp and path.endswith(".hpp"):
                            yield f"{path}:{number}: <{include}> only in .cpp files"
                if include.startswith("nlohmann/json.hpp") and path.endswith(".hpp"):
                    yield f"{path}:{number}: headers include <nlohmann/json_fwd.hpp>"


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    print(f"{len(found)} includes cross a layer" if found else "no include crosses a layer")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
