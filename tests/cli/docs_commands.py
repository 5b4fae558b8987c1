#!/usr/bin/env python3
"""Runs the commands that README and docs show, in a temporary folder, in the order of the page.

Usage: docs_commands.py BUILD_FOLDER. A command in a block, or one in backquotes that says more than its
name, must run and exit 0. What is only named must know the flags that stand beside it. Commands that are
too long are shortened by flags, those with placeholders are filled in, and the few that cannot run here
are listed with the reason: a command that is in no list and does not run fails the test.
"""
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
HAS_TORCH = (BUILD / "liblathe_torch.so").exists()
# report: of runs that the others made; doctor: it says so where the library is missing
NEEDS_TORCH = ("train", "evaluate", "search", "export", "report", "doctor")

NOT_RUN = {
    "bash scripts/quickstart.sh": "ten minutes; the tutorial's commands are its steps",
    "bash scripts/test.sh": "this test is a part of it",
    "lathe train configs/train/cifar10.json --out runs/cifar10": "an hour and a quarter, on images that do not ship",
    "bash scripts/setup.sh": "installs packages; scripts/test.sh begins with it",
    "cmake --preset release && cmake --build --preset release": "builds the program",
    "cmake --preset release && ninja -C build/release bench_search": "builds a benchmark",
    "scripts/compare_bench.py build/release ../other/build/release --only decode": "compares two builds",
    "cmake --preset core && cmake --build --preset core && ctest --preset core": "builds without torch",
    "ctest --preset core -R 'test_export|onnx_checker'": "runs tests",
}

# On a few images of noise, made below.
SHORT_TRAINING = (" --set data.path=images --set data.validation_per_class=4 --set batch_size=32 --set collapse_below=0"
                  " --set bn_images=32"
                  + "".join(f" --set phases.{n}.epochs=1 --set phases.{n}.warm_up_epochs=0" for n in range(4)))
SHORT_SEARCH = " --set budget.evaluations=8 --set searcher.population=4 --set prove.short_list=2"
# What is appended to commands that begin so, to make them seconds long.
SHORTENED = {
    "lathe measure --space ofa-mbv3:resolution=160": " --plan",
    "lathe measure --space pocket": " --plan",
    "lathe train configs/train/quickstart.json": SHORT_TRAINING,
    "lathe search configs/search/quickstart.json": SHORT_SEARCH,
    "lathe search --supernet": " --evaluations 8",
}

# Placeholders, by the command that has them.
FILLED = {
    "build/release/lathe report build/quickstart/search build/quickstart/train --out report.html":
        "lathe report runs/search runs/train --out report.html",
    "scripts/latency_accuracy.py table.json": "python3 scripts/latency_accuracy.py runs/tiny.json",
    "lathe search CONFIG --supernet RUN --table TABLE --latency-budget 20ms --out S":
        "lathe search configs/search/quickstart.json --supernet runs/train --table runs/tiny.json --latency-budget 20ms --out S",
    "lathe search --supernet runs/train --table TABLE --latency-budget middle --out RUN":
        "lathe search --supernet runs/train --table runs/tiny.json --latency-budget middle --out RUN",
    "lathe search --supernet RUN --table TABLE --latency-budget 1.2ms --out RUN":
        "lathe search --supernet runs/train --table runs/tiny.json --latency-budget 1.2ms --out RUN",
    "lathe export S --to onnx --out D": "lathe export runs/search --to onnx --out D",
    "lathe train CONFIG --out RUN --resume": "lathe train configs/train/quickstart.json --out runs/train --resume --threads 1",
    "lathe measure --space tiny --engine NAME --out table.json":
        "lathe measure --space tiny --engine reference --set rounds=1 --out table.json --plan",
    "lathe evaluate --split test": "lathe evaluate runs/train --split test 'r24 k3e2 / k3e2 / k3e2'",
    "lathe config check FILE": "lathe config check configs/train/quickstart.json",
    "lathe config explain KIND": "lathe config explain measure",
    "lathe space NAME": "lathe space tiny",
    "lathe net --space SPACE TEXT": "lathe net --space tiny 'r24 k3e2 / k3e2 / k3e2'",
    "lathe table diff A B": "lathe table diff runs/tiny.json runs/tiny.json",
}

# Commands whose output stands on the page and is the same everywhere.
SAME_OUTPUT = ("lathe space tiny", "lathe net --space tiny \"", "lathe net --space mobilenet-v2")


