#!/usr/bin/env bash
# From a clean clone to an exported network under a latency budget of this machine.
#   scripts/quickstart.sh [--out DIR] [--latency-budget T]
# DIR (build/quickstart if not said) gets table/ train/ search/ export/ and summary.txt. T is "1.2ms" or the
# like; if not said, the middle of what this machine can reach. Interrupted anywhere and started
# again on the same DIR, it goes on.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

out=$here/build/quickstart
budget=middle
while [ $# -gt 0 ]; do
  case "$1" in
    --out) out=${2:?--out needs a folder}; shift 2 ;;
    --latency-budget) budget=${2:?--latency-budget needs a duration such as 1.2ms}; shift 2 ;;
    -h|--help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "scripts/quickstart.sh: expected --out DIR or --latency-budget T, got $1" >&2; exit 2 ;;
  esac
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$here"

bash scripts/setup.sh
mkdir -p build
if ! cmake --preset release -DLATHE_BUILD_TESTS=OFF >build/quickstart-configure.log 2>&1; then
  cat build/quickstart-configure.log >&2
  exit 1
fi
cmake --build --preset release >&2
lathe=$here/build/release/lathe
started=$(date +%s)

# title STEP TEXT
title() { printf '\n[%s/5] %s\n' "$1" "$2" >&2; }
# resume FOLDER: the flag that goes on with what is there, or nothing
resume() { if [ -e "$1" ]; then echo --resume; fi; }

table=$out/table/tiny.json
title 1 "measuring this machine: a latency table for the space tiny"
if [ -e "$table" ]; then
  echo "$table is there" >&2
else
  mkdir -p "$out/table"
  # shellcheck disable=SC2046
  "$lathe" measure --space tiny --device local --out "$table" $(resume "$table.samples.jsonl") >&2
fi

title 2 "training a supernet by progressive shrinking on 5,000 images"
# shellcheck disable=SC2046
"$lathe" train configs/train/quickstart.json --out "$out/train" $(resume "$out/train") >&2

title 3 "searching under the latency budget ($budget), proving it on this machine, comparing with hand-made networks"
# shellcheck disable=SC2046
"$lathe" search configs/search/quickstart.json --supernet "$out/train" --table "$table" \
  --latency-budget "$budget" --out "$out/search" $(resume "$out/search") >/dev/null

title 4 "exporting the chosen network and running it in ONNX Runtime and LibTorch"
if [ -e "$out/export/model.json" ]; then
  echo "$out/export is there" >&2
else
  rm -rf "$out/export"
  "$lathe" export "$out/search" --to onnx,torchscript --out "$out/export" >"$out/export.txt"
fi

title 5 "what came out (after the build: $(($(date +%s) - started)) s)"
{
  "$lathe" report "$out/search"
  printf '\nExported\n'
  cat "$out/export.txt"
} | tee "$out/summary.txt"
