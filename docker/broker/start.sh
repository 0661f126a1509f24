#!/bin/sh
# Run the command given (mosquitto), and run it anew when there is a new list of revoked edges.
set -eu
initial=${NHIPMAY_FIRST_LIST:-/run/secrets/edges-revoked.pem}
published=${NHIPMAY_LISTS:-/etc/nhipmay/revocation}/edges-revoked.pem
list=${NHIPMAY_LIST:-/run/mosquitto/edges-revoked.pem}
names=${NHIPMAY_NAMES:-/run/secrets/service-names}
rights=${NHIPMAY_ACL:-/mosquitto/config/acl}
acl=${NHIPMAY_ACL_LAID:-/run/mosquitto/acl}

# Each line of the names is a service and its name; a service that is not named keeps its sign,
# which nobody's certificate has.
sed "$(sed 's/^\([a-z-]*\) \([a-z0-9-]*\)$/s|^user @\1$|user \2|/' "$names")" "$rights" >"$acl.new"
mv "$acl.new" "$acl"

take() {
    # Whole or not at all: an unreadable list would let nobody in.
    cp "$1" "$list.new" && mv "$list.new" "$list"
}

if [ -s "$published" ]; then take "$published"; else take "$initial"; fi

start() {
    "$@" &
    broker=$!
}

# A signal interrupts a wait; what is waited for is its end. Of one that has ended, wait still knows how.
await_end() {
    code=0
    wait "$broker" || code=$?
    while kill -0 "$broker" 2>/dev/null; do
        code=0
        wait "$broker" || code=$?
    done
}

ending=
start "$@"
trap 'ending=yes; kill -TERM "$broker" 2>/dev/null || true' TERM INT

while kill -0 "$broker" 2>/dev/null && [ -z "$ending" ]; do
    # In the background, so that a signal need not wait for its end.
    sleep 1 &
    wait "$!" || true
    if [ -z "$ending" ] && [ -s "$published" ] && ! cmp -s "$published" "$list"; then
        take "$published"
        # A restart, which everybody's next connection heals: told by SIGHUP, mosquitto 2.0 lists
        # the sessions of absent clients twice, and then ends connections of others for ever.
        kill -TERM "$broker"
        await_end
        [ -n "$ending" ] || start "$@"
    fi
done
# The signal may have come while there was none, or the next one was starting.
[ -z "$ending" ] || kill -TERM "$broker" 2>/dev/null || true
await_end
exit "$code"
