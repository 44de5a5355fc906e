#!/usr/bin/env bash
# Runs tests on a MongoDB-compatible server of their own, on a free port, thrown away afterwards.
# Arguments go to pytest; without any all tests run that ask a database. With MONGODB_URI set, that server is used instead: a real
# MongoDB 7+ (a replica set). Without a server it says how to get one and passes, or fails under REQUIRE_SERVICES=1.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
peer=var/mongo-peer # an environment of its own: the server is GPL, and no part of the service

missing() {
    echo "Skipped: $1. Try: $2" >&2
    [ "${REQUIRE_SERVICES:-}" = 1 ] && exit 1
    exit 0
}

server_pid=
home=$(mktemp -d)
stop() {
    [ -z "$server_pid" ] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null || true
    rm -rf "$home"
}
trap stop EXIT

free_port() {
    "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

install_backend() {
    "$python" -c 'import django_mongodb_backend' 2>/dev/null ||
        "$python" -m pip install --quiet --disable-pip-version-check -r requirements-mongodb.lock ||
        missing "MongoDB's Django engine cannot be installed" "$python -m pip install -r requirements-mongodb.lock"
}

install_peer() {
    [ tests/requirements-mongo-peer.lock -ot "$peer/installed" ] && return
    "$python" -m venv "$peer" &&
        "$peer/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements-mongo-peer.lock &&
        touch "$peer/installed" ||
        missing "no MongoDB server, and SecantusDB cannot be installed" "MONGODB_URI=mongodb://localhost:27017/test $0"
}

start_peer() {
    local port=$1
    "$peer/bin/python" tests/mongo_peer.py --host 127.0.0.1 --port "$port" --storage-path "$home/data" \
        --cache-size 256M --log-level ERROR >"$home/server.log" 2>&1 &
    server_pid=$!
    "$python" -c "
import pymongo
pymongo.MongoClient(port=$port, serverSelectionTimeoutMS=60000).admin.command('ping')
" || { cat "$home/server.log" >&2; exit 1; }
    export DATABASE_URL="mongodb://127.0.0.1:$port/chatsvc"
}

install_backend
if [ -n "${MONGODB_URI:-}" ]; then
    export DATABASE_URL=$MONGODB_URI
else
    install_peer
    start_peer "$(free_port)"
fi
# Left out: adapters never ask a database, Kafka's tests and the chaos have servers and runners of their own.
[ $# -gt 0 ] || set -- -n 2 tests --ignore=tests/adapters --ignore=tests/chaos --ignore=tests/messaging/kafka
"$python" -m pytest -p tests.mongo_flush -m "not browser and not chaos" "$@"
