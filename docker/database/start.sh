#!/bin/sh
# Start PostgreSQL with TLS. It refuses a key that others can read, and a secret is one.
set -eu
umask 077
certificate=${NHIPMAY_CERTIFICATE:-/tmp/tls-database}
cat "${NHIPMAY_SECRETS:-/run/secrets}/tls-database" >"$certificate"

exec docker-entrypoint.sh postgres \
    -c ssl=on \
    -c "ssl_cert_file=$certificate" \
    -c "ssl_key_file=$certificate" \
    -c ssl_min_protocol_version=TLSv1.2
