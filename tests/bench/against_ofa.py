#!/usr/bin/env python3
"""Runs our training steps and those of Once-for-All's own code in turn, and prints how they compare.

    tests/bench/against_ofa.py BUILD PEER_PYTHON PEER_PACKAGES PEER_SCRIPT [--rounds 4] [--runs 5]

Run from the root of the source tree. BUILD holds bench_supernet; PEER_PYTHON has PyTorch;
PEER_PACKAGES is the folder with the package `ofa`; PEER_SCRIPT takes PEER_PACKAGES, --part train,
--subnet, --layouts and --runs and prints a JSON line with "img_per_cpu_s" for each layout. Both train
64 images of 64 x 64 on one thread: label-smoothed cross-entropy, dropout, SGD with momentum.

A round runs both programs for each subnet, the other one first in every second round, and compares
their images per CPU second. What is printed is the median over the rounds and the range. Layouts:
nchw is OFA's code as it is; input has its batch in channels_last.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

NETWORKS = "tests/bench/ofa-random.jsonl"
SUBNETS = ["max", "mid", "random", "min"]
BATCH = 64

DRAW = """
import json, random, sys
sys.path.insert(0, sys.argv[1])
from ofa.imagenet_classification.elastic_nn.networks import OFAMobileNetV3
net = OFAMobileNetV3(n_classes=10, ks_list=[3, 5, 7], expand_ratio_list=[3, 4, 6], depth_list=[2, 3, 4])
for seed in range(int(sys.argv[2])):
    random.seed(seed)
    drawn = net.sample_active_subnet()
    print(json.dumps({"ks": drawn["ks"], "e": drawn["e"], "d": drawn["d"], "r": [64]}))
"""


def output_of(command):
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: expected exit code 0, got {done.returncode}")
    return done.stdout


def drawn(a, count):
    """The networks that OFA's code draws after random.seed(0), random.seed(1), ..."""
    return output_of([a.python, "-W", "ignore", "-c", DRAW, a.packages, str(count)])


def check_networks(a):
    with open(NETWORKS) as file:
        ours = file.read()
    if a.runs >= len(ours.splitlines()):
        sys.exit(f"--runs {a.runs}: expected less than {len(ours.splitlines())}, the networks in {NETWORKS}")
    if drawn(a, len(ours.splitlines())) != ours:
        sys.exit(f"{NETWORKS}: expected the networks that {a.packages} draws, got others")


def run_ours(a, subnet):
    line = json.loads(output_of([os.path.join(a.build, "bench_supernet"), "--only", "train-" + subnet,
                                 "--runs", str(a.runs)]))
    return {"ours": 1e6 * BATCH / line["value"]}


def run_theirs(a, subnet):
    text = output_of([a.python, a.script, a.packages, "--part", "train", "--subnet", subnet,
                      "--layouts", a.layouts, "--runs", str(a.runs)])
    lines = map(json.loads, text.splitlines())
    return {line["layout"]: line["img_per_cpu_s"] for line in lines if "img_per_cpu_s" in line}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("python")
    parser.add_argument("packages")
    parser.add_argument("script")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5, help="timed steps of a program in a round")
    parser.add_argument("--subnets", nargs="+", choices=SUBNETS, default=SUBNETS)
    parser.add_argument("--layouts", default="input", help="of OFA's code: input, nchw or nchw,input")
    parser.add_argument("--draw", type=int, metavar="N", help=f"only print N networks, as in {NETWORKS}")
    a = parser.parse_args()
    if a.draw:
        print(drawn(a, a.draw), end="")
        return
    check_networks(a)
    rounds = {subnet: [] for subnet in a.subnets}
    for number in range(a.rounds):
        for subnet in a.subnets:
            programs = [run_ours, run_theirs] if number % 2 == 0 else [run_theirs, run_ours]
            rates = {}
            for program in programs:
                rates.update(program(a, subnet))
            rounds[subnet].append(rates)
            print(json.dumps({"round": number + 1, "subnet": subnet, "images_per_cpu_s": rates}), flush=True)
    print(f"\n{'subnet':8} {'ours':>7}", *(f"{layout:>7} {'ours / ' + layout:>20}" for layout in a.layouts.split(",")))
    for subnet, rates in rounds.items():
        middle = lambda key: statistics.median(rate[key] for rate in rates)
        columns = [f"{subnet:8} {middle('ours'):7.1f}"]
        for layout in a.layouts.split(","):
            ratios = [rate["ours"] / rate[layout] for rate in rates]
            text = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
            columns.append(f"{middle(layout):7.1f} {text:>20}")
        print(*columns)


if __name__ == "__main__":
    main()
