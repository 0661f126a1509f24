#!/bin/sh
# Nhịp Máy edge: one file that installs without a network, upgrades, and removes.
#   sh nhipmay-edge-VERSION.run install     also: upgrade. Again after a fault: it begins anew.
#   sh nhipmay-edge-VERSION.run remove      settings and the outbox stay; --with-data takes them, too
#   sh nhipmay-edge-VERSION.run rollback    the version before
# Một tệp để cài, nâng cấp, gỡ bỏ edge mà không cần mạng.
set -eu

VERSION=@VERSION@
LINES=@LINES@
prefix=/opt/nhipmay
settings=/etc/nhipmay/edge.yaml
units=/etc/systemd/system
data=/var/lib/nhipmay
with_data=no
user=nhipmay

say() { printf '%s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

action=${1:-help}
[ $# -gt 0 ] && shift
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=$2; shift 2 ;;
    --settings) settings=$2; shift 2 ;;
    --units) units=$2; shift 2 ;;
    --data) data=$2; shift 2 ;;
    --user) user=$2; shift 2 ;;
    --with-data) with_data=yes; shift ;;
    *) fail "unknown option / tùy chọn lạ: $1" ;;
    esac
done
case $prefix in /*/*) ;; *) fail "--prefix must be a folder of its own, such as /opt/nhipmay" ;; esac

has_systemd() { [ -d /run/systemd/system ] && [ "$units" = /etc/systemd/system ]; }

python() {
    for one in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if "$one" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            say "$one"
            return
        fi
    done
    fail "Python 3.11 or later with venv is needed / cần Python 3.11 trở lên: apt-get install python3-venv"
}

turn() {
    # In one step: a service that starts meanwhile finds the one or the other.
    ln -sfn "$1" "$prefix/next"
    mv -T "$prefix/next" "$prefix/current"
}

restart() {
    has_systemd || { say "systemd is not here; start it yourself / tự khởi động: $prefix/current/bin/nhipmay edge --settings $settings"; return 0; }
    systemctl daemon-reload
    if [ -e "$settings" ]; then
        systemctl enable nhipmay-edge
        systemctl restart nhipmay-edge
    else
        say "Write $settings, then / viết tệp cấu hình rồi: systemctl enable --now nhipmay-edge"
    fi
}

install_it() {
    python=$(python)
    mkdir -p "$prefix" "$data"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tail -n +"$LINES" "$0" | tar -xf - -C "$work" || fail "the file is damaged / tệp bị hỏng"
    (cd "$work" && sha256sum --check --quiet SHA256SUMS) || fail "the file is damaged / tệp bị hỏng"
    fresh=$prefix/$VERSION
    rm -rf "$fresh.old"
    [ ! -e "$fresh" ] || mv "$fresh" "$fresh.old"
    "$python" -m venv "$fresh"
    if ! "$fresh/bin/python" -m pip install --quiet --no-index --disable-pip-version-check \
        --find-links "$work/wheels" "nhipmay[edge]==$VERSION"; then
        rm -rf "$fresh"
        [ ! -e "$fresh.old" ] || mv "$fresh.old" "$fresh"
        fail "nothing was changed / chưa thay đổi gì"
    fi
    rm -rf "$fresh.old"
    "$fresh/bin/nhipmay" --version >/dev/null
    [ ! -L "$prefix/current" ] || [ "$(readlink "$prefix/current")" = "$VERSION" ] || \
        ln -sfn "$(readlink "$prefix/current")" "$prefix/previous"
    turn "$VERSION"
    if [ "$(id -u)" = 0 ] && [ "$user" = nhipmay ] && command -v useradd >/dev/null; then
        id nhipmay >/dev/null 2>&1 || useradd --system --home-dir "$data" --shell /usr/sbin/nologin nhipmay
        chown nhipmay "$data"
    fi
    mkdir -p "$units" "$(dirname "$settings")"
    "$prefix/current/bin/nhipmay" edge unit --program "$prefix/current/bin/nhipmay" \
        --settings "$settings" --user "$user" --writable "$data" --out "$units/nhipmay-edge.service"
    restart
    say "nhipmay $VERSION: $prefix/current"
}

case $action in
install | upgrade) install_it ;;
rollback)
    [ -L "$prefix/previous" ] || fail "there is no version before / không có bản trước"
    now=$(readlink "$prefix/current")
    turn "$(readlink "$prefix/previous")"
    ln -sfn "$now" "$prefix/previous"
    restart
    say "$(readlink "$prefix/current")"
    ;;
remove)
    if has_systemd; then
        systemctl disable --now nhipmay-edge 2>/dev/null || true
    fi
    rm -f "$units/nhipmay-edge.service"
    ! has_systemd || systemctl daemon-reload
    rm -rf "$prefix"
    if [ "$with_data" = yes ]; then
        rm -rf "$data" "$settings"
    else
        say "kept / giữ lại: $settings $data"
    fi
    ;;
*)
    sed -n '2,6p' "$0" | sed 's/^# //'
    exit 2
    ;;
esac
exit 0
