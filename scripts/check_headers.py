#!/usr/bin/env python3
"""Checks that every torch-free header compiles alone.

Usage: check_headers.py SOURCE_ROOT COMPILER. A header that the .cpp of its name includes first has been compiled
alone by the build; each other one is compiled here, syntax only. Prints what fails; exit 1 if there is one.
"""
import pathlib
import re
import subprocess
import sys

from check_layers import SEARCH_TORCH, SUPERNET, room


def first_include(file):
    match = re.search(r'^\s*#\s*include\s*["<]([^">]+)[">]', file.read_text(), re.MULTILINE)
    return match.group(1) if match else None


def left_to_compile(root):
    for folder in ("spaces", "latency", "supernet", "search"):
        for header in sorted((root / folder).rglob("*.hpp")):
            path = header.relative_to(root).as_posix()
            source = header.with_suffix(".cpp")
            if source.exists() and first_include(source) == path:
                continue
            if room(path) not in (SUPERNET, SEARCH_TORCH):
                yield path


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2]
    paths, failed = list(left_to_compile(root)), 0
    for path in paths:
        # Twice, so that a missing #pragma once shows.
        text = f'#include "{path}"\n#include "{path}"\n'
        command = [compiler, "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", str(root), "-x", "c++", "-"]
        result = subprocess.run(command, input=text, text=True, capture_output=True)
        if result.returncode != 0:
            failed += 1
            print(f"{path}: does not compile alone\n{result.stderr}")
    print(f"{failed} of {len(paths)} headers do not compile alone" if failed else
          f"{len(paths)} headers compile alone; a .cpp includes each other one first")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
