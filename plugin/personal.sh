#!/usr/bin/env bash
# personal.sh install VERSION PLUGIN FILE ... -- FILE ...
# personal.sh uninstall
#
# Put the plugin, the profile "TCP Lifecycle" of the first files, and "TCP Lifecycle Batch" of the others,
# where the user's own Wireshark finds them; or take them away again. VERSION is that of the Wireshark that
# the plugin was built for, as in 4.0. (meson compile install-personal, uninstall-personal)
#
# A profile that the user has changed since is not lost: it gets another name before it is replaced, and
# stays when the others go. Its file "installed" tells, which Wireshark does not read.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail

names=('TCP Lifecycle' 'TCP Lifecycle Batch')

stop() {
    printf 'tcplife: %s\n' "$*" >&2
    exit 1
}

# One of the folders that Wireshark has for this user. It tells no program but tshark.
folder() { # NAME
    tshark -G folders 2>/dev/null | sed -n "s/^$1:[[:space:]]*//p"
}

# What is in a profile, but for column widths and the like, which Wireshark keeps in it all the time.
sums() { # PROFILE
    (cd "$1" && find . -type f ! -name recent ! -name installed -exec cksum {} + | LC_ALL=C sort)
}

is_as_installed() { # PROFILE
    [ -f "$1/installed" ] && sums "$1" | cmp -s - "$1/installed"
}

install_profile() { # NAME FILE ...
    local profile=$profiles/$1 kept
    if [ -d "$profile" ] && ! is_as_installed "$profile"; then
        kept="$profile, changed $(date +%Y-%m-%dT%H%M%S)"
        mv "$profile" "$kept"
        echo "kept $kept"
    fi
    mkdir -p "$profile"
    cp "${@:2}" "$profile"
    chmod u+w "$profile"/*
    sums "$profile" >"$profile/installed"
    echo "installed $profile"
}

uninstall_profile() { # NAME
    local profile=$profiles/$1
    if is_as_installed "$profile"; then
        rm -r "$profile"
        echo "removed $profile"
    elif [ -d "$profile" ]; then
        echo "kept $profile, which was changed"
    fi
}

install_all() { # VERSION PLUGIN FILE ... -- FILE ...
    local version=$1 plugin=$2 own=()
    case ${plugins##*/} in
    "$version" | "${version/./-}") ;;
    *) stop "the plugin was built for Wireshark $version, but plugins of the one here go to $plugins" ;;
    esac
    shift 2
    while [ "$1" != -- ]; do
        own+=("$1")
        shift
    done
    mkdir -p "$plugins/epan"
    cp "$plugin" "$plugins/epan/tcplife.so.new"
    mv "$plugins/epan/tcplife.so.new" "$plugins/epan/tcplife.so" # a Wireshark that runs goes on with the old one
    echo "installed $plugins/epan/tcplife.so"
    install_profile "${names[0]}" "${own[@]}"
    install_profile "${names[1]}" "${@:2}"
    tshark -G plugins | grep -F tcplife || stop "tshark does not load it; the README's \"It does not load\" may tell why"
}

uninstall_all() {
    local name
    if [ -f "$plugins/epan/tcplife.so" ]; then
        rm "$plugins/epan/tcplife.so"
        echo "removed $plugins/epan/tcplife.so"
        rmdir "$plugins/epan" "$plugins" 2>/dev/null || true # where nobody else's are
    fi
    for name in "${names[@]}"; do
        uninstall_profile "$name"
    done
}

[ "$(id -u)" -ne 0 ] || stop "as root Wireshark ignores personal folders: use meson install, or be another user"
command -v tshark >/dev/null || stop "this needs tshark, which knows where Wireshark's folders are"
plugins=$(folder 'Personal Plugins')
profiles=$(folder 'Personal configuration')/profiles
case $plugins:$profiles in :* | *:/profiles) stop "tshark -G folders names no personal folders" ;; esac

case ${1:-} in
install) install_all "${@:2}" ;;
uninstall) uninstall_all ;;
*) stop "usage: $0 install VERSION PLUGIN FILE ... -- FILE ..., or $0 uninstall" ;;
esac
