#!/usr/bin/env bash
# Installs what is missing, builds, and runs everything that CI runs: all tests, clang-tidy, the torch-free tests
# under the address, undefined-behaviour and thread sanitizers, and every fuzz target for 20 s.
#   scripts/test.sh             all of it
#   scripts/test.sh --quick     all tests, without tidy, sanitizers and fuzzing
set -euo pipefail
cd "$(dirname "$0")/.."
quick=0
for argument in "$@"; do
  case "$argument" in
    --quick) quick=1 ;;
    -h|--help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "scripts/test.sh: expected --quick or nothing, got $argument" >&2; exit 2 ;;
  esac
done

started=$(date +%s)
title() { printf '\n[%d min] %s\n' $((($(date +%s) - started) / 60)) "$1" >&2; }
# build PRESET
build() {
  local log
  log=$(mktemp)
  cmake --preset "$1" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
  cmake --build --preset "$1"
}

title "what is needed"
bash scripts/setup.sh --tests
title "all tests"
build dev
ctest --preset dev -j 2
if [ $quick = 1 ]; then exit 0; fi
# These start the program hundreds of times; under sanitizers test_cli does so often enough.
drivers='^(terminal|kill|faults|docs_commands)$'
title "address and undefined-behaviour sanitizers: torch-free tests"
build asan
ctest --preset asan -j 2 -E "$drivers"
title "fuzz targets, 20 s each"
bash scripts/fuzz.sh 20 build/asan
title "thread sanitizer: torch-free tests"
build tsan
ctest --preset tsan -j 2 -E "$drivers"
title "clang-tidy: torch-free files"
bash scripts/tidy.sh build/dev
title "all passed"
