#!/usr/bin/env python3
"""Walks the whole path with the real program: table, training, search, proof, export, report.

Usage: walk.py BUILD_FOLDER. Runs in a temporary folder; needs the torch library beside the program.
Also kills and interrupts the long commands and compares bytes with an uninterrupted run.
"""
import csv
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
SPACE = "tiny:width=0.5,resolution=24"  # the smoke config's


def run(*arguments, code=0, timeout=600):
    """Runs lathe and checks the exit code; returns (stdout, stderr)."""
    done = subprocess.run([BUILD / "lathe", *map(str, arguments)], cwd=ROOT, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != code:
        raise AssertionError(f"lathe {' '.join(map(str, arguments))}: exit {done.returncode}, expected {code}\n"
                             f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout, done.stderr


def stop_after(condition, number, *arguments):
    """Starts lathe, sends the signal as soon as condition() holds, and returns the exit code."""
    child = subprocess.Popen([BUILD / "lathe", *map(str, arguments)], cwd=ROOT, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(3000):
        if condition() or child.poll() is not None:
            break
        time.sleep(0.01)
    if child.poll() is None:
        child.send_signal(number)
    return child.wait(timeout=300)


def digest(file):
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()


def rows(file):
    file = pathlib.Path(file)
    return file.read_text().count("\n") if file.exists() else 0


class Walk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-walk."))
        cls.table = cls.folder / "table.json"
        cls.train = cls.folder / "train"
        cls.search = cls.folder / "search"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return self.folder / name

    def newest_checkpoint(self, run_folder):
        return sorted((run_folder / "checkpoints").glob("*.safetensors"))[-1]

    # The steps run in the order of their names; later ones use what earlier ones left.

    def test_1_table(self):
        measure = ("measure", "--space", SPACE, "--device", "local", "--rounds", "4", "--seed", "1", "--out", self.table)
        samples = self.table.with_name(self.table.name + ".samples.jsonl")
        code = stop_after(lambda: rows(samples) > 40, signal.SIGINT, *measure)
        self.assertEqual(code, 130)
        self.assertFalse(self.table.exists())
        run(*measure, "--resume")
        seen = [(s["item"], s["round"]) for s in map(json.loads, samples.read_text().splitlines()) if "round" in s]
        self.assertEqual(len(seen), len(set(seen)), "a sample was measured twice")
        table = json.loads(self.table.read_text())
        self.assertEqual(table["format"], "lathe.latency-table")
        shown, _ = run("table", "info", self.table)
        self.assertIn("xnnpack", shown)
        run(*measure, code=2)  # it exists
        run("net", "--space", SPACE, "--table", self.table, "r24 k3e2 / k3e2 / k3e2", "--json")

    def test_2_train(self):
        config = "configs/train/smoke.json"
        run("train", config, "--out", self.train)
        metrics = self.train / "metrics.csv"
        self.assertGreater(rows(metrics), 4)
        for number, name in ((signal.SIGINT, "interrupted"), (signal.SIGKILL, "killed")):
            other = self.path(name)
            code = stop_after(lambda: rows(other / "metrics.csv") > rows(metrics) // 2, number,
                              "train", config, "--out", other)
            self.assertIn(code, (130, -9), f"the run ended before it could be {name}")
            run("train", config, "--out", other, "--resume")
            self.assertEqual(metrics.read_bytes(), (other / "metrics.csv").read_bytes(), name)
            self.assertEqual(digest(self.newest_checkpoint(self.train)), digest(self.newest_checkpoint(other)), name)
            self.assertEqual(len(list((other / "tensorboard").iterdir())), 2, "a file of curves per session")
        run("train", config, "--out", self.train, code=2)  # it exists
        run("train", config, "--out", self.train, "--resume")  # complete: nothing to do

    def test_3_evaluate(self):
        shown, _ = run("evaluate", self.train, "--json", "r24 k7e4 k7e4 k7e4 / k7e4 k7e4 k7e4 / k7e4 k7e4 k7e4")
        result = json.loads(shown)
        self.assertEqual(result["split"], "val")
        self.assertTrue(0 <= result["accuracy"] <= 1)

    def search_arguments(self, name, *more):
        return ("search", "configs/search/quickstart.json", "--supernet", self.train, "--table", self.table,
                "--space", SPACE, "--latency-budget", "middle", "--set", "budget.evaluations=24",
                "--set", "searcher.population=8", "--out", self.path(name), *more)

    def test_4_search(self):
        run(*self.search_arguments("search", "--threads", "2"))
        best = json.loads((self.search / "best.json").read_text())
        self.assertTrue(best["proved"])
        names = ("evaluated.jsonl", "front.json", "history.csv")
        run(*self.search_arguments("one", "--threads", "1", "--no-prove"))
        code = stop_after(lambda: rows(self.path("two") / "evaluated.jsonl") >= 8, signal.SIGTERM,
                          *self.search_arguments("two", "--threads", "2", "--no-prove"))
        self.assertEqual(code, 130, "the search ended before it could be interrupted")
        run(*self.search_arguments("two", "--threads", "2", "--no-prove", "--resume"))
        for name in names:
            self.assertEqual((self.path("one") / name).read_bytes(), (self.path("two") / name).read_bytes(), name)
            self.assertEqual((self.path("one") / name).read_bytes(), (self.search / name).read_bytes(), name)

    def test_5_infeasible(self):
        arguments = list(self.search_arguments("never"))
        arguments[arguments.index("middle")] = "1us"
        _, message = run(*arguments, code=5)
        self.assertIn("reachable range", message)

    def test_6_export(self):
        out = self.path("export")
        run("export", self.search, "--to", "onnx,torchscript", "--out", out)
        sidecar = json.loads((out / "model.json").read_text())
        engines = [file["verification"]["engine"] for file in sidecar["files"]]
        self.assertEqual(sorted(engines), ["onnxruntime", "torchscript"])
        for file in sidecar["files"]:
            self.assertLessEqual(file["verification"]["relative_difference"], 1e-5)
        self.assertTrue((out / "model.onnx").exists())
        self.assertTrue((out / "model.pt").exists())

    def test_7_report(self):
        shown, _ = run("report", self.search)
        self.assertRegex(shown, r"budget +\S+ [um]s: held")
        run("report", self.search, self.train, "--out", self.path("report.html"))
        self.assertIn("<svg", self.path("report.html").read_text())

    def test_8_bad_checkpoint(self):
        broken = self.path("broken")
        shutil.copytree(self.train, broken)
        file = self.newest_checkpoint(broken)
        file.write_bytes(file.read_bytes()[:1000])
        _, message = run("evaluate", broken, "r24 k3e2 / k3e2 / k3e2", code=3)
        self.assertIn(file.name, message)


if __name__ == "__main__":
    unittest.main(verbosity=2)
