#!/usr/bin/env bash
# generations.sh: all tests with the machine's own Wireshark, then what depends on Wireshark once more
# on Debian 13 (4.4) and on Debian testing (4.6 and later), in chroots made for it meanwhile, where our Debian
# package is installed and removed too.
# The last line is the sum, "N passed, N failed".
#
# A chroot is made from the mirror that the machine's own apt uses, and kept for a week in
# $TCPLIFE_CHROOTS. One that the mirror cannot make counts as one skipped; that this machine cannot have
# chroots at all ends the run at once. Needs root, and mounts of its own.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

chroots=${TCPLIFE_CHROOTS:-/var/cache/tcplife}
suites=(trixie testing)
# Not in a chroot again: mutants of captures, for which another Wireshark is no other plugin.
once=(--deselect test/wireshark/test_hostile.py)
week=7       # days that a chroot is used: testing moves on
room=5000000 # KiB that two chroots and their making take
passed=0
failed=0
skipped=0

# The URL of Debian's mirror in use. (apt knows more ways to write it down than we do.)
find_mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(SITE) $(ORIGIN) $(LABEL) $(COMPONENT) $(CREATED_BY)' |
        awk '$2 == "Debian" && $3 == "Debian" && $4 == "main" && $5 == "Packages" && !seen++ { print $1 }'
}

# Run a command whose mounts are its own and whose processes are a family of their own: all of them go
# with it, however it ends.
alone() { # PROC COMMAND ...
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc="$1" "${@:2}"
}

# What this machine lacks is no fault of the mirror.
need_room_for_chroots() {
    local free
    [ "$(id -u)" -eq 0 ] ||
        stop "only root can make chroots; test/check.sh passes the tests of the machine's own Wireshark"
    alone /proc true || stop "chroots need mounts of their own, which are not allowed here (is it a container?)"
    { mkdir -p "$chroots" && touch "$chroots/lock"; } 2>/dev/null ||
        stop "cannot write to $chroots; TCPLIFE_CHROOTS names another folder"
    free=$(df --output=avail -k "$chroots" | tail -n 1)
    [ -d "$chroots/testing" ] || [ "$free" -gt "$room" ] ||
        stop "$chroots has $free KiB free, and chroots take $room; TCPLIFE_CHROOTS names another folder"
}

in_chroot() { # ROOT COMMAND ...
    # shellcheck disable=SC2016
    alone "$1/proc" \
        bash -c '
            set -e
            root=$1 top=$2
            shift 2
            mkdir -p "$root/src"
            mount --rbind /sys "$root/sys"
            mount -t tmpfs -o mode=755 tmpfs "$root/dev"
            mkdir "$root/dev/shm" "$root/dev/pts"
            for device in null zero full random urandom tty; do
                touch "$root/dev/$device"
                mount --bind "/dev/$device" "$root/dev/$device"
            done
            ln -s /proc/self/fd "$root/dev/fd"
            ln -s /proc/self/fd/0 "$root/dev/stdin"
            mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
            mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
            ln -s pts/ptmx "$root/dev/ptmx"
            mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
            mount --bind -o ro "$top" "$root/src"
            # Not exec: who changes its user for a moment, as apt does, would no longer die with us.
            status=0
            chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" || status=$?
            exit "$status"
        ' _ "$1" "$top" "${@:2}"
}

check_in_chroot() { # SUITE TESTS ...
    in_chroot "$chroots/$1" env TCPLIFE_BUILD=/tmp/build bash /src/test/check.sh "${@:2}"
}

# The chroot itself, as the mirror has it. What fails here is the mirror's.
debootstrap_and_install() { # SUITE ROOT
    local mirror proxy=
    apt-get update -q || return
    mirror=$(find_mirror)
    [ -n "$mirror" ] || { echo "apt-get update has not found Debian's main archive"; return 1; }
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    # testing has another name after each release, which this debootstrap need not know: sid's way is its way.
    http_proxy=$proxy alone /proc debootstrap --variant=minbase --include=ca-certificates \
        "$1" "$2" "$mirror" /usr/share/debootstrap/scripts/sid || return
    cp /etc/resolv.conf "$2/etc/resolv.conf"
    printf '%s\n' 'Acquire::Check-Valid-Until "false";' 'Acquire::Check-Date "false";' \
        'Acquire::Languages "none";' "${proxy:+Acquire::http::Proxy \"$proxy\";}" >"$2/etc/apt/apt.conf.d/mirror"
    in_chroot "$2" apt-get update -q || return
    in_chroot "$2" apt-get install -q -y --no-install-recommends \
        -o Dpkg::Options::=--force-unsafe-io "${wireshark_packages[@]}" || return
    in_chroot "$2" apt-get clean
}

# A chroot that has what the tests need; the reason on stdout if there is none.
need_chroot() { # SUITE
    local root=$chroots/$1 new=$chroots/$1.new wanted="${wireshark_packages[*]}"
    if [ "$(cat "$root/packages" 2>/dev/null)" = "$wanted" ] && [ -n "$(find "$root/packages" -mtime "-$week")" ]; then
        return
    fi
    rm -rf "$new"
    if ! debootstrap_and_install "$1" "$new" >"$chroots/$1.log" 2>&1; then
        tail -n 5 "$chroots/$1.log"
        return 1
    fi
    echo "$wanted" >"$new/packages"
    rm -rf "$root"
    mv "$new" "$root"
}

# Add a suite's last line to the sum. One that ends without it has failed.
add() { # LINE
    if [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    else
        failed=$((failed + 1))
    fi
}

# Run a suite: its lines with its name before each, and its last one into the sum.
run() { # NAME COMMAND ...
    local said
    said=$(mktemp)
    say "$1"
    "${@:2}" </dev/null 2>&1 | tee "$said" | sed -u "s/^/$1 | /" || true
    add "$(tail -n 1 "$said")"
    rm -f "$said"
}

# What runs here ends by itself at a signal, or with us; what would come after it does not begin. What runs
# beside us is a family that has to be ended.
making=
reasons=$(mktemp -d)
trap '[ -z "$making" ] || { kill -KILL -- "-$making"; wait "$making"; } 2>/dev/null; rm -rf "$reasons"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
need_room_for_chroots
need_packages debootstrap "${wireshark_packages[@]}" "${other_packages[@]}"

# Whoever else runs this here has to be done with the chroots, down to the last process.
exec 9>"$chroots/lock"
flock --nonblock 9 || { say "another run uses $chroots: waiting for it" && flock 9; }
say "making chroots of Debian ${suites[*]} in $chroots meanwhile"
set -m
for suite in "${suites[@]}"; do
    need_chroot "$suite" >"$reasons/$suite" || touch "$reasons/$suite.failed"
done </dev/null &
making=$!
set +m
run "own" bash "$top/test/check.sh"
wait "$making" || true
making=
for suite in "${suites[@]}"; do
    if [ -e "$reasons/$suite.failed" ]; then
        cat "$reasons/$suite"
        say "skipped: the mirror cannot make a chroot of Debian $suite; all of it is in $chroots/$suite.log"
        skipped=$((skipped + 1))
        continue
    fi
    run "$suite" check_in_chroot "$suite" test/wireshark test/gui "${once[@]}"
    run "$suite, package" check_in_chroot "$suite" test/package/test_debian.py test/package/installed.py
done

echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
