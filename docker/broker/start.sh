#!/bin/sh
# Make mosquitto's password file from the secrets `broker-<user>`, then become the command given.
set -eu
umask 077
passwords=${NHIPMAY_PASSWORDS:-/run/mosquitto/passwords}

: >"$passwords"
for secret in "${NHIPMAY_SECRETS:-/run/secrets}"/broker-*; do
    printf '%s:%s\n' "${secret##*/broker-}" "$(cat "$secret")" >>"$passwords"
done
# Hashes them where they are; on a command line other processes could read them.
mosquitto_passwd -U "$passwords"

exec "$@"
