#!/usr/bin/env bash
# in-tree.sh [FOLDER]: the plugin in Wireshark's own source tree, which is how it is built for Windows and
# macOS: Debian's source of the Wireshark that is installed here, plugin/ linked into it, what Wireshark's
# own checkers for dissectors say, and the plugin built by its CMakeLists.txt and asked about a capture.
#
# By hand, since all dissectors are compiled on the way: half an hour on two cores. FOLDER (a new one in
# /tmp) keeps source and build; what is there already is used again.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

folder=$(mkdir -p "${1:-/tmp}" && cd "${1:-$(mktemp -d /tmp/in-tree.XXXXXX)}" && pwd)
capture=$folder/capture.pcap # which anybody may read

# What Debian's apt on this machine reads, but its sources: <archive> <release> of each Debian archive.
find_archives() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(SITE) $(CODENAME) $(ORIGIN) $(COMPONENT) $(CREATED_BY)' |
        awk '$3 == "Debian" && $4 == "main" && $5 == "Packages" && !seen[$1 $2]++ { print "deb-src", $1, $2, "main" }'
}

# The source of the Wireshark that is installed, as $folder/source. The machine's own apt is left as it is.
get_source() {
    local version apt=(-q -o "Dir::Etc::SourceList=$folder/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=root)
    [ ! -f "$folder/source/CMakeLists.txt" ] || return 0
    # shellcheck disable=SC2016
    version=$(dpkg-query -W -f '${source:Version}' wireshark-dev)
    say "fetching the source of Wireshark $version"
    mkdir -p "$folder"/apt/{lists,cache}
    find_archives >"$folder/apt/sources.list"
    cd "$folder/apt"
    { apt-get "${apt[@]}" update && apt-get "${apt[@]}" source "wireshark=$version"; } >fetch.log 2>&1 ||
        { tail -n 5 fetch.log; stop "the mirror does not have the source of Wireshark $version"; }
    mv wireshark-*/ "$folder/source"
}

# What a checker has to say, if anything.
check() { # NAME COMMAND ...
    local said
    if said=$("${@:2}" 2>&1) && ! grep -qE 'Warning:|Error:|ERROR' <<<"$said"; then
        return 0
    fi
    printf '%s\n' "$said"
    stop "Wireshark's $1 finds fault"
}

run_checkers() {
    local file
    say "Wireshark's checkers"
    cd "$folder/source"
    check checkhf.pl perl tools/checkhf.pl plugins/epan/tcplife/*.c
    check checkfiltername.pl perl tools/checkfiltername.pl plugins/epan/tcplife/*.c
    for file in "$top"/plugin/*.c; do
        file=epan/dissectors/../../plugins/epan/tcplife/$(basename "$file") # they look nowhere else
        check check_typed_item_calls.py python3 tools/check_typed_item_calls.py \
            --file "$file" --mask --label --consecutive --missing-items
        check check_tfs.py python3 tools/check_tfs.py --file "$file"
    done
    check checkAPIs.pl ninja -C "$folder/build" checkAPI_tcplife checkAPI_tcplife-statistics
}

# As root it would not look into the build folder for plugins.
built_tshark() { # ARGUMENT ...
    local somebody=()
    [ "$(id -u)" -ne 0 ] || somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent)
    "${somebody[@]}" "$folder/build/run/tshark" "$@"
}

need_packages cmake dpkg-dev flex g++ gcc libc-ares-dev libgcrypt20-dev libglib2.0-dev libpcap-dev libpcre2-dev \
    ninja-build perl python3 util-linux wireshark-dev
get_source
ln -sfn "$top/plugin" "$folder/source/plugins/epan/tcplife"
say "configuring"
cmake -S "$folder/source" -B "$folder/build" -G Ninja -DCUSTOM_PLUGIN_SRC_DIR=plugins/epan/tcplife \
    -DBUILD_wireshark=OFF -DENABLE_WERROR=ON -DENABLE_LUA=OFF -DENABLE_KERBEROS=OFF >"$folder/cmake.log" 2>&1 ||
    { tail -n 20 "$folder/cmake.log"; stop "cmake could not set the build up"; }
run_checkers
say "building"
nice ninja -C "$folder/build" tcplife tshark >"$folder/ninja.log" 2>&1 ||
    { tail -n 40 "$folder/ninja.log"; stop "the build failed; all of it is in $folder/ninja.log"; }
! grep -A4 'tcplife.*warning:' "$folder/ninja.log" || stop "the compiler warns"
say "asking"
install -m 644 "$top/captures/story-02-keep-alive-rst.pcap" "$capture"
chmod a+rx "$folder"
built_tshark -G plugins | grep -F tcplife || stop "the plugin that was built is not loaded"
[ "$(built_tshark -r "$capture" -Y tcplife.reset.verdict -T fields -e tcplife.close)" = "RST after FIN" ] ||
    stop "it does not say what it should of $capture"
say "in Wireshark's own tree the plugin builds, and its checkers find nothing"
