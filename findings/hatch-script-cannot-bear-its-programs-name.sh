#!/usr/bin/env bash
# hatch 1.18.2: a script named like the program that it starts breaks every command of its environment.
#
# A good guess: `mypy = "mypy src"` works as in package.json, where the inner word is the program.
# Seen: the first word of a script is looked up among the scripts, so this one names itself: "Circular
# expansion". It is told for any `hatch run ...` in that environment, also for a plain program and for
# scripts that have nothing to do with it.
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
hello = "printf hello"
TOML
export HATCH_DATA_DIR="$folder/data"
"$folder/venv/bin/hatch" --version
"$folder/venv/bin/hatch" env create >"$folder/log" 2>&1
"$folder/venv/bin/hatch" --quiet run hello
echo ", as long as no script is called like a program"
echo 'ls = "ls -l"' >>hatch.toml
for words in "ls" "hello" "python --version"; do
    # shellcheck disable=SC2086 # words are to be split
    if seen=$("$folder/venv/bin/hatch" --quiet run $words 2>&1); then
        echo "changed: 'hatch run $words' works" >&2
        exit 1
    fi
    echo "hatch run $words: $seen"
    [[ $seen == *"Circular expansion detected"* ]] || exit 1
done
