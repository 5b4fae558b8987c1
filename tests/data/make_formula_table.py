#!/usr/bin/env python3
"""Writes formula-table.json: made-up results of 1,000 codes of NAS-Bench-Macro's space.

The errors follow a formula plus seeded noise and mean nothing; they have the file's form, so that a
search of a table can be tested and tried without the benchmark. Run it again after a change:
    python3 tests/data/make_formula_table.py > tests/data/formula-table.json
"""

import itertools
import json
import math
import random


def trained(code):
    """The code with the identities of a stage's later layers at its end: of equal networks the same."""
    stages = code[:2], code[2:5], code[5:]
    return "".join(s[0] + s[1:].replace("0", "").ljust(len(s) - 1, "0") for s in stages)


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
    results = {}
    for code in map(trained, codes):
        if code not in results:
            results[code] = [round(accuracy(code, noise), 2) for _ in range(3)]
    rows = [{"code": code, "acc": results[trained(code)]} for code in codes]
    meta = {"what": "made by a formula (make_formula_table.py): for tests, no results of trainings"}
    lines = ",\n".join("    " + json.dumps(row) for row in rows)
    print('{\n  "meta": %s,\n  "networks": [\n%s\n  ]\n}' % (json.dumps(meta), lines))


if __name__ == "__main__":
    main()
