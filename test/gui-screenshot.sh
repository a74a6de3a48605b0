#!/usr/bin/env bash
# gui-screenshot.sh [CAPTURE [FRAME [PNG [WIRESHARK ARGUMENT ...]]]]: what the GUI
# shows of a packet. Starts the real Wireshark on a screen that nobody sees, as
# an unprivileged user with nothing but the plugin that was built, selects the
# frame, opens the plugin's tree and takes a picture. Installs nothing.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
capture=${1:-$top/captures/story-08-last-ack-lost.pcap}
frame=${2:-12}
png=${3:-$top/test/gui.png}
plugin=${TCPLIFE_BUILD:-$top/build}/plugin/tcplife.so
width=1180
height=1190

stop() {
    printf 'gui-screenshot.sh: %s\n' "$*" >&2
    exit 1
}

for program in Xvfb import setpriv wireshark xdotool; do
    command -v "$program" >/dev/null || stop "the program $program is missing"
done
[ -r "$capture" ] || stop "cannot read the capture $capture"
[ -r "$plugin" ] || stop "$plugin is missing: build the plugin first"

folder=$(mktemp -d)
server=
wireshark=
finish() {
    kill $wireshark $server 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

# The plugin folder, and a home with a window of a known size: list above tree, no bytes.
version=$(wireshark --version | sed -nE '1s/^[^0-9]*([0-9]+\.[0-9]+).*/\1/p')
install -D -m 644 "$plugin" "$folder/plugins/$version/epan/tcplife.so"
install -m 644 "$capture" "$folder/$(basename "$capture")"
mkdir -p "$folder/home/.config/wireshark"
cat >"$folder/home/.config/wireshark/recent" <<RECENT
gui.byte_view_show: FALSE
gui.packet_diagram_show: FALSE
gui.geometry_main_x: 0
gui.geometry_main_y: 0
gui.geometry_main_width: $width
gui.geometry_main_height: $height
gui.geometry_main_maximized: FALSE
gui.geometry_main_upper_pane: 285
RECENT
chmod -R a+rX "$folder"

somebody=()
if [ "$(id -u)" -eq 0 ]; then
    chown -R nobody "$folder/home"
    somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi

exec 3<> <(:)
Xvfb -displayfd 3 -screen 0 "${width}x${height}x24" -nolisten tcp >/dev/null 2>&1 &
server=$!
read -r -t 20 -u 3 number || stop "Xvfb does not start"
export DISPLAY=:$number

"${somebody[@]}" env HOME="$folder/home" XDG_CONFIG_HOME="$folder/home/.config" \
    XDG_RUNTIME_DIR="$folder/home" WIRESHARK_PLUGIN_DIR="$folder/plugins" LC_ALL=C.UTF-8 \
    wireshark -o gui.update.enabled:FALSE -r "$folder/$(basename "$capture")" -g "$frame" "${@:4}" \
    >"$folder/log" 2>&1 &
wireshark=$!

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

window=$(timeout 60 xdotool search --sync --onlyvisible --name "$(basename "$capture")" | head -n 1) ||
    stop "Wireshark shows no window: $(tail -n 3 "$folder/log")"
settle
# The tree has the lower half, and its last item is the plugin's. Open all below it.
xdotool windowfocus --sync "$window" mousemove $((width / 2)) $((height - 60)) click 1 \
    key --repeat 20 --delay 50 Down key --delay 200 shift+Right
settle
import -window root -depth 8 +dither -colors 64 -type Palette "$png"
