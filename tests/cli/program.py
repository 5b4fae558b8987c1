"""How the scripts here run the real program. Imported by them; BUILD is the first word of their command line."""
import argparse
import hashlib
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPACE = "mobilenet-v3-small-minimalistic:resolution=32"  # fixed and small: measured in a moment


def parser(description):
    words = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("build", type=pathlib.Path, help="the build's folder")
    return words


class Program:
    """lathe of one build, its temporary files in a folder of its own."""

    def __init__(self, build, temporary):
        self.build = build.resolve()
        self.temporary = temporary
        temporary.mkdir(exist_ok=True)

    def has_torch(self):
        return (self.build / "liblathe_torch.so").exists()

    def environment(self, more):
        return {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary), **(more or {})}

    def start(self, *arguments, environment=None, **how):
        """The process, started; arguments become text."""
        return subprocess.Popen([self.build / "lathe", *map(str, arguments)], cwd=ROOT, stdin=subprocess.DEVNULL,
                                env=self.environment(environment), text=True, **how)

    def run(self, *arguments, code=0, environment=None, timeout=600):
        """(exit code, stdout, stderr); another exit code than `code` is an error, None allows any."""
        child = self.start(*arguments, environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = child.communicate(timeout=timeout)
        if code is not None and child.returncode != code:
            raise AssertionError(f"lathe {' '.join(map(str, arguments))}: exit {child.returncode}, expected {code}\n"
                                 f"{out[-2000:]}{err[-4000:]}")
        return child.returncode, out, err

    def run_until(self, seconds, *arguments):
        """Starts it, kills it after so many seconds of CPU time, and returns the exit code."""
        child = self.start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None and cpu_seconds(child.pid) < seconds:
            time.sleep(0.0005)
        child.kill()
        return child.wait()

    def cpu_of(self, *arguments):
        """Runs it to its end and returns how many seconds of CPU time it and its children took."""
        child = self.start(*arguments, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        if status != 0:
            raise AssertionError(f"lathe {' '.join(map(str, arguments))}: status {status}")
        return used.ru_utime + used.ru_stime


def cpu_seconds(process):
    """That the process and its children have used so far; 0 where it is gone. Another load changes it little."""
    total = 0
    for task in pathlib.Path(f"/proc/{process}/task").glob("*"):
        try:
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
            total += sum(cpu_seconds(child) for child in (task / "children").read_text().split())
        except (OSError, IndexError):
            pass  # it ended
    return total


def digest(file):
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()


def files_below(folder):
    """Digests of all files by their names within the folder, but for tensorboard's: one for each time a run goes on."""
    return {str(file.relative_to(folder)): digest(file) for file in sorted(folder.rglob("*"))
            if file.is_file() and file.parent.name != "tensorboard"}


def leftovers_in(folder):
    """Temporary files and locks, which no process that ended may leave."""
    return [str(file) for file in folder.rglob("*")
            if file.name.startswith(".lathe-") or file.name == "lock" or file.name.endswith((".lock", ".unfinished"))]


def formula_table(file):
    """Writes a table of made-up results of all 3,969 networks of nas-bench-macro."""
    sys.path.insert(0, str(ROOT / "tests/data"))
    from make_formula_table import accuracy, trained
    noise = random.Random(1)
    codes = sorted({trained("".join(code)) for code in itertools.product("012", repeat=8)})
    networks = [{"code": code, "acc": [round(accuracy(code, noise), 2)]} for code in codes]
    file.write_text(json.dumps({"networks": networks}))