def png(width, height, pixels):
    """An RGB image; pixels are width * height * 3 bytes."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + pixels[3 * width * y:3 * width * (y + 1)] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_images(folder):
    """Ten classes of 12 training and 4 test images of 32 px, of seeded noise."""
    noise = random.Random(1)
    for part, count in (("train", 12), ("test", 4)):
        for name in range(10):
            to = folder / part / f"class{name}"
            to.mkdir(parents=True)
            for number in range(count):
                (to / f"{number}.png").write_bytes(png(32, 32, noise.randbytes(32 * 32 * 3)))


class Shown:
    """A command on a page; `output` is what the page shows below it, or None."""

    def __init__(self, page, line, text, in_block):
        self.page, self.line, self.text, self.in_block, self.output = page, line, text, in_block, None

    def __str__(self):
        return f"{self.page}:{self.line}: {self.text}"


def shown_commands(page):
    """In the order of the page. A trailing backslash joins two lines."""
    lines = page.read_text().split("\n")
    name, found, fence, number = page.relative_to(ROOT), [], None, 0
    while number < len(lines):
        start, line = number + 1, lines[number]
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1].rstrip() + " " + lines[number].strip()
        number += 1
        if line.lstrip().startswith("```"):
            fence = None if fence is not None else line.strip().strip("`")
            continue
        block = fence in ("", "sh", "bash") or (fence is None and line.startswith("    "))
        match = re.match(r"\s*(?:\$ )?((?:lathe|build/release/lathe|bash|cmake|ctest|scripts/\S+) .*)", line)
        if block and match:
            found.append(Shown(name, start, match.group(1).strip(), True))
            if line.lstrip().startswith("$ "):
                found[-1].output = []
        elif fence is not None and found and found[-1].output is not None:
            found[-1].output.append(line)
        elif fence is None:
            found += [Shown(name, start, text, False)
                      for text in re.findall(r"`((?:lathe [a-z]|bash scripts/|ctest |cmake )[^`]*)`", line)]
    return found


def command_words(words):
    """The name of the command in its words: "table info"."""
    return words[1:3] if words[1:2] and words[1] in ("table", "config") else words[1:2]


def is_only_named(words):
    """`lathe measure`, or with flags without their values: `lathe net --table`."""
    rest = words[1 + len(command_words(words)):]
    complete = words[1:] in (["spaces"], ["version"], ["doctor"])
    return not complete and all(word.startswith("--") for word in rest)


class DocsCommands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-docs."))
        shutil.copytree(ROOT / "configs", cls.folder / "configs")
        for name in ("tests", "scripts", "docs"):
            (cls.folder / name).symlink_to(ROOT / name)
        (cls.folder / "runs").mkdir()
        write_images(cls.folder / "images")
        # The page's own example is the space that it counts.
        page = (ROOT / "docs/add-a-search-space.md").read_text()
        pocket = re.search(r"```jsonc?\n(.*?)```", page, re.S).group(1)
        (cls.folder / "configs/spaces/pocket.json").write_text(pocket)
        program = cls.folder / "bin" / "lathe"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{BUILD}/lathe" "$@" --configs "{cls.folder}/configs"\n')
        program.chmod(0o755)
        cls.environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
        cls.help = {}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def shell(self, command):
        return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.folder, env=self.environment,
                              text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=600)

    def check_named(self, words):
        name = " ".join(command_words(words))
        if name not in self.help:
            done = self.shell(f"lathe {name} --help")
            self.assertEqual(done.returncode, 0, f"`lathe {name}` is no command: {done.stderr}")
            self.help[name] = done.stdout
        for flag in (word for word in words if word.startswith("--")):
            self.assertRegex(self.help[name], rf"(?m)^ *{flag}\b", f"lathe {name} has no flag {flag}")

    def run_shown(self, shown):
        command = FILLED.get(shown.text, shown.text)
        for begin, more in SHORTENED.items():
            if command.startswith(begin):
                command = command.replace("--threads 2", "--threads 1") + more  # other tests run beside
        out = re.search(r"--out (\S+)", command)
        if out and "--resume" not in command:
            target = self.folder / out.group(1)
            shutil.rmtree(target, ignore_errors=True)
            for name in (target.name, target.name + ".samples.jsonl"):  # a table and its samples
                target.with_name(name).unlink(missing_ok=True)
        done = self.shell(command)
        self.assertEqual(done.returncode, 0, f"{shown}\n{command}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
        if shown.output and shown.text.startswith(SAME_OUTPUT):
            printed = iter([line.split() for line in done.stdout.split("\n")])
            for line in shown.output:  # in this order; "..." leaves lines out
                if line.strip() not in ("", "..."):
                    self.assertIn(line.split(), printed, f"{shown}: the page shows\n{line}\nthe program prints\n{done.stdout}")

    def test_commands(self):
        tutorial = ROOT / "docs/tutorial.md"  # first: the others use its runs
        pages = [tutorial, ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if p != tutorial)]
        ran, named, skipped, seen = [], 0, 0, set()
        for page in pages:
            for shown in shown_commands(page):
                words = shown.text.split()
                if shown.text in NOT_RUN or (page, shown.text) in seen:
                    continue
                seen.add((page, shown.text))
                with self.subTest(command=str(shown)):
                    if words[0] == "lathe" and is_only_named(words):
                        self.check_named(words)
                        named += 1
                    elif not HAS_TORCH and words[0].endswith("lathe") and words[1] in NEEDS_TORCH:
                        skipped += 1
                    else:
                        self.run_shown(shown)
                        ran.append(shown.text)
        print(f"{len(ran)} commands ran, {named} were only named, {skipped} need the torch library, "
              f"{len(NOT_RUN)} are not run")
        self.assertGreater(len(ran), 10)

    def test_lists_are_needed(self):
        """What no page shows any more leaves the lists."""
        texts = [shown.text for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
                 for shown in shown_commands(page)]
        for text in [*NOT_RUN, *FILLED]:
            self.assertIn(text, texts, "no page shows this command")


if __name__ == "__main__":
    unittest.main(verbosity=2)
