#!/bin/sh
# Without a command: write the list of revoked edges where the broker reads it, and register the
# tokens by which the edges of this stack enrol. With one: run that command of nhipmay.
set -eu
settings=${NHIPMAY_SETTINGS:-/etc/nhipmay/settings.yaml}

if [ $# -gt 0 ]; then
    exec nhipmay "$@" --settings "$settings"
fi

nhipmay authority revocation-list --settings "$settings"
for token in "${NHIPMAY_SECRETS:-/run/secrets}"/token-*; do
    # Codes have no dots, so these stand for the slashes of the edge's path.
    edge=$(echo "${token##*/token-}" | tr . /)
    nhipmay edge invite "$edge" --token-file "$token" --hours 168 --settings "$settings"
done
