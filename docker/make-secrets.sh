#!/bin/sh
# Make what the compose stack keeps secret, once: passwords, tokens of its edges, authorities and
# certificates. What is there stays; certificates are made again when two thirds of their life are
# over.
# Usage: docker/make-secrets.sh [FOLDER] [--address SERVICE=NAME …]   (by default ./secrets, which
# git ignores). NHIPMAY is the command to make certificates with; by default that of the image.
set -eu
cd "$(dirname "$0")/.."
folder=secrets
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    folder=$1
    shift
fi

# The folder keeps other people out. The files themselves must be readable by the users of the
# containers, who have other numbers than you.
umask 022
mkdir -p "$folder"
chmod 700 "$folder"
folder=$(cd "$folder" && pwd)

for name in \
    database-admin \
    database-analytics \
    database-ingest \
    database-logins \
    database-nhipmay \
    database-reader \
    database-writer \
    api-token \
    token-co-khi-mau.bien-hoa.edge-1 \
    token-thuc-pham-mau.long-thanh.edge-1 \
    grafana-admin
do
    [ -s "$folder/$name" ] && continue
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/.new"
    chmod 444 "$folder/.new"
    mv "$folder/.new" "$folder/$name"
    echo "made $folder/$name"
done

if [ -n "${NHIPMAY:-}" ]; then
    # Several words where it is one: `python -m nhipmay`.
    $NHIPMAY authority create "$folder" "$@"
else
    docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$folder:/secrets" \
        nhipmay-ingest:0.1.0 authority create /secrets "$@"
fi
