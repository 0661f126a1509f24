#!/bin/sh
# Make a random password for every account of the compose stack, once; existing ones stay.
# Usage: docker/make-secrets.sh [FOLDER]   (by default ./secrets, which git ignores)
set -eu
cd "$(dirname "$0")/.."
folder=${1:-secrets}

# The folder keeps other people out. The files themselves must be readable by the users of the
# containers, who have other numbers than you.
umask 022
mkdir -p "$folder"
chmod 700 "$folder"

for name in \
    database-admin \
    database-nhipmay \
    database-reader \
    database-writer \
    api-token \
    broker-ingest \
    broker-health \
    broker-co-khi-mau.bien-hoa.edge-1 \
    broker-thuc-pham-mau.long-thanh.edge-1 \
    grafana-admin
do
    [ -s "$folder/$name" ] && continue
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/.new"
    chmod 444 "$folder/.new"
    mv "$folder/.new" "$folder/$name"
    echo "made $folder/$name"
done
