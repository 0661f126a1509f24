#!/bin/sh
# Run the command given (mosquitto), and tell it when there is a new list of revoked edges.
set -eu
initial=${NHIPMAY_FIRST_LIST:-/run/secrets/edges-revoked.pem}
published=${NHIPMAY_LISTS:-/etc/nhipmay/revocation}/edges-revoked.pem
list=${NHIPMAY_LIST:-/run/mosquitto/edges-revoked.pem}

take() {
    # Whole or not at all: an unreadable list would let nobody in.
    cp "$1" "$list.new" && mv "$list.new" "$list"
}

if [ -s "$published" ]; then take "$published"; else take "$initial"; fi

"$@" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT

while kill -0 "$broker" 2>/dev/null; do
    # In the background, so that a signal need not wait for its end.
    sleep 1 &
    wait "$!" || true
    if [ -s "$published" ] && ! cmp -s "$published" "$list"; then
        take "$published"
        kill -HUP "$broker"
    fi
done
code=0
wait "$broker" || code=$?
exit "$code"
