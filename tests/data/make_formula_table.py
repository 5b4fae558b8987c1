#!/usr/bin/env python3
"""Writes formula-table.json: made-up results of 1,000 networks of NAS-Bench-Macro's space.

The errors follow a formula plus seeded noise and mean nothing; they have the file's form, so that a
search of a table can be tested and tried without the benchmark. Run it again after a change:
    python3 tests/data/make_formula_table.py > tests/data/formula-table.json
"""

import itertools
import json
import math
import random


def accuracy(code, noise):
    """Percent: operators are worth more in later stages, wide ones most, with a best mix."""
    worth = 0.0
    for layer, digit in enumerate(code):
        worth += (0.0, 1.0, 1.5)[int(digit)] * (0.7 + 0.1 * layer)
    repeats = sum(a == b for a, b in zip(code, code[1:]))
    return 93.5 - 30.0 * math.exp(-worth / 3.0) - 0.15 * repeats + noise.gauss(0, 0.1)


def main():
    noise = random.Random(20261)
    codes = sorted(noise.sample(["".join(c) for c in itertools.product("012", repeat=8)], 1000))
    rows = [
        {"code": code, "acc": [round(accuracy(code, noise), 2) for _ in range(3)]} for code in codes
    ]
    meta = {"what": "made by a formula (make_formula_table.py): for tests, no results of trainings"}
    lines = ",\n".join("    " + json.dumps(row) for row in rows)
    print('{\n  "meta": %s,\n  "networks": [\n%s\n  ]\n}' % (json.dumps(meta), lines))


if __name__ == "__main__":
    main()
