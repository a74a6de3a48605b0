#!/usr/bin/env bash
# try.sh [CAPTURE]: install what is missing, build the plugin, and print the stories
# of the connections of a capture. Nothing is installed but Debian packages.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

[ $# -le 1 ] || stop "usage: $0 [CAPTURE]"
capture=${1:-$top/captures/story-02-keep-alive-rst.pcap}
[ -r "$capture" ] || stop "cannot read the capture $capture"

need_packages gcc libglib2.0-dev meson pkg-config python3 tshark wireshark-dev
need_wireshark
build_plugin

# A plugin folder with nothing else in it, as Wireshark wants it laid out. From there Wireshark loads
# no plugin for root, so root steps down to nobody, for whom all that is needed is copied.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
epan=$folder/plugins/$(pkg-config --modversion wireshark | cut -d. -f1,2)/epan
mkdir -p "$epan"
cp "$build/plugin/tcplife.so" "$epan"
cp "$capture" "$folder/capture"
chmod -R a+rX "$folder"
as_somebody=()
[ "$(id -u)" -ne 0 ] || as_somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
tshark() {
    HOME=$folder WIRESHARK_PLUGIN_DIR=$folder/plugins "${as_somebody[@]}" "$(type -P tshark)" "$@"
}

tshark -G plugins 2>/dev/null | grep -q tcplife.so || stop "Wireshark does not load the plugin that was built"
say "the life of the connections of $capture"
tshark -n -q -r "$folder/capture" -z tcplife,story
