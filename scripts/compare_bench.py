#!/usr/bin/env python3
"""Compares the speed of two builds: scripts/compare_bench.py BUILD_A BUILD_B [options]

Runs each build's benchmark program in turn, A B, B A, A B, ..., so that both see the same machine, and
prints per benchmark the median over rounds of B's time over A's (below 1: B is faster) with its 95 %
confidence interval (order statistics: exact, whatever the distribution). CPU time decides; the ratio of
wall times stands beside it. Ratios are all that may be compared between machines and days.

  --program NAME    which program of the builds; bench_search if not said
  --only NAME       this benchmark; may be repeated; all if not said
  --rounds N        pairs of processes per benchmark, 6 or more (12): fewer give no 95 % interval
  --runs N          timed runs per process (3), of which the median is taken
  --json            one line of JSON per benchmark in place of the table

Run it from the root of the source tree. Both builds need the program.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys


def interval_rank(count):
    """Rank from 0 of the order statistics around the median that hold it with at least 95 %."""
    tail, rank = 0.0, None
    for i in range(count // 2):
        tail += math.comb(count, i) / 2**count
        if tail > 0.025:
            break
        rank = i
    if rank is None:
        sys.exit(f"compare_bench.py: --rounds: expected 6 or more, got {count}")
    return rank


def call(program, *words):
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"compare_bench.py: {program} {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def measure(program, name, runs):
    return json.loads(call(program, "--only", name, "--runs", str(runs))[0])


def compare(programs, name, rounds, runs):
    lines = {0: [], 1: []}
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            lines[which].append(measure(programs[which], name, runs))
    ratios = sorted(b["value"] / a["value"] for a, b in zip(lines[0], lines[1]))
    walls = [b["wall"] / a["wall"] for a, b in zip(lines[0], lines[1])]
    rank = interval_rank(rounds)
    made = [{key: lines[i][0][key] for key in ("version", "revision", "dirty", "compiler", "build_type")} for i in (0, 1)]
    return {
        "name": name,
        "per": lines[0][0]["per"],
        "unit": lines[0][0]["unit"],
        "a": statistics.median(line["value"] for line in lines[0]),
        "b": statistics.median(line["value"] for line in lines[1]),
        "statistic": "median of ratios, B / A",
        "ratio": statistics.median(ratios),
        "low": ratios[rank],
        "high": ratios[rounds - 1 - rank],
        "wall_ratio": statistics.median(walls),
        "rounds": rounds,
        "made_a": made[0],
        "made_b": made[1],
        "date": lines[0][0]["date"],
    }


def main():
    parser = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    parser.add_argument("builds", nargs=2, type=pathlib.Path)
    parser.add_argument("--program", default="bench_search")
    parser.add_argument("--only", action="append")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    interval_rank(options.rounds)
    programs = [build.resolve() / options.program for build in options.builds]
    for program in programs:
        if not program.exists():
            sys.exit(f"compare_bench.py: {program}: expected a benchmark program, got no such file; build it there")
    both = [set(call(program, "--list")) for program in programs]
    names = [name for name in call(programs[0], "--list") if name in both[1]]
    for name in options.only or []:
        if name not in names:
            sys.exit(f"compare_bench.py: --only: expected a benchmark of both builds, got {name!r}; there are {', '.join(names)}")
    if not options.json:
        print(f"{'benchmark':20} {'A':>12} {'B':>12}  {'B / A':>6}  95 % interval   wall")
    for name in options.only or names:
        row = compare(programs, name, options.rounds, options.runs)
        if options.json:
            print(json.dumps(row), flush=True)
        else:
            print(
                f"{name:20} {row['a']:9.4g} us {row['b']:9.4g} us  {row['ratio']:6.3f}  "
                f"{row['low']:.3f} to {row['high']:.3f}  {row['wall_ratio']:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
