#!/usr/bin/env bash
# kubernetes-validate 1.37.0: --strict takes `imagePullPolicy: Alway` and a selector that matches nothing.
#
# A good guess: a check against Kubernetes' own schema refuses values that the API server refuses.
# Seen: the schema gives types, no enumerations, bounds or quantities, so `Alway`, `Rolling`,
# port 99999, -1 replicas and "512mb" all pass; only wrong types and unknown fields are found. CI is
# green and the roll-out fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
cat >"$folder/wrong.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: -1
  strategy: {type: Rolling}
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: api:1
          imagePullPolicy: Alway
          ports: [{containerPort: 99999}]
          resources: {limits: {memory: 512mb}}
YAML
"$folder/venv/bin/pip" list 2>/dev/null | grep kubernetes
if "$folder/venv/bin/kubernetes-validate" --strict "$folder/wrong.yaml"; then
    echo "six wrong values pass"
else
    echo "changed: they are refused" >&2
    exit 1
fi
sed 's/containerPort: 99999/containerPort: "8000"/' "$folder/wrong.yaml" >"$folder/typed.yaml"
if "$folder/venv/bin/kubernetes-validate" --strict "$folder/typed.yaml" >"$folder/log" 2>&1; then
    echo "changed: a wrong type passes, too" >&2
    exit 1
fi
echo "a wrong type is refused:"
grep -m 1 "is not of type" "$folder/log"
