-- questions.sql: sqlite3 -box DATABASE <questions.sql, of a database that sqlite.sh has made.
--
-- SPDX-License-Identifier: GPL-2.0-or-later

.print Resets, by server and hour
SELECT server_addr, server_port, strftime('%Y-%m-%d %H:00', start, 'unixepoch') AS hour, reset_cause AS cause,
    count(*) AS connections
FROM connections
WHERE reset_cause IS NOT NULL
GROUP BY 1, 2, 3, 4
ORDER BY connections DESC, 1, 2, 3, 4;

.print Opens that failed, by server, with their share of all that were tried there
SELECT server_addr, server_port, open, count(*) AS failed, count(DISTINCT client_addr) AS clients,
    round(100.0 * count(*) / (SELECT count(*) FROM connections AS every
        WHERE every.server_addr = connections.server_addr AND every.server_port = connections.server_port), 1) AS percent
FROM connections
WHERE open_failed
GROUP BY 1, 2, 3
ORDER BY failed DESC, 1, 2, 3;

.print Programs that do not close: the peer has, and they sat in CLOSE_WAIT for longest when the capture ended
SELECT capture, connection, end, address, port, held
FROM (SELECT capture, connection, 'client' AS end, client_addr AS address, client_port AS port,
        client_state AS state, client_held AS held FROM connections
    UNION ALL
    SELECT capture, connection, 'server', server_addr, server_port, server_state, server_held FROM connections)
WHERE state = 'CLOSE_WAIT'
ORDER BY held DESC, capture, connection
LIMIT 20;

.print Servers that answer slowly: how long their SYN/ACK took, in 95 of 100 connections at most
SELECT server_addr, server_port, max(open_server_time) AS seconds, max(of) AS connections
FROM (SELECT server_addr, server_port, open_server_time,
        row_number() OVER (PARTITION BY server_addr, server_port ORDER BY open_server_time) AS nth,
        count(*) OVER (PARTITION BY server_addr, server_port) AS of
    FROM connections WHERE open_server_time IS NOT NULL)
WHERE nth <= max(1, of * 95 / 100)
GROUP BY 1, 2
ORDER BY seconds DESC, 1, 2
LIMIT 20;

.print RSTs that may come from something between the two ends, by server and sign
SELECT server_addr, server_port, event AS sign, count(*) AS connections
FROM connections JOIN events AS e USING (capture, connection)
WHERE event IN ('reset.ttl_differs', 'reset.too_early', 'reset.sender_went_on')
GROUP BY 1, 2, 3
ORDER BY connections DESC, 1, 2, 3;
