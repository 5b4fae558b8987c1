#!/usr/bin/env bash
# Installs what is missing, builds, and runs everything that CI runs.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --tests
cmake --preset dev >build-configure.log 2>&1 || { cat build-configure.log >&2; rm -f build-configure.log; exit 1; }
rm -f build-configure.log
cmake --build --preset dev
ctest --preset dev -j 2
bash scripts/tidy.sh build/dev
