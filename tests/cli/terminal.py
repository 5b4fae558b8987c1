#!/usr/bin/env python3
"""Drives the real program on a pseudo-terminal of several widths, in a pipe, and without its terminal.

Usage: terminal.py BUILD_FOLDER. Measures the space tiny with lathe-probe, in a temporary folder; no torch.
"""
import codecs
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURE = ("measure", "--space", "tiny", "--rounds", "6", "--seed", "1", "--out")
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def command(*arguments):
    return [str(BUILD / "lathe"), *map(str, arguments)]


def set_columns(descriptor, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


class Screen:
    """What a terminal of that width shows: rows, and the longest row that was drawn without a newline."""

    def __init__(self):
        self.rows, self.at, self.drawn = [""], 0, []

    def feed(self, text):
        for piece in re.split(r"(\x1b\[[0-9;]*[A-Za-z]|\r|\n)", text):
            if piece == "\n":
                self.rows.append("")
                self.at = 0
            elif piece == "\r":
                self.at = 0
            elif piece == "\x1b[K":
                self.rows[-1] = self.rows[-1][: self.at]
            elif not piece.startswith("\x1b") and piece:
                self.rows[-1] = self.rows[-1][: self.at] + piece + self.rows[-1][self.at + len(piece):]
                self.at += len(piece)
                self.drawn.append(self.rows[-1])


class Terminal:
    """lathe with its stderr on a pseudo-terminal; stdout goes nowhere."""

    def __init__(self, columns, *arguments):
        self.controller, end = pty.openpty()
        set_columns(end, columns)
        self.child = subprocess.Popen(command(*arguments), cwd=ROOT, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=end)
        os.close(end)
        self.text, self.decoder = "", codecs.getincrementaldecoder("utf-8")()

    def read(self, until=None):
        """Reads to the end, or until the text has a match of `until` behind what was there."""
        begin = len(self.text)
        while select.select([self.controller], [], [], 60)[0]:
            try:
                piece = os.read(self.controller, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            self.text += self.decoder.decode(piece)
            if until and re.search(until, self.text[begin:]):
                break
        return self.text[begin:]

    def close(self):
        code = self.child.wait(timeout=60)
        os.close(self.controller)
        return code


class Behaviour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-terminal."))
        # Takes longer than the ten seconds between the lines of a pipe, while the other tests run.
        cls.piped = subprocess.Popen(command("measure", "--space", "tiny", "--rounds", "2000", "--out", cls.folder / "piped.json"),
                                     cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        cls.started = time.monotonic()

    @classmethod
    def tearDownClass(cls):
        if cls.piped.poll() is None:
            cls.piped.kill()
            cls.piped.communicate()
        shutil.rmtree(cls.folder)

    def test_no_row_is_wider_than_the_terminal(self):
        for columns in (120, 80, 40, 20):
            with self.subTest(columns=columns):
                terminal = Terminal(columns, *MEASURE, self.folder / f"at{columns}.json")
                text = terminal.read()
                self.assertEqual(terminal.close(), 0)
                screen = Screen()
                screen.feed(text)
                bars = [row for row in screen.drawn if row.startswith("measuring ")]
                self.assertGreater(len(bars), 1, "progress was drawn, and again")
                self.assertLess(max(map(len, bars)), columns)
                left = [row for row in screen.rows if row.startswith("measuring  [")]
                self.assertEqual(left, [], "nothing of the progress is left at the end")
                self.assertIn("measuring 189 items in 6 rounds", text)

    def test_resized(self):
        terminal = Terminal(100, *MEASURE, self.folder / "resized.json")
        terminal.read(until=r"measuring  \[#")
        set_columns(terminal.controller, 30)
        terminal.read(until=r"\r\x1b\[K[^\r]*\r\x1b\[K")  # a line may have been under way
        screen = Screen()
        screen.feed(terminal.read())
        self.assertEqual(terminal.close(), 0)
        bars = [row for row in screen.drawn if row.startswith("measuring ")]
        self.assertGreater(len(bars), 0)
        self.assertLess(max(map(len, bars)), 30)

    def test_stopped(self):
        out = self.folder / "stopped.json"
        terminal = Terminal(80, *MEASURE, out)
        terminal.read(until=r"measuring  \[#")
        terminal.child.send_signal(signal.SIGINT)
        text = terminal.read()
        self.assertEqual(terminal.close(), 130)
        self.assertIn("stopped", ESCAPE.sub("", text))
        self.assertFalse(out.exists())

    def test_closed_terminal(self):
        out = self.folder / "hangup.json"
        terminal = Terminal(80, *MEASURE, out)
        terminal.read(until=r"measuring  \[#")
        terminal.child.send_signal(signal.SIGHUP)
        os.close(terminal.controller)
        self.assertEqual(terminal.child.wait(timeout=60), 130)
        self.assertTrue(out.with_name(out.name + ".samples.jsonl").exists())

    def test_nohup(self):
        out, log = self.folder / "nohup.json", self.folder / "nohup.out"
        with open(log, "w") as stream:
            child = subprocess.Popen(["nohup", *command(*MEASURE, out)], cwd=ROOT, stdin=subprocess.DEVNULL,
                                     stdout=stream, stderr=subprocess.STDOUT)
            samples = out.with_name(out.name + ".samples.jsonl")
            while not (samples.exists() and samples.stat().st_size > 10000) and child.poll() is None:
                time.sleep(0.02)
            child.send_signal(signal.SIGHUP)
            self.assertEqual(child.wait(timeout=60), 0, "nohup's process ends as if nothing had happened")
        self.assertTrue(out.exists())
        self.assertNotIn("\x1b", log.read_text())
        self.assertNotIn("\r", log.read_text())

    def test_quiet(self):
        done = subprocess.run(command(*MEASURE, self.folder / "quiet.json", "--quiet"), cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_zz_a_line_in_ten_seconds_in_a_pipe(self):
        """The last by name: the process has been running since the first one."""
        shown = re.compile(r"\d\d:\d\d:\d\d measuring +\d+%")
        err = ""
        while not shown.match(err.rsplit("\n", 2)[-2] if "\n" in err else ""):
            line = self.piped.stderr.readline()
            self.assertTrue(line, f"the process ended early:\n{err}")
            err += line
        self.assertGreater(time.monotonic() - self.started, 10)
        self.piped.send_signal(signal.SIGINT)
        out, rest = self.piped.communicate(timeout=60)
        ran, err = time.monotonic() - self.started, err + rest
        self.assertEqual(self.piped.returncode, 130)
        self.assertEqual(out, "")
        self.assertNotIn("\x1b", err)
        self.assertNotIn("\r", err)
        lines = [line for line in err.splitlines() if shown.match(line)]
        self.assertLessEqual(len(lines), ran / 10, f"in {ran:.0f} s:\n{err}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
