#!/usr/bin/env bash
# hatch 1.18.2: a script that passes {args} to another script hands them on twice.
#
# A good guess: `check = "unit {args}"` beside `unit = "pytest {args}"` gives pytest the words once.
# Seen: `hatch run check a b` runs the tool with `a b a b`, and without {args} in the outer one it gets
# them once. A flag doesn't mind being doubled; a path, a message or a positional argument does.
# A single script without {args} drops the words in silence.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hatch==1.18.2
mkdir "$folder/project"
cd "$folder/project"
printf '[project]\nname = "sample"\nversion = "0"\n' >pyproject.toml
cat >hatch.toml <<'TOML'
[envs.default]
skip-install = true
[envs.default.scripts]
unit = "echo got {args}"
with-args = "unit {args}"
without-args = "unit"
fixed = "echo got"
TOML
export HATCH_DATA_DIR="$folder/data"
"$folder/venv/bin/hatch" --version
"$folder/venv/bin/hatch" env create >"$folder/log" 2>&1
while IFS=: read -r script expected; do
    seen=$("$folder/venv/bin/hatch" --quiet run "$script" a b </dev/null)
    echo "hatch run $script a b: $seen"
    [ "$seen" = "$expected" ] || { echo "changed: expected '$expected'" >&2; exit 1; }
done <<'TABLE'
unit:got a b
with-args:got a b a b
without-args:got a b
fixed:got
TABLE
