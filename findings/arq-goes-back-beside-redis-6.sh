#!/usr/bin/env bash
# arq up to 0.28.0 beside redis 8.1.0: pip installs arq 0.25.0 and says nothing.
#
# A good guess: the newest arq comes, or pip reports the conflict (0.28 asks for redis<6).
# Seen: the resolver takes the last arq whose metadata had no upper bound, without a warning, and the
# project works on a release of 2022. Write arq>=0.28, so that the conflict is an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" "arq<=0.28.0" redis==8.1.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import requires, version

print("asked for arq<=0.28.0 and redis==8.1.0; installed: arq", version("arq"))
print("its bound on redis:", [each for each in requires("arq") or () if each.startswith("redis")])
assert version("arq") == "0.25.0", "changed: another release"
PYTHON
if "${pip[@]}" arq==0.28.0 redis==8.1.0 >"$folder/log" 2>&1; then
    echo "changed: arq 0.28.0 takes redis 8.1.0" >&2
    exit 1
fi
grep -o "ResolutionImpossible" "$folder/log" # what arq>=0.28 gives instead
