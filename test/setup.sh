# setup.sh: what the commands of this folder share. Sourced, not run.
#
# SPDX-License-Identifier: GPL-2.0-or-later

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${TCPLIFE_BUILD:-$top/build}
export TCPLIFE_BUILD=$build

# What a package is made with, what the tests need that ask Wireshark, and what the others need beside it.
package_packages=(dpkg-dev gcc libglib2.0-dev meson pkg-config wireshark-dev)
wireshark_packages=(at-spi2-core binutils clang dbus dpkg-dev gcc gir1.2-atspi-2.0 imagemagick jq libglib2.0-dev meson openssl pkg-config
    parallel procps python3 python3-gi python3-pytest python3-pytest-xdist python3-scapy sqlite3 tshark util-linux wireshark
    wireshark-common wireshark-dev x11-utils xauth xdotool xvfb)
other_packages=(gcc-mingw-w64-x86-64 git golang-go golang-gvisor-gvisor-dev iproute2 tcpdump)

say() {
    printf '== %s\n' "$*"
}

stop() {
    printf 'tcplife: %s\n' "$*" >&2
    exit 1
}

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_pause=5      # seconds between two tries while another apt is at work
apt_patience=120 # tries

# apt-get, as soon as no other apt is at work. Its own DPkg::Lock::Timeout does not wait for the lock of the lists.
apt_get() { # ARGUMENT ...
    local tried said
    for tried in $(seq "$apt_patience"); do
        if said=$("${as_root[@]}" env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" 2>&1 >/dev/null); then
            return 0
        fi
        grep -qE 'Could not get lock|Unable to (lock|acquire)' <<<"$said" || break
        [ "$tried" -ne 1 ] || say "another apt is at work: waiting for it"
        sleep "$apt_pause"
    done
    printf '%s\n' "$said" >&2
    return 1
}

# Install those of the named Debian packages that are missing.
need_packages() {
    local missing=() package as_root=()

    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
        stop "this command installs Debian packages, and there is no apt here; install the like of: $*"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return

    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            stop "as a user without sudo it cannot install what is missing: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    apt_get update || stop "apt-get update failed; is there a network, and is another apt running?"
    # Debian asks whether users may capture; the answer "no" is the default.
    apt_get install -y --no-install-recommends "${missing[@]}" ||
        stop "apt-get could not install: ${missing[*]}"
}

need_wireshark() {
    pkg-config --exists wireshark || stop "pkg-config finds no Wireshark; the package is wireshark-dev"
    pkg-config --atleast-version=4.0 wireshark ||
        stop "Wireshark $(pkg-config --modversion wireshark) is too old: tcplife needs 4.0 or later"
}

build_plugin() {
    say "building the plugin in $build for Wireshark $(pkg-config --modversion wireshark)"
    mkdir -p "$build" 2>/dev/null && [ -w "$build" ] || stop "cannot write to the build folder $build"
    if ! { [ -f "$build/build.ninja" ] || meson setup "$build" "$top"; } >"$build/setup.log" 2>&1; then
        tail -n 20 "$build/setup.log" >&2
        stop "meson could not set the build up; all of it is in $build/setup.log"
    fi
    meson compile -C "$build" >"$build/compile.log" 2>&1 || {
        tail -n 40 "$build/compile.log" >&2
        stop "the build failed; all of it is in $build/compile.log"
    }
}
