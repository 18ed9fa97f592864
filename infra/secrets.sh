#!/bin/sh
# Make up the secrets of a stack that aren't there yet:
#   infra/secrets.sh production|staging|observability
# Only you may enter the folder; the files are readable, since containers read them as other users.
set -eu

here=$(dirname "$0")
case "${1:-}" in
    production) limits=redis-limits:6379/0 ;;
    staging) limits= ;; # in the queue's server, beside it
    observability) ;;
    *)
        echo "usage: infra/secrets.sh production|staging|observability" >&2
        exit 2
        ;;
esac

umask 022
directory="${SECRETS_DIRECTORY:-$here/secrets}"
mkdir -p "$directory/$1"
chmod 700 "$directory"
cd "$directory/$1"

random() { openssl rand -hex 32; }

make() { # FILE TEXT
    [ -s "$1" ] && return
    echo "$2" >"$1"
    echo "made $directory/$stack/$1"
}

# What a Valkey allows its only user, who is known by the hash of the address's password.
allow() { # RULES FILE ADDRESS_FILE
    password=$(sed 's|^redis://app:\(.*\)@.*|\1|' "$3")
    hash=$(printf %s "$password" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
    sed "s|#PASSWORD|#$hash|" "$rules/$1.acl" >"$2"
}

stack=$1
if [ "$stack" = observability ]; then
    make grafana_password "$(random)"
    exit
fi
rules=$(cd "$OLDPWD" && cd "$here/valkey" && pwd)
for name in secret_key postgres_password postgres_app_password admin_password; do
    make "$name" "$(random)"
done
[ "$stack" = staging ] || make postgres_backup_password "$(random)"
make redis_cache_url "redis://app:$(random)@redis-cache:6379/0"
allow cache redis_cache_acl redis_cache_url
if [ -n "$limits" ]; then
    make redis_queue_url "redis://app:$(random)@redis-queue:6379/0"
    make redis_limits_url "redis://app:$(random)@$limits"
    allow queue redis_queue_acl redis_queue_url
    allow limits redis_limits_acl redis_limits_url
else
    make redis_queue_url "redis://app:$(random)@redis:6379/0"
    make redis_limits_url "$(sed 's|/0$|/1|' redis_queue_url)"
    allow queue-and-limits redis_queue_acl redis_queue_url
fi
