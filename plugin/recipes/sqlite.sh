#!/usr/bin/env bash
# sqlite.sh DATABASE <LINES: JSON Lines of `-z tcplife,json` (or of folder.sh) into
# SQLite, 3.38 or later. Needs jq. questions.sql has what one may ask then:
#
#   sqlite3 -box DATABASE <questions.sql
#
# The table "connections" has a column for each key, without "tcplife." and with
# underscores for dots: tcplife.open.time is open_time. Times are seconds, "start"
# those since 1970; a boolean is 1, or NULL, as is all that has no value. The table
# "events" tells how often each event came in each connection.
#
# A capture that is loaded again takes the place of what was there of it. Lines that
# name no capture, as tshark's own, are those of the capture ''.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail

[ $# -eq 1 ] || { echo "usage: $0 DATABASE <LINES" >&2; exit 2; }
recipes=$(dirname "$0")

# The columns and their types are those of the mapping for a search engine.
tables=$(jq -r -f /dev/stdin "$recipes/connections.json" <<'JQ'
{"keyword": "TEXT", "text": "TEXT", "double": "REAL", "date": "REAL"} as $types
| [.mappings.properties | to_entries[] | select(.key != "capture")
    | {key, name: (.key | sub("^tcplife_"; "")), type: ($types[.value.type] // "INTEGER")}] as $columns
| "CREATE TABLE IF NOT EXISTS connections (capture TEXT NOT NULL, \($columns | map("\(.name) \(.type)") | join(", ")),
    PRIMARY KEY (capture, connection)) STRICT;
DELETE FROM connections WHERE capture IN (SELECT coalesce(line ->> '$.capture', '') FROM lines);
INSERT INTO connections SELECT coalesce(line ->> '$.capture', ''), \($columns | map("line ->> '$.\(.key)'") | join(", "))
    FROM lines;"
JQ
)

# bulk.sh makes names without dots, and a line of its own before each.
exec 3< <("$recipes/bulk.sh" | sed -n 'n;p')
sqlite3 -bail "$1" <<SQL
CREATE TEMP TABLE lines (line TEXT);
.mode ascii
.separator "\037" "\n"
.import /dev/fd/3 lines
BEGIN;
$tables
CREATE TABLE IF NOT EXISTS events (capture TEXT NOT NULL, connection INTEGER NOT NULL, event TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (capture, connection, event)) STRICT, WITHOUT ROWID;
DELETE FROM events WHERE capture IN (SELECT coalesce(line ->> '$.capture', '') FROM lines);
INSERT INTO events
    SELECT capture, connection, substr(value, 1, instr(value, ' ') - 1), CAST(substr(value, instr(value, ' ')) AS INTEGER)
    FROM connections, json_each('["' || replace(events, ', ', '","') || '"]')
    WHERE events IS NOT NULL AND capture IN (SELECT coalesce(line ->> '$.capture', '') FROM lines);
CREATE INDEX IF NOT EXISTS by_server ON connections (server_addr, server_port);
CREATE INDEX IF NOT EXISTS by_client ON connections (client_addr);
CREATE INDEX IF NOT EXISTS by_start ON connections (start);
CREATE INDEX IF NOT EXISTS by_close ON connections (close);
CREATE INDEX IF NOT EXISTS by_open ON connections (open);
CREATE INDEX IF NOT EXISTS by_reset_cause ON connections (reset_cause);
CREATE INDEX IF NOT EXISTS by_event ON events (event);
COMMIT;
SQL
