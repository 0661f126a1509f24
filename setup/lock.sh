#!/bin/sh
# Write requirements/*.txt again from pyproject.toml (`make lock`).
# Pins stay as they are unless pyproject.toml demands otherwise; --upgrade moves them all.
set -eu
cd "$(dirname "$0")/.."

compile() {
    name=$1
    shift
    echo "requirements/$name.txt"
    # No header: it would name folders of this machine. No index address: the installer's own is used.
    .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
        --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
        --output-file "requirements/$name.txt" "$@"
}

# `dev` holds everything; the others are cut from it, so that a test runs what an image runs.
compile dev --extra demo --extra dev --group build "$@"
compile demo --extra demo --group build --constraint requirements/dev.txt
for service in edge ingest analytics assessment api simulate; do
    compile "$service" --extra "$service" --group build --constraint requirements/dev.txt
done
