#!/usr/bin/env bash
# Prints docs/file-formats/config.md as the program explains its configs:
#   scripts/config_page.sh build/core/lathe > docs/file-formats/config.md
set -euo pipefail
lathe=${1:?scripts/config_page.sh: expected the program lathe, got nothing}
cat <<'HEAD'
# Configs

JSON with `//` comments. Unknown, repeated, mistyped and out-of-range keys are errors that name the file, the
key and the nearest known one. Durations and sizes are texts with units (`"20ms"`, `"64MiB"`). File names are
relative to the config's own folder. `--set path.to.key=value` overrides one key (lists by index:
`phases.2.epochs=5`); a run's `config.json` is the config as it was resolved, and alone runs it again.

Columns: key, type and range, default, meaning. Printed by `lathe config explain KIND`; a test compares.
HEAD
for kind in train search measure device space; do
  printf '\n## %s\n\n```text\n' "$kind"
  "$lathe" config explain "$kind"
  printf '```\n'
done
