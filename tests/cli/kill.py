#!/usr/bin/env python3
"""Kills lathe at random moments, goes on with --resume, and compares with what an uninterrupted run left.

Usage: kill.py BUILD [--times N] [--only measure|train|search] [--seed S]

Each time a new run is started and gets SIGKILL after a random CPU time; the N of them are spread over that of the
whole run. Every third time it is killed once more while it goes on. Then:
  measure  every whole line that stood in the log at a kill still stands there, each item is measured once in
           each round, the table holds what the uninterrupted one holds, and its log gives the same table again;
  train    metrics.csv, split.json and all checkpoints are the same bytes;
  search   evaluated.jsonl, history.csv, front.json, front.svg and best.json are the same bytes.
No temporary file and no lock may stay. Prints a table; exit 1 where something differs.
"""
import json
import pathlib
import random
import shutil
import signal
import sys
import tempfile

from program import SPACE, Program, digest, formula_table, leftovers_in, parser


class Measure:
    name = "measure"
    config = ("--config", "configs/measure/quick.json", "--rounds", "6", "--seed", "1", "--quiet")

    def __init__(self, folder):
        self.whole = self.arguments(folder / "whole")

    def arguments(self, folder):
        folder.mkdir(exist_ok=True)
        return ("measure", "--space", SPACE, *self.config, "--out", folder / "table.json")

    def log(self, folder):
        file = folder / "table.json.samples.jsonl"
        text = file.read_text() if file.exists() else ""
        return text[:text.rfind("\n") + 1]

    def may_resume(self, folder):
        return (folder / "table.json.samples.jsonl").exists()

    def before(self, folder):
        return self.log(folder)

    def check(self, program, whole, folder, before):
        log = self.log(folder)
        yield "a line of the log is lost", all(log.startswith(earlier) for earlier in before)
        lines = [json.loads(line) for line in log.splitlines()]
        section = lines[0]["section"]
        seen = sorted((s["sample"]["item"], s["sample"]["round"]) for s in lines[1:])
        wanted = [(i, r) for i in range(len(section["items"])) for r in range(section["protocol"]["rounds"])]
        yield "a sample is lost or doubled", seen == wanted
        ours, theirs = (json.loads((at / "table.json").read_text()) for at in (folder, whole))
        keys = [[(e["key"], e["samples"] > 0) for e in table["entries"]] for table in (ours, theirs)]
        yield "the tables differ in keys", keys[0] == keys[1] and set(ours) == set(theirs)
        program.run("table", "rebuild", folder / "table.json.samples.jsonl", "--out", folder / "again.json")
        yield "the log gives another table", digest(folder / "again.json") == digest(folder / "table.json")


class OfBytes:
    """A run whose files are the same bytes whenever it was killed."""

    def may_resume(self, folder):
        return folder.exists() and any(folder.iterdir())

    def before(self, folder):
        return None

    def check(self, program, whole, folder, before):
        del program, before
        names = [set(str(f.relative_to(at)) for f in at.rglob("*")
                     if f.is_file() and f.parent.name != "tensorboard") for at in (whole, folder)]
        yield "other files", names[0] == names[1]
        for name in sorted(name for name in names[0] if name.startswith(self.same)):
            yield name + " differs", digest(whole / name) == digest(folder / name)
        manifest = json.loads((folder / "manifest.json").read_text())
        yield "the run is not complete", manifest["status"] == "complete"


class Train(OfBytes):
    name = "train"
    same = ("metrics.csv", "split.json", "checkpoints/")

    def __init__(self, folder):
        self.whole = self.arguments(folder / "whole")

    def arguments(self, folder):
        return ("train", "configs/train/smoke.json", "--quiet", "--out", folder)


class Search(OfBytes):
    name = "search"
    same = ("evaluated.jsonl", "history.csv", "front.json", "front.svg", "best.json", "config.json")

    def __init__(self, folder):
        self.table = folder / "results.json"
        formula_table(self.table)
        self.whole = self.arguments(folder / "whole")

    def arguments(self, folder):
        return ("search", "configs/search/nas-bench-macro.json", "--set", f"evaluator.data={self.table}",
                "--set", "budget.evaluations=3800", "--quiet", "--out", folder)


def one_time(program, kind, whole, folder, delays):
    """Kills one run as often as there are delays; returns what was found wrong and how often it was killed."""
    before, kills = [], 0
    arguments = kind.arguments(folder)
    for delay in (*delays, None):
        words = (*arguments, "--resume") if kind.may_resume(folder) else arguments
        if delay is None:
            code, _, err = program.run(*words, code=None)
            if code != 0:
                return [f"exit {code}: {err[-300:].strip()}"], kills
        else:
            kills += program.run_until(delay, *words) == -9
            before.append(kind.before(folder))
    wrong = [text for text, holds in kind.check(program, whole, folder, before) if not holds]
    left = leftovers_in(folder)
    return wrong + ([f"left behind: {left}"] if left else []), kills


def kill_kind(program, kind_of, folder, times, rng):
    """Lines of the table, and whether all was well."""
    folder.mkdir()
    kind = kind_of(folder)
    length = program.cpu_of(*kind.whole)
    kills, failures, done = 0, [], 0
    while done < times:
        i = done
        delays = [length * 1.02 * (i + rng.random()) / times]
        if i % 3 == 2:
            delays.append(length * rng.random())
        try:
            wrong, killed = one_time(program, kind, folder / "whole", folder / "killed", delays)
        except KeyboardInterrupt:  # tell how far it came
            break
        kills += killed
        done += 1
        failures += [f"  time {i + 1}, killed after {', '.join(f'{d:.3f} s' for d in delays)}: {w}" for w in wrong]
        shutil.rmtree(folder / "killed")
    print(f"{kind.name:8} {done:5} {kills:6} {length:9.2f} s  {'the same' if not failures else 'DIFFERS'}", flush=True)
    print("\n".join(failures) + "\n" if failures else "", end="", flush=True)
    return not failures


def main():
    words = parser(__doc__)
    words.add_argument("--times", type=int, default=3)
    words.add_argument("--only", choices=("measure", "train", "search"))
    words.add_argument("--seed", type=int, default=1)
    options = words.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # in the background, too: what was done by then is told
        signal.signal(number, signal.default_int_handler)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="lathe-kill."))
    program = Program(options.build, scratch / "tmp")
    kinds = [kind for kind in (Measure, Train, Search) if options.only in (None, kind.name)]
    if not program.has_torch() and Train in kinds:
        print("skipped: train; this build has no LibTorch")
        kinds.remove(Train)
    print("what     times  kills     CPU time  result", flush=True)
    try:
        rng = random.Random(options.seed)
        good = [kill_kind(program, kind, scratch / kind.name, options.times, rng) for kind in kinds]
    finally:
        left = len(list(program.temporary.iterdir()))
        print(f"left in the system's temporary folder by killed processes: {left}")
        shutil.rmtree(scratch)
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
