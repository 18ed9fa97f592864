#!/usr/bin/env bash
# hatch 1.18.2: an environment adds its scripts to the default one's, but replaces its env-vars.
#
# A good guess: what one inherits is one rule: both tables are merged, or both are replaced.
# Seen: [envs.lint.scripts] is merged with the default's, [envs.lint.env-vars] takes its place. So an
# environment that sets one variable loses all of the others (a lock's UV_CONSTRAINT, a setting of
# the tests) while the inherited scripts go on running, without them.
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
show = '''python -c "import os; print(os.getenv('FIRST'), os.getenv('SECOND'))"'''
[envs.default.env-vars]
FIRST = "1"

[envs.scripts-only.scripts]
other = "python --version"

[envs.with-variable.scripts]
other = "python --version"
[envs.with-variable.env-vars]
SECOND = "2"
TOML
export HATCH_DATA_DIR="$folder/data"
unset FIRST SECOND
"$folder/venv/bin/hatch" --version
while IFS=: read -r environment expected; do
    "$folder/venv/bin/hatch" env create "$environment" >"$folder/log" 2>&1
    seen=$("$folder/venv/bin/hatch" --quiet run "$environment:show" </dev/null)
    echo "$environment: show is inherited; FIRST, SECOND are $seen"
    [ "$seen" = "$expected" ] || { echo "changed: expected '$expected'" >&2; exit 1; }
done <<'TABLE'
default:1 None
scripts-only:1 None
with-variable:None 2
TABLE
