#!/usr/bin/env bash
# bulk.sh [--dots] <JSONL: JSON Lines of `-z tcplife,json` (or of folder.sh) as a
# bulk load for OpenSearch or Elasticsearch:
#
#   curl -X PUT  "$url/tcplife"       -H 'Content-Type: application/json'     --data-binary @connections.json
#   bulk.sh <connections.jsonl | split -l 20000 --filter '
#       curl -X POST "$url/tcplife/_bulk" -H "Content-Type: application/x-ndjson" --data-binary @-'
#
# A dot in a name makes an object there, and tcplife.open cannot be both a word and
# the object that tcplife.open.time would be in: one of the two would be refused. So
# the dots become underscores.
#
# Who wants the names as they are in Wireshark has to have the objects switched off
# in the index: connections-dots.json does so for Elasticsearch, 8.3 or later
# ("subobjects": false). OpenSearch can from 3.5 on, where that line has to be
# "disable_objects": true. Then --dots leaves the names alone.
#
# SPDX-License-Identifier: GPL-2.0-or-later

names=(-e ':again; s/([{,]"[a-z0-9_]+)\.([a-z0-9_.]+":)/\1_\2/; t again')
[ "${1:-}" != --dots ] || names=()
exec sed -E "${names[@]}" -e 's/^/{"index":{}}\n/'
