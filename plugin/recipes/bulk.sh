#!/usr/bin/env bash
# bulk.sh <JSONL: JSON Lines of `-z tcplife,json` (or of folder.sh) as a bulk
# load for OpenSearch or Elasticsearch:
#
#   curl -X PUT  "$url/tcplife"       -H 'Content-Type: application/json'     --data-binary @connections.json
#   bulk.sh <connections.jsonl | split -l 20000 --filter '
#       curl -X POST "$url/tcplife/_bulk" -H "Content-Type: application/x-ndjson" --data-binary @-'
#
# The dots in names become underscores: a dot makes an object there, and
# tcplife.open would have to be a word and an object (of tcplife.open.time).
#
# SPDX-License-Identifier: GPL-2.0-or-later

exec sed -E -e ':again; s/([{,]"[a-z0-9_]+)\.([a-z0-9_.]+":)/\1_\2/; t again' -e 's/^/{"index":{}}\n/'
