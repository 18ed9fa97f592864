#!/usr/bin/env bash
# openapi-typescript 7.13.0: a request's optional field with a default becomes a required one.
#
# A good guess: "required" in the schema decides; a field with a default may be left out of a body.
# Seen: each property with a default is typed without `?`, for requests as for answers, so
# the client that FastAPI's `size: int = 3` is meant for doesn't compile until it sends the default
# itself. --default-non-nullable=false turns it off, for the answers, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund openapi-typescript@7.13.0 typescript@5.9.3 >log
cat >api.json <<'JSON'
{"openapi": "3.1.0", "info": {"title": "Sample", "version": "1"}, "paths": {},
 "components": {"schemas": {"ItemIn": {"type": "object", "required": ["name"], "properties": {
  "name": {"type": "string"}, "note": {"type": "string"}, "size": {"type": "integer", "default": 3}}}}}}
JSON
cat >client.ts <<'TS'
import type { components } from "./api";
export const body: components["schemas"]["ItemIn"] = { name: "x" };
TS
npx openapi-typescript --version
npx openapi-typescript api.json -o api.ts >log 2>&1
if npx tsc --noEmit --strict client.ts >log; then
    echo "changed: { name } alone is an ItemIn" >&2
    exit 1
fi
cat log
grep -q "Property 'size' is missing" log
npx openapi-typescript api.json -o api.ts --default-non-nullable=false >log 2>&1
npx tsc --noEmit --strict client.ts
echo "with --default-non-nullable=false it compiles"
