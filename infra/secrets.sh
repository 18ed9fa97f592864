#!/bin/sh
# Make up the secrets of a stack that aren't there yet: infra/secrets.sh production|staging
# Only you may enter the folder; the files are readable, since containers read them as other users.
set -eu

case "${1:-}" in
    production | staging) ;;
    *)
        echo "usage: infra/secrets.sh production|staging" >&2
        exit 2
        ;;
esac

umask 022
directory="${SECRETS_DIRECTORY:-$(dirname "$0")/secrets}"
mkdir -p "$directory/$1"
chmod 700 "$directory"
for name in secret_key postgres_password admin_password; do
    file="$directory/$1/$name"
    if [ ! -s "$file" ]; then
        openssl rand -hex 32 >"$file"
        echo "made $file"
    fi
done
