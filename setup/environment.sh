#!/bin/sh
# Make .venv ready for `make demo` or `make test`: setup/environment.sh demo|dev
# Only finds a Python; what is installed is told by setup/environment.py.
set -eu
cd "$(dirname "$0")/.."

# A name on PATH is not yet a Python that starts (pyenv leaves such names), so each is tried.
for python in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$python" setup/environment.py "$@"
    fi
done

cat >&2 <<'END'
Nhịp Máy needs Python 3.11 or later, and found none (looked for python3.13, python3.12,
python3.11 and python3 on the PATH).
  Debian 12 or later, Ubuntu 24.04 or later:  apt-get install python3 python3-venv
  Fedora:                                     dnf install python3
If it is installed under another name, say so:  PYTHON=/path/to/python make demo
END
exit 1
