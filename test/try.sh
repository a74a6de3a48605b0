#!/usr/bin/env bash
# try.sh [CAPTURE [FILTER or NUMBER]]: install what is missing, build the plugin, and
# print the life of the connections of a capture, as many as a screen holds: of all,
# of those that a display filter finds, or of the one with a number. Nothing is
# installed but Debian packages.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

[ $# -le 2 ] || stop "usage: $0 [CAPTURE [FILTER or NUMBER]]"
capture=${1:-$top/captures/story-02-keep-alive-rst.pcap}
[ -f "$capture" ] && [ -r "$capture" ] || stop "cannot read the capture $capture"

need_packages gcc libglib2.0-dev meson pkg-config python3 tshark wireshark-dev
need_wireshark
build_plugin
say "the life of the connections of $capture${2:+, $2}"
exec /usr/bin/python3 "$top/test/wireshark/life.py" "$capture" "${@:2}"
