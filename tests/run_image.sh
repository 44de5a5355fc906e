#!/usr/bin/env bash
# Builds the image and runs every process of the service from it, in production's settings, on PostgreSQL and Redis.
# With Docker or Podman as it stands. Without a container engine: buildah in a chroot (apt-get install buildah), and,
# where no registry can be reached, a base made by debootstrap, whose Python is Debian's.
set -euo pipefail
cd "$(dirname "$0")/.."
base=docker.io/library/python:3.11-slim-bookworm

missing() {
    echo "Skipped: $1" >&2
    [ "${REQUIRE_SERVICES:-}" = 1 ] && exit 1
    exit 0
}

make_base() {
    command -v debootstrap >/dev/null || missing "$base cannot be fetched. Try: apt-get install debootstrap"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$home/base" >"$home/log"
    ln -sf python3 "$home/base/usr/bin/python"
    # What this machine trusts, the build trusts.
    cp -rL --remove-destination /etc/ssl/certs/. "$home/base/etc/ssl/certs/"
    local empty
    empty=$(buildah from scratch)
    buildah add --quiet "$empty" "$home/base" / >/dev/null
    buildah commit --quiet --rm "$empty" "$base" >/dev/null
}

for engine in docker podman; do
    "$engine" info >/dev/null 2>&1 || continue
    "$engine" build --tag chatsvc:test .
    # The environment's variables come where {} stands.
    IMAGE_RUN="$engine run --rm --network host {} chatsvc:test" .venv/bin/python -m pytest -q -m image tests/chaos "$@"
    exit
done

command -v buildah >/dev/null || missing "no Docker, no Podman, no buildah. Try: apt-get install buildah debootstrap"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
buildah pull --quiet --policy missing "$base" >/dev/null 2>&1 || make_base
buildah bud --quiet --pull=never --layers --tag chatsvc:test .
container=$(buildah from --pull=never localhost/chatsvc:test)
trap 'buildah rm "$container" >/dev/null; rm -rf "$home"' EXIT
IMAGE_RUN="buildah run {} $container -- deploy/run" .venv/bin/python -m pytest -q -m image tests/chaos "$@"
