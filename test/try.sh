#!/usr/bin/env bash
# try.sh [CAPTURE]: install what is missing, build the plugin, and print the life
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
say "the life of the connections of $capture"
exec /usr/bin/python3 "$top/test/wireshark/life.py" "$capture"
