#!/usr/bin/env python3
"""Breaks disks, clocks and processes under lathe, and prints what came of it.

Usage: faults.py BUILD [--points N] [--only PART...] [--without COMMAND...]

disk      for every command that writes: its n-th call that changes a file fails (with ENOSPC, and all after it
          too; or EIO alone), for N values of n, or all (--points 0). Each time: exit code 7, a message that names
          the file, the cause and what to do, what stood there before intact, nothing temporary left; then
          the command completes, with the bytes of an undisturbed run.
tmpfs     the same on a real file system that is full, and on one that is read-only (skipped, aloud, where nothing
          can be mounted).
names     --out below a file, and --out that exists: refused, nothing written.
two       a second process on the same run or table is refused at once; a killed one's lock binds nobody.
clock     the calendar's clock jumps back by a day: the same bytes.
signals   SIGINT, SIGTERM and SIGHUP save and leave with 130; a second SIGINT ends at once; nohup's SIGHUP is ignored.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from program import SPACE, Program, files_below, formula_table, leftovers_in, parser

PARTS = ("disk", "tmpfs", "names", "two", "clock", "signals")
REMEDIES = {"ENOSPC": "make room", "EIO": "look after the disk", "EROFS": "choose a place"}
WORDS = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EROFS": "Read-only file system"}


def bytes_below(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class Case:
    """A command that writes below a folder: its words, what it needs there, and which files must come out the same."""

    def __init__(self, name, words, same=(), prepare=None, resumes=True):
        self.name, self.words, self.same, self.resumes = name, words, same, resumes
        self.prepare = prepare or (lambda folder: None)

    def again(self, folder):
        """The words that complete it after a failure."""
        begun = folder / "out" if (folder / "out").is_dir() else folder / "out.samples.jsonl"
        missing = "--missing" in self.words(folder)
        more = ("--resume",) if self.resumes and begun.exists() and not missing else ()
        return (*self.words(folder), *more)

    def differs(self, whole, folder):
        ours, theirs = files_below(folder), files_below(whole)
        if set(ours) != set(theirs):
            return f"other files: {sorted(set(ours) ^ set(theirs))}"
        return "; ".join(f"{name} differs" for name in ours
                         if name.startswith(tuple(self.same)) and ours[name] != theirs[name])


class Faults:
    def __init__(self, program, scratch, points, without):
        self.program, self.scratch, self.points, self.without = program, scratch, points, without
        self.shim = next(program.build.rglob("libfail_write.so"), None)
        self.good = True
        formula_table(scratch / "results.json")
        self.folders = 0
        self.made = {}

    # What the parts share.

    def row(self, what, fault, times, wrong):
        wrong = [w for w in wrong if w]
        self.good = self.good and not wrong
        print(f"{what:18} {fault:34} {times:5}  {'as it should be' if not wrong else 'WRONG'}", flush=True)
        for w in wrong[:8]:
            print("    " + w, flush=True)

    def skip(self, what, why):
        print(f"{what:18} skipped: {why}", flush=True)

    def folder(self):
        self.folders += 1
        folder = self.scratch / f"f{self.folders}"
        folder.mkdir()
        return folder

    def train_run(self):
        """A finished run, made once."""
        if "train" not in self.made:
            self.made["train"] = self.folder() / "train"
            self.program.run("train", "configs/train/smoke.json", "--quiet", "--out", self.made["train"])
        return self.made["train"]

    def table(self):
        """A finished table with its log, made once."""
        if "table" not in self.made:
            self.made["table"] = self.folder() / "table.json"
            self.program.run(*self.measure(self.made["table"]))
        return self.made["table"]

    @staticmethod
    def measure(out, *more):
        return ("measure", "--space", SPACE, "--config", "configs/measure/quick.json", "--rounds", "2", "--seed", "1",
                "--set", "min_time=100us", "--set", "fit_networks=2", "--set", "check_networks=2", "--quiet",
                "--out", out, *more)

    def search(self, out, evaluations=400):
        return ("search", "configs/search/nas-bench-macro.json", "--set", f"evaluator.data={self.scratch}/results.json",
                "--set", f"budget.evaluations={evaluations}", "--quiet", "--out", out)

    @staticmethod
    def train(out):
        return ("train", "configs/train/smoke.json", "--quiet", "--out", out)

    def copy_table(self, folder):
        for suffix in ("", ".samples.jsonl"):
            shutil.copy(str(self.table()) + suffix, str(folder / "out") + suffix)

    def half_a_search(self, folder):
        """A search that was interrupted."""
        if "half" not in self.made:
            self.made["half"] = self.folder() / "out"
            child = self.program.start(*self.search(self.made["half"]), stderr=subprocess.DEVNULL)
            self.stop_when(child, lambda: (self.made["half"] / "manifest.json").exists())
            child.send_signal(signal.SIGINT)
            child.send_signal(signal.SIGCONT)
            if child.wait() != 130:
                raise AssertionError("the search ended before it could be interrupted")
        shutil.copytree(self.made["half"], folder / "out")

    def cases(self):
        return (case for case in self.all_cases() if case.name not in self.without)

    def all_cases(self):
        search = ("out/evaluated.jsonl", "out/front", "out/history.csv", "out/best.json", "out/config.json")
        yield Case("measure", lambda f: self.measure(f / "out"))
        yield Case("measure --missing", lambda f: self.measure(f / "out", "--missing", "--set", "rounds=2"), (),
                   self.copy_for_missing)
        yield Case("measure --nets", lambda f: self.measure(f / "out", "--nets", "{}"))
        yield Case("table rebuild", lambda f: ("table", "rebuild", f"{self.table()}.samples.jsonl", "--out", f / "out"),
                   ("out",), resumes=False)
        yield Case("search", lambda f: self.search(f / "out"), search)
        yield Case("search --resume", lambda f: (*self.search(f / "out"), "--resume"), search, self.half_a_search, False)
        if not self.program.has_torch():
            self.skip("train, export, report", "this build has no LibTorch")
            return
        yield Case("train", lambda f: self.train(f / "out"), ("out/metrics.csv", "out/checkpoints", "out/split.json"))
        yield Case("export", lambda f: ("export", self.train_run(), "r24 k3e2 / k3e2 / k3e2", "--to", "onnx,torchscript",
                                        "--images", "2", "--out", f / "deep" / "out"), resumes=False)
        yield Case("report", lambda f: ("report", self.train_run(), "--out", f / "out"), ("out",), resumes=False)

    def copy_for_missing(self, folder):
        self.copy_table(folder)
        table = json.loads((folder / "out").read_text())
        table["entries"] = table["entries"][2:]
        (folder / "out").write_text(json.dumps(table, indent=2))

    @staticmethod
    def wrong_after(folder, before, code, err, cause):
        """What a failed write should not have left."""
        if code != 7:
            yield f"exit {code}, not 7: {err.strip()[-300:]}"
        if str(folder) not in err or WORDS[cause] not in err or REMEDIES[cause] not in err:
            yield f"the message lacks the file, the cause or what to do: {err.strip()[-300:]}"
        if err.count("\n") != 1:
            yield f"not one line: {err!r}"
        if leftovers_in(folder):
            yield f"left behind: {leftovers_in(folder)}"
        for name, bytes_before in before.items():
            file = folder / name
            now = file.read_bytes() if file.exists() else b""
            grown = name.endswith(".jsonl") and now.startswith(bytes_before)
            # What a run replaces as it goes on, whole; config.json and its other files are as they were.
            replaced = name in ("out/" + own for own in ("manifest.json", "state.json", "front.json", "history.csv",
                                                         "timing.csv")) and now.endswith(b"\n")
            if now != bytes_before and not grown and not replaced:
                yield f"{name} changed"

    # The parts.

    def disk(self):
        if self.shim is None:
            self.skip("disk", "libfail_write.so is not built")
            return
        for case in self.cases():
            whole = self.folder()
            case.prepare(whole)
            count = self.scratch / "count"
            below = {"LD_PRELOAD": str(self.shim), "FAIL_WRITE_BELOW": str(whole), "FAIL_WRITE_COUNT": str(count)}
            self.program.run(*case.words(whole), environment=below)
            calls = int(count.read_text())
            points = range(1, calls + 1)
            if self.points and calls > self.points:
                points = sorted({1 + i * (calls - 1) // max(self.points - 1, 1) for i in range(self.points)})
            for cause in ("ENOSPC", "EIO"):
                wrong = []
                for n in points:
                    wrong += [f"call {n} of {calls}: {w}" for w in self.one_failure(case, whole, n, cause) if w]
                fault = f"{cause} at {len(points)} of {calls} calls"
                self.row(case.name, fault, len(points), wrong)
            shutil.rmtree(whole)

    def one_failure(self, case, whole, n, cause):
        folder = self.folder()
        case.prepare(folder)
        before = bytes_below(folder)
        environment = {"LD_PRELOAD": str(self.shim), "FAIL_WRITE_BELOW": str(folder), "FAIL_WRITE_AT": str(n),
                       "FAIL_WRITE_ERROR": cause}
        if cause == "ENOSPC":
            environment["FAIL_WRITE_ALL"] = "1"
        code, _, err = self.program.run(*case.words(folder), code=None, environment=environment)
        yield from self.wrong_after(folder, before, code, err, cause)
        code, _, err = self.program.run(*case.again(folder), code=None)
        if code != 0:
            yield f"then exit {code}: {err.strip()[-300:]}"
        else:
            yield case.differs(whole, folder)
        shutil.rmtree(folder)

    def mount(self, folder, options):
        words = ["mount", "-t", "tmpfs", "-o", options, "none", folder]
        return subprocess.run(words, capture_output=True).returncode == 0

    def tmpfs(self):
        folder = self.folder()
        if not self.mount(folder, "size=64k"):
            self.skip("tmpfs", "nothing can be mounted here")
            return
        subprocess.run(["umount", folder], check=True)
        for case in self.cases():
            whole = self.folder()
            case.prepare(whole)
            self.program.run(*case.words(whole))
            size = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
            for part in (0.3, 0.8):
                self.row(case.name, "a file system that gets full", 1, self.full(case, whole, int(size * part)))
            self.row(case.name, "a read-only file system", 1, self.read_only(case))
            shutil.rmtree(whole)

    def full(self, case, whole, size):
        folder = self.folder()
        self.mount(folder, f"size={max(size // 4096, 1) * 4096}")  # whole pages, so that not all fits
        try:
            try:
                case.prepare(folder)
            except OSError:  # too small for what stands there before
                return []
            before = bytes_below(folder)
            code, _, err = self.program.run(*case.words(folder), code=None)
            wrong = list(self.wrong_after(folder, before, code, err, "ENOSPC"))
            subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
            code, _, err = self.program.run(*case.again(folder), code=None)
            return wrong + [f"then exit {code}: {err}" if code != 0 else case.differs(whole, folder)]
        finally:
            subprocess.run(["umount", folder], check=True)

    def read_only(self, case):
        folder = self.folder()
        self.mount(folder, "size=64m")
        try:
            case.prepare(folder)
            before = bytes_below(folder)
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
            code, _, err = self.program.run(*case.words(folder), code=None)
            wrong = list(self.wrong_after(folder, before, code, err, "EROFS"))
            return wrong + ["files changed" if bytes_below(folder) != before else ""]
        finally:
            subprocess.run(["umount", folder], check=True)

    def names(self):
        for case in self.cases():
            if case.name in ("measure --missing", "search --resume"):
                continue  # their --out has to exist
            wrong = []
            for kind in ("below a file", "a file", "a folder with a file"):
                folder = self.folder()
                place = folder / "out"
                words = [str(word) for word in case.words(folder)]
                out = words.index("--out") + 1
                words[out] = str(place / "x" if kind == "below a file" else place)
                if kind == "a folder with a file":
                    place.mkdir()
                (place / "f" if place.is_dir() else place).write_text("mine")
                before = files_below(folder)
                code, _, err = self.program.run(*words, code=None)
                if code != 2 or words[out] not in err:
                    wrong.append(f"{kind}: exit {code}: {err.strip()[-300:]}")
                if files_below(folder) != before or [f for f in folder.rglob("*") if f.is_dir() and f != place]:
                    wrong.append(f"{kind}: something was written")
            self.row(case.name, "--out is no name to write to", 3, wrong)

    @staticmethod
    def stop_when(child, condition):
        """SIGSTOP, as soon as it holds."""
        for _ in range(20000):
            if condition():
                child.send_signal(signal.SIGSTOP)
                return
            if child.poll() is not None:
                raise AssertionError(f"it ended with {child.returncode} before it could be stopped")
            time.sleep(0.0005)
        raise AssertionError("it did not come so far")

    def long_cases(self):
        for case in self.cases():
            if case.name in ("measure", "search", "train"):
                begun = (lambda f: f / "out.samples.jsonl") if case.name == "measure" else (lambda f: f / "out/manifest.json")
                yield case, begun

    def two(self):
        for case, begun in self.long_cases():
            whole, folder = self.folder(), self.folder()
            self.program.run(*case.words(whole))
            first = self.program.start(*case.words(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.stop_when(first, lambda: begun(folder).exists() and begun(folder).stat().st_size > 0)
            before, wrong = files_below(folder), []
            begin = time.monotonic()
            code, _, err = self.program.run(*case.again(folder), code=None)
            if code != 2 or f"process {first.pid} on {os.uname().nodename} works on since 20" not in err:
                wrong.append(f"the second one: exit {code}: {err.strip()[-300:]}")
            if time.monotonic() - begin > 10:
                wrong.append("the second one was not refused at once")
            if files_below(folder) != before:
                wrong.append("the second one changed something")
            first.kill()
            first.wait()
            code, _, err = self.program.run(*case.again(folder), code=None)
            wrong.append(f"then exit {code}: {err[-300:]}" if code != 0 else case.differs(whole, folder))
            self.row(case.name, "two processes; one is killed", 1, wrong)

    def clock(self):
        if self.shim is None:
            self.skip("clock", "libfail_write.so is not built")
            return
        for case, _ in self.long_cases():
            whole, folder = self.folder(), self.folder()
            self.program.run(*case.words(whole))
            back = {"LD_PRELOAD": str(self.shim), "CLOCK_JUMP_AT": "4", "CLOCK_JUMP_S": "-86400"}
            self.program.run(*case.words(folder), environment=back)
            wrong = [case.differs(whole, folder)]
            if case.name == "measure":
                self.program.run("table", "info", folder / "out")
            else:
                manifest = json.loads((folder / "out/manifest.json").read_text())
                if manifest["ended"] >= manifest["started"]:
                    wrong.append(f"the clock did not jump: {manifest['started']}, {manifest['ended']}")
                self.program.run("report", folder / "out", "--out", folder / "page.html")
            self.row(case.name, "the clock jumps back by a day", 1, wrong)

    def signals(self):
        for case, begun in self.long_cases():
            whole = self.folder()
            self.program.run(*case.words(whole))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                folder = self.folder()
                child = self.program.start(*case.words(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.stop_when(child, lambda: begun(folder).exists() and begun(folder).stat().st_size > 0)
                child.send_signal(number)
                child.send_signal(signal.SIGCONT)
                wrong = [] if child.wait() == 130 else [f"exit {child.returncode}, not 130"]
                wrong.append(f"left behind: {leftovers_in(folder)}" if leftovers_in(folder) else "")
                code, _, err = self.program.run(*case.again(folder), code=None)
                wrong.append(f"then exit {code}: {err[-300:]}" if code != 0 else case.differs(whole, folder))
                self.row(case.name, number.name + ", then --resume", 1, wrong)
        self.second_signal()
        self.no_hang_up()

    def second_signal(self):
        """An item of five seconds: the first signal waits for its end, the second does not."""
        folder = self.folder()
        slow = self.measure(folder / "out", "--set", "min_time=5s", "--set", "max_time=5s")
        child = self.program.start(*slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = folder / "out.samples.jsonl"
        while not (log.exists() and log.stat().st_size > 0):
            time.sleep(0.01)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        time.sleep(0.5)
        wrong = ["the first one ended it at once"] if child.poll() is not None else []
        child.send_signal(signal.SIGINT)
        begin = time.monotonic()
        if child.wait() != -signal.SIGINT or time.monotonic() - begin > 1:
            wrong.append(f"exit {child.returncode} after {time.monotonic() - begin:.1f} s")
        self.row("measure", "a second SIGINT ends at once", 1, wrong)

    def no_hang_up(self):
        folder = self.folder()
        child = self.program.start(*self.search(folder / "out"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.stop_when(child, lambda: (folder / "out/manifest.json").exists())
        child.send_signal(signal.SIGHUP)
        child.send_signal(signal.SIGCONT)
        self.row("search", "SIGHUP under nohup", 1, [] if child.wait() == 0 else [f"exit {child.returncode}"])


def main():
    words = parser(__doc__)
    words.add_argument("--points", type=int, default=4, help="calls that fail, of each command; 0: every one")
    words.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    words.add_argument("--without", nargs="+", default=[], help="commands that are left out, such as train")
    options = words.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="lathe-faults."))
    faults = Faults(Program(options.build, scratch / "tmp"), scratch, options.points, options.without)
    print(f"{'what':18} {'fault':34} {'times':>5}  result")
    try:
        for part in options.only:
            getattr(faults, part)()
    finally:
        shutil.rmtree(scratch)
    sys.exit(0 if faults.good else 1)


if __name__ == "__main__":
    main()
