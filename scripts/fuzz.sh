#!/usr/bin/env bash
# Runs every fuzz target of a build folder for some time, two at a time, from its committed seeds.
#   scripts/fuzz.sh [SECONDS [BUILD [TARGET...]]]     20, build/asan and all of them if not said
# Prints the executions of each. A finding ends with exit code 1; its input is kept in
# BUILD/findings and the command that repeats it is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
seconds=${1:-20}
build=${2:-build/asan}
shift $(($# < 2 ? $# : 2))
if [ $# = 0 ]; then
  for program in "$build"/fuzz_*; do
    if [ -x "$program" ] && [ ! -d "$program" ]; then set -- "$@" "${program##*/fuzz_}"; fi
  done
fi
if [ $# = 0 ]; then
  echo "scripts/fuzz.sh: expected programs $build/fuzz_*, got none; build the preset asan first" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$build/findings"

run_target() {
  local name=$1 program="$build/fuzz_$1" corpus="$work/$1" log="$work/$1.log" failed=0
  mkdir "$corpus"
  cp -r "tests/fuzz/corpus/$name/." "$corpus"
  "$program" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=2048 -timeout=10 \
    -print_final_stats=1 -artifact_prefix="$build/findings/$name-" "$corpus" >"$log" 2>&1 || failed=1
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-16s %12s executions  %s\n' "$name" "${runs:-0}" "$([ $failed = 0 ] && echo clean || echo FINDING)"
  if [ $failed = 1 ]; then
    tail -n 40 "$log" >&2
    echo "repeat with: $program FILE, where FILE is the one named above" >&2
  fi
  return $failed
}
export -f run_target
export work build seconds
printf '%s\0' "$@" | xargs -0 -n 1 -P 2 bash -c 'set -euo pipefail; run_target "$1"' run_target || {
  echo "scripts/fuzz.sh: findings in $build/findings" >&2
  exit 1
}
