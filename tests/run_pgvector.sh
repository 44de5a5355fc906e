#!/usr/bin/env bash
# The tests of vectors on a PostgreSQL that has pgvector, as a Python package carries it. Where the package cannot be had
# it says so and passes, or fails under REQUIRE_SERVICES=1.
set -euo pipefail
cd "$(dirname "$0")/.."
home=$PWD/var/pgvector
bin=$home/pgserver/pginstall/bin

if [ ! -x "$bin/initdb" ] && ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: --target "$home" 'pgserver==0.1.4'; then
    echo "Skipped: a PostgreSQL with pgvector is not to be had (the package pgserver, on Linux and macOS)." >&2
    [ "${REQUIRE_SERVICES:-}" = 1 ] && exit 1
    exit 0
fi
POSTGRES_BIN=$bin exec tests/run_cluster.sh tests/assistant/vectors "$@"
