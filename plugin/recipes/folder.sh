#!/usr/bin/env bash
# folder.sh FOLDER [PROCESSES] [--work FOLDER] [OPTION OF PARALLEL ...]: the
# connections of all captures in a folder and those below it, as JSON Lines on
# stdout, with one more key, "capture". Needs GNU parallel and jq.
#
# The profile "TCP Lifecycle Batch" is used where it is installed: the answers are
# the same, and come faster. As many captures are read at a time as there are
# processors; a terminal shows how far it is. A capture that cannot be read is named
# on stderr with tshark's words, and the exit code is not 0; what could be read of
# it is among the lines.
#
# --work keeps what each capture gave. After an interruption the same command goes on
# where it was; after that it reads what is new in the folder, and once more what
# could not be read. What was read is not read again.
#
# On more machines, which have tshark, the plugin and (if this one has it) the profile:
# MACHINES is the full path of a file with a name for ssh on each line (what ssh needs
# to be told of it is in ~/.ssh/config). The captures
# are sent there by rsync, or have the same path everywhere; then ":" in MACHINES is
# this machine. With --retries a machine that is gone is made up for by the others.
#
#   folder.sh FOLDER --sshloginfile MACHINES --retries 3 --transferfile {} --cleanup --workdir ...
#   folder.sh FOLDER --sshloginfile MACHINES --retries 3 --workdir FOLDER
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail

stop() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

usage="usage: folder.sh FOLDER [PROCESSES] [--work FOLDER] [OPTION OF PARALLEL ...]"
[ -d "${1:-}" ] || stop "$usage"
[[ $(parallel --version 2>/dev/null) == 'GNU parallel'* ]] || stop "this needs GNU parallel"
command -v jq >/dev/null || stop "this needs jq"
folder=${1%/}
shift
options=(--quote --resume-failed)
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    options+=(--jobs "$1")
    shift
fi
if [ "${1:-}" = --work ]; then
    [ $# -ge 2 ] || stop "$usage"
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
    shift 2
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
# What parallel itself has to say matters only if it does not come to its end, but for its progress.
if [ -t 2 ]; then
    exec 3>&2
    options+=(--bar)
else
    exec 3>"$work/words"
fi
options+=("$@")

profile='TCP Lifecycle Batch'
[[ $(tshark -C "$profile" -G folders 2>&1 || true) != *'does not exist'* ]] || profile=

# What is new comes behind what is known, since parallel tells captures by their numbers.
list_captures() {
    touch "$work/captures"
    (cd "$folder/" && find . -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' -o -name '*.pcap.gz' \
        -o -name '*.pcapng.gz' \) -print0) | LC_ALL=C sort -z >"$work/found"
    LC_ALL=C sort -z "$work/captures" | LC_ALL=C comm -z -13 - "$work/found" >"$work/new"
    cat "$work/new" >>"$work/captures"
}

read_captures() {
    mkdir -p "$work/lines"
    (cd "$folder/" && parallel "${options[@]}" --joblog "$work/log" --results "$work/lines/{#}" -0 -a "$work/captures" \
        tshark ${profile:+-C "$profile"} -q -z tcplife,json -r {} >/dev/null 2>&3) && return
    # So many captures could not be read, or more than 100: else it has not read all.
    [ $? -le 101 ] || { [ -t 2 ] || cat "$work/words" >&2; stop "it did not come to its end"; }
}

# The last word of the log on each capture, by its number: how tshark ended.
list_endings() {
    awk -F '\t' 'NR > 1 { ended[$1] = $7 + $8 } END { for (number in ended) print number, ended[number] }' "$work/log"
}

print_connections() {
    local number code name key failed=0 ended=()
    while read -r number code; do
        ended[number]=$code
    done < <(list_endings)
    number=0
    while IFS= read -r -d '' name; do
        number=$((number + 1))
        name=$folder/${name#./}
        # Without jq, which would round the times.
        key=$(jq -Rn --arg name "$name" '$name' | sed 's/[&|\\]/\\&/g')
        sed "s|^{|{\"capture\":$key,|" "$work/lines/$number"
        if [ "${ended[number]:-1}" -ne 0 ]; then
            printf '%s: %s\n' "$name" "$(cat "$work/lines/$number.err")" >&2
            failed=1
        fi
    done <"$work/captures"
    return "$failed"
}

list_captures
read_captures
print_connections
