#!/usr/bin/env bash
# gui-screenshot.sh: the pictures of the README, made again, in test/gui/pictures/.
# gui-screenshot.sh CAPTURE FRAME PNG [WIRESHARK ARGUMENT ...]: the tree of a packet alone.
#
# Starts the real Wireshark on a screen that nobody sees, as an unprivileged user with nothing but the
# plugin that was built and its profile, opens what is to be seen and takes a picture. Installs nothing.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
plugin=${TCPLIFE_BUILD:-$top/build}/plugin/tcplife.so
profile="TCP Lifecycle"
python=/usr/bin/python3 # which has Debian's python3-gi
width=1280
height=1190

stop() {
    printf 'gui-screenshot.sh: %s\n' "$*" >&2
    exit 1
}

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || stop "the program $program is missing"
    done
}

[ $# -eq 0 ] || [ $# -ge 3 ] || stop "usage: gui-screenshot.sh [CAPTURE FRAME PNG [WIRESHARK ARGUMENT ...]]"
need Xvfb import meson setpriv wireshark xdotool
if [ $# -eq 0 ]; then
    need dbus-run-session mergecap mogrify "$python"
    "$python" -c 'import gi; gi.require_version("Atspi", "2.0")' 2>/dev/null ||
        stop "$python does not find AT-SPI; Debian's packages are python3-gi, gir1.2-atspi-2.0 and at-spi2-core"
else
    [ -r "$1" ] || stop "cannot read the capture $1"
fi
[ -r "$plugin" ] || stop "$plugin is missing: build the plugin first"

folder=$(mktemp -d)
server=
wireshark=
end_wireshark() {
    [ -z "$wireshark" ] || kill -- "-$wireshark" 2>/dev/null || true
    [ -z "$wireshark" ] || wait "$wireshark" 2>/dev/null || true
    wireshark=
}
finish() {
    end_wireshark
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

version=$(wireshark --version | sed -nE '1s/^[^0-9]*([0-9]+\.[0-9]+).*/\1/p')
install -D -m 644 "$plugin" "$folder/plugins/$version/epan/tcplife.so"
meson install -C "$(dirname "$(dirname "$plugin")")" --no-rebuild --destdir "$folder/installed" >/dev/null
installed=$(find "$folder/installed" -type d -name "$profile")
[ -n "$installed" ] || stop "the build installs no profile"
install -m 644 "$top/test/gui/gui.py" "$top/test/gui/gui-window.py" "$folder"
chmod a+rx "$folder"

somebody=()
[ "$(id -u)" -ne 0 ] || somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

exec 3<> <(:)
Xvfb -displayfd 3 -screen 0 "${width}x${height}x24" -nolisten tcp -noreset >/dev/null 2>&1 &
server=$!
read -r -t 20 -u 3 number || stop "Xvfb does not start"
export DISPLAY=:$number

# A home of somebody who has used neither Wireshark nor the profile, but knows which panes to see.
new_home() { # LINE OF recent ...
    local own="$folder/home/.config/wireshark"
    rm -rf "${folder:?}/home"
    mkdir -p "$own/profiles"
    cp -r "$installed" "$own/profiles/$profile"
    printf '%s\n' "gui.geometry_main_x: 0" "gui.geometry_main_y: 0" "gui.geometry_main_width: $width" \
        "gui.geometry_main_height: $height" "gui.geometry_main_maximized: FALSE" \
        "gui.byte_view_show: FALSE" "gui.packet_diagram_show: FALSE" "$@" >"$own/recent"
    cat "$own/recent" >>"$own/profiles/$profile/recent"
    chmod -R a+rX "$folder/home"
    [ "$(id -u)" -ne 0 ] || chown -R nobody "$folder/home"
}

# Start a program as somebody with that home, in a process group of its own.
start() {
    set -m
    "${somebody[@]}" env HOME="$folder/home" XDG_CONFIG_HOME="$folder/home/.config" \
        XDG_RUNTIME_DIR="$folder/home" WIRESHARK_PLUGIN_DIR="$folder/plugins" LC_ALL=C.UTF-8 \
        QT_LINUX_ACCESSIBILITY_ALWAYS_ON=1 QT_QPA_PLATFORM=xcb "$@" >"$folder/out" 2>"$folder/log" &
    wireshark=$!
    set +m
}

# Wait until nothing moves any more. (A cursor may blink: equal by chance is good enough.)
settle() {
    local before now=
    for _ in $(seq 40); do
        before=$now
        now=$(import -window root rgb:- | sha256sum)
        [ "$now" != "$before" ] || return 0
        sleep 0.5
    done
    stop "the window does not come to rest"
}

window() { # NAME: the window, as soon as it is to be seen
    timeout 60 xdotool search --sync --onlyvisible --name "$1" | tail -n 1 ||
        stop "Wireshark shows no window $1: $(tail -n 3 "$folder/log")"
}

take() { # PNG [GEOMETRY]
    import -window root ${2:+-crop "$2" +repage} -depth 8 +dither -colors 64 -type Palette "$1"
}

tree() { # CAPTURE FRAME PNG [WIRESHARK ARGUMENT ...]
    local main
    new_home "gui.geometry_main_upper_pane: 285"
    install -m 644 "$1" "$folder/$(basename "$1")"
    start wireshark -o gui.update.enabled:FALSE -r "$folder/$(basename "$1")" -g "$2" "${@:4}"
    main=$(window "$(basename "$1")")
    settle
    # The tree has the lower half, and its last item is the plugin's. Open all below it.
    xdotool windowfocus --sync "$main" mousemove $((width / 2)) $((height - 60)) click 1 \
        key --repeat 20 --delay 50 Down key --delay 200 shift+Right
    settle
    take "$3"
    end_wireshark
}

# One window with a capture that is made of several: gui-window.py opens it, and ends with its input.
picture() { # PNG HEIGHT MENU-ITEM TITLE SCENARIO ...
    local png=$1 high=$2 item=$3 title=$4 capture="$folder/sample.pcap" shown
    shift 4
    mergecap -F pcap -w "$capture" "${@/#/$top/captures/}"
    chmod a+r "$capture"
    start dbus-run-session -- "$python" "$folder/gui-window.py" "$item" "$title" -C "$profile" -g 4 -r "$capture"
    for _ in $(seq 120); do
        grep -qx shown "$folder/out" && break
        kill -0 "$wireshark" 2>/dev/null || stop "no window: $(tail -n 3 "$folder/log")"
        sleep 0.5
    done
    shown=$(window "${title:-sample.pcap}")
    xdotool windowmove --sync "$shown" 0 0 2>/dev/null || true
    xdotool windowsize "$shown" "$width" "$high" windowraise "$shown" mousemove $((width - 1)) $((height - 1))
    settle
    take "$png" "${width}x$high+0+0"
    end_wireshark
}

if [ $# -gt 0 ]; then
    tree "$@"
    exit
fi

pictures=$top/test/gui/pictures
mkdir -p "$pictures"
tree "$top/captures/story-02-keep-alive-rst.pcap" 13 "$pictures/rst.png" -C "$profile"
mogrify -crop "${width}x760+0+0" +repage "$pictures/rst.png"
# Nothing below the list.
new_home "gui.tree_view_show: FALSE"
picture "$pictures/packet-list.png" 640 "" "" story-02-keep-alive-rst.pcap story-08-last-ack-lost.pcap
picture "$pictures/flow-graph.png" 640 "Flow Graph" "Wireshark · Flow ·" story-07-eleven-states.pcap
picture "$pictures/connections.png" 420 "TCP Lifecycle Connections" "Wireshark · TCP Lifecycle Connections ·" \
    story-0{2-keep-alive-rst,7-eleven-states,8-last-ack-lost,9-half-close}.pcap \
    story-1{0-closed-port,1-syn-unanswered}.pcap {abort-by-client,silent,story-15-fast-open}.pcap
