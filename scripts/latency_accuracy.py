#!/usr/bin/env python3
"""Prints what docs/latency-accuracy.md shows of a measured latency table, as Markdown.

Usage: latency_accuracy.py TABLE. Recomputes the figures of `lathe table info` from the file alone (so that
two programs agree on them) and lists the check networks, predicted against measured.
"""
import json
import sys


def ranks(values):
    """Ranks from 1, ties sharing their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for i in order[begin:end]:
            result[i] = (begin + 1 + end) / 2
        begin = end
    return result


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    mean = (len(a) + 1) / 2
    top = sum((x - mean) * (y - mean) for x, y in zip(a, b))
    bottom = (sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b)) ** 0.5
    return top / bottom


def mape(predicted, measured):
    return sum(abs(p - m) / m for p, m in zip(predicted, measured)) / len(measured)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        table = json.load(file)
    latency = {(e["key"], e["precision"]): e["statistic_us"] for e in table["entries"]}
    networks = table["check_networks"]
    sums = [sum(latency[b["key"], b["precision"]] for b in n["net"]["blocks"]) for n in networks]
    predicted = [table["scale"] * s for s in sums]
    measured = [n["statistic_us"] for n in networks]
    wall = sum(n["wall_median_us"] / n["median_us"] for n in networks) / len(networks)
    halves = [[n[half] for n in networks] for half in ("first_half_us", "second_half_us")]
    protocol, device = table["protocol"], table["device"]
    bias = sum((p - m) / m for p, m in zip(predicted, measured)) / len(measured)
    rows = [
        ("device, engine", f'{device["model"]}, {device["processors"]} processors, {device["engine"]} {device["engine_version"]}'),
        ("date, revision", f'{table["date"]}, {table["build"]["revision"][:10]}'),
        ("space, blocks", f'{table["space"]}, {len(table["entries"])}'),
        ("protocol", f'{protocol["rounds"]} rounds, cores {protocol["cores"]}, {protocol["clock"]}, {table["statistic"]}, evict {protocol["evict"]}'),
        ("scale (networks)", f'{table["scale"]:.3f} ({table["scale_networks"]})'),
        ("check networks", f"{len(networks)}, {min(measured) / 1e3:.1f} to {max(measured) / 1e3:.1f} ms"),
        ("MAPE after the scale (ceiling)", f"{100 * mape(predicted, measured):.1f} % ({100 * mape(*halves):.1f} %)"),
        ("bias", f"{100 * bias:+.1f} %"),
        ("Spearman (ceiling)", f"{spearman(predicted, measured):.4f} ({spearman(*halves):.4f})"),
        ("residual autocorrelation", f'{table["residual_autocorrelation"]:.2f}'),
        ("wall / thread time", f"{wall:.2f}"),
    ]
    print("| figure | value |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    print("\n```\npredicted   measured    error   (ms; * measured on a line of 50 columns, largest at the right)")
    for p, m in sorted(zip(predicted, measured), key=lambda pair: pair[1]):
        star = round(49 * m / max(measured))
        print(f"{p / 1e3:9.2f} {m / 1e3:10.2f} {100 * (p - m) / m:+7.1f} %   {' ' * star}*")
    print("```")


if __name__ == "__main__":
    main()
