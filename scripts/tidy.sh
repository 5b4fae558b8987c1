#!/usr/bin/env bash
# clang-tidy on the torch-free files, by the compile commands of a build folder (build/dev if not said).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/dev}
python3 - "$build" <<'PYTHON' | xargs -0 -r -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>/dev/null
import json, os, sys
root = os.getcwd()
for entry in json.load(open(os.path.join(sys.argv[1], "compile_commands.json"))):
    file = os.path.relpath(entry["file"], root)
    if file.split("/")[0] in ("spaces", "latency", "search", "supernet") and "torch" not in entry["command"]:
        print(entry["file"], end="\0")
PYTHON
