#!/usr/bin/env bash
# cyclonedx-bom 7.5.0: `cyclonedx-py requirements` lists what a constraints file merely names.
#
# A good guess: `-c constraints.txt` narrows versions, as for pip; the bill of materials holds what
# is required, at those versions, without what a marker excludes here or anywhere.
# Seen: each constraint is a component of its own, though nothing requires it; what is constrained
# stands there twice, once without a version; and markers are not looked at. Scanners then report
# packages that were never installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
cd "$folder"
printf '%s\n' "-c constraints.txt" "idna" "colorama==0.4.6 ; sys_platform == 'win32'" >requirements.txt
printf '%s\n' "idna==3.10" "certifi==2024.8.30" >constraints.txt
"$folder/venv/bin/cyclonedx-py" requirements requirements.txt -o bom.json 2>log
"$folder/venv/bin/python" - <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

bom = json.loads(Path("bom.json").read_text())
seen = sorted((each["name"], each.get("version")) for each in bom["components"] if each["name"] != "idna")
idna = sorted(str(each.get("version")) for each in bom["components"] if each["name"] == "idna")
print("cyclonedx-bom", version("cyclonedx-bom"), "on", sys.platform)
print("required: idna, and colorama on Windows; listed:", seen, "and idna at", idna)
assert ("certifi", "2024.8.30") in seen, "changed: constraints aren't listed"
assert ("colorama", "0.4.6") in seen, "changed: markers are looked at"
assert idna == ["3.10", "None"], "changed: a constraint gives the version"
PYTHON
