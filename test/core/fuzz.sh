#!/usr/bin/env bash
# fuzz.sh [SECONDS [SEED]]: the core under libFuzzer, with AddressSanitizer and
# UndefinedBehaviorSanitizer. It begins with the kept corpus (corpus.tar.gz), and keeps
# what it finds there, as few inputs as do. A failure prints the commands that show it,
# for replay, and leaves the input in the folder where it was called.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-1800}
seed=${2:-1}
build=$here/../../build-fuzz
kept=$here/corpus.tar.gz

[ -d "$build" ] || CC=clang meson setup "$build" "$here/../.." -Db_lundef=false >/dev/null
meson compile -C "$build" libfuzzer >/dev/null

corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir "$corpus/all" "$corpus/few"
if [ -e "$kept" ]; then
    tar xzf "$kept" -C "$corpus/all"
fi
"$build/test/libfuzzer" -max_total_time="$seconds" -seed="$seed" -max_len=600 -print_final_stats=1 "$corpus/all"
"$build/test/libfuzzer" -merge=1 -max_len=600 "$corpus/few" "$corpus/all" 2>/dev/null
tar czf "$kept" --sort=name --owner=0 --group=0 --mtime=@0 -C "$corpus/few" .
echo "kept: $(find "$corpus/few" -type f | wc -l) inputs, $(stat -c %s "$kept") bytes"
