#!/usr/bin/env bash
# prometheus-client 0.26.0: a "min" gauge of several processes is 0 as soon as one has never set it.
#
# A good guess: a process that has set no value has none, so min and max are over the rest.
# Seen: importing the module writes 0 into the process's file, and 0 takes part. "The oldest job's
# time" is 1970 for ever since the parent, or a worker that did nothing yet, says 0; a max of negative
# values is 0. An alert on either never (or always) fires.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0
mkdir "$folder/metrics"
PROMETHEUS_MULTIPROC_DIR="$folder/metrics" "$folder/venv/bin/python" - <<'PYTHON'
import os
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, multiprocess

oldest = Gauge("oldest_job", "Seconds since 1970", multiprocess_mode="min")
margin = Gauge("margin", "May be negative", multiprocess_mode="max")
worker = os.fork()
if worker == 0:
    oldest.set(1_790_000_000)
    margin.set(-5)
    os._exit(0)
os.waitpid(worker, 0)
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
seen = {name: registry.get_sample_value(name) for name in ("oldest_job", "margin")}
print("prometheus-client", version("prometheus-client"))
print("one worker set 1790000000 and -5, its parent nothing:", seen)
assert seen == {"oldest_job": 0.0, "margin": 0.0}, "changed: unset values don't count"
PYTHON
