#!/bin/sh
# Lay a Grafana plugin beside the compose file, from an archive and its SHA-256, without a network:
#   sh docker/grafana-plugin.sh yesoreyeram-infinity-datasource-3.8.0.zip SHA256
# Both are on the plugin's page of Grafana's catalogue; fetch them where there is a network.
set -eu
if [ "$#" -lt 2 ]; then
    echo "usage: sh docker/grafana-plugin.sh ARCHIVE SHA256 [FOLDER]" >&2
    exit 2
fi
archive=$1
wanted=$2
folder=${3:-$(dirname "$0")/grafana-plugins}

found=$(sha256sum "$archive" | cut -d ' ' -f 1)
if [ "$found" != "$wanted" ]; then
    echo "$archive has the checksum $found, not $wanted: nothing is laid" >&2
    exit 1
fi
mkdir -p "$folder"
# Python unpacks what `unzip`, which many machines lack, would.
python3 -m zipfile -e "$archive" "$folder"
# Plugins with parts of their own are programs.
find "$folder" -type f -name 'gpx_*' -exec chmod 755 {} +
chmod -R a+rX "$folder"
