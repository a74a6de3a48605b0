# SPDX-License-Identifier: GPL-2.0-or-later
"""The fields and expert infos that tcplife promises, with their types, severities and exact words.

Written by hand from the interface, so that no change of the plugin goes unnoticed. Names are without
the leading "tcplife.".
"""

NOW = {
    "connection": "FT_UINT32",
    "phase": "FT_STRING",
    "client.state": "FT_STRING",
    "server.state": "FT_STRING",
    "sender": "FT_STRING",
    "guessed": "FT_BOOLEAN",
    "role.guessed": "FT_BOOLEAN",
    "concurrent": "FT_UINT32",
    "half_open": "FT_UINT32",
    "copy_of": "FT_FRAMENUM",
}

LAST = {"last": "FT_BOOLEAN"}  # a Now field, but known only when the whole capture has been read

EVENT = {
    "event": "FT_STRING",
    "transition": "FT_STRING",
    "step": "FT_STRING",
    "time.syn_sent": "FT_RELATIVE_TIME",
    "time.syn_received": "FT_RELATIVE_TIME",
    "time.established": "FT_RELATIVE_TIME",
    "time.fin_wait_1": "FT_RELATIVE_TIME",
    "time.fin_wait_2": "FT_RELATIVE_TIME",
    "time.close_wait": "FT_RELATIVE_TIME",
    "time.closing": "FT_RELATIVE_TIME",
    "time.last_ack": "FT_RELATIVE_TIME",
    "time.time_wait": "FT_RELATIVE_TIME",
    "reset.verdict": "FT_STRING",
    "reset.form": "FT_STRING",
    "reset.answers": "FT_FRAMENUM",
    "reset.answers_kind": "FT_STRING",
    "reset.idle": "FT_RELATIVE_TIME",
    "reset.idle_before": "FT_RELATIVE_TIME",
    "reset.ttl_delta": "FT_INT32",
    "reset.evidence": "FT_STRING",
    "late": "FT_BOOLEAN",
}

FACT = {
    "story": "FT_STRING",  # repeatable
    "verdict": "FT_STRING",
    "client.addr": "FT_STRING",
    "client.port": "FT_UINT32",
    "server.addr": "FT_STRING",
    "server.port": "FT_UINT32",
    "client.bytes": "FT_UINT64",
    "server.bytes": "FT_UINT64",
    "client.retransmitted": "FT_UINT64",
    "server.retransmitted": "FT_UINT64",
    "client.unacked": "FT_UINT64",
    "server.unacked": "FT_UINT64",
    "client.missing": "FT_UINT64",
    "server.missing": "FT_UINT64",
    "client.held": "FT_RELATIVE_TIME",
    "server.held": "FT_RELATIVE_TIME",
    "client.packets": "FT_UINT32",
    "server.packets": "FT_UINT32",
    "client.zero_window": "FT_RELATIVE_TIME",
    "server.zero_window": "FT_RELATIVE_TIME",
    "client.rtt": "FT_RELATIVE_TIME",
    "server.rtt": "FT_RELATIVE_TIME",
    "start": "FT_ABSOLUTE_TIME",
    "duration": "FT_RELATIVE_TIME",
    "copies": "FT_UINT32",
    "one_sided": "FT_BOOLEAN",
    "open": "FT_STRING",
    "open.failed": "FT_BOOLEAN",
    "open.time": "FT_RELATIVE_TIME",
    "open.server_time": "FT_RELATIVE_TIME",
    "open.client_time": "FT_RELATIVE_TIME",
    "open.syns": "FT_UINT32",
    "close": "FT_STRING",
    "closed_by": "FT_STRING",
    "close.time": "FT_RELATIVE_TIME",
    "close.no_data": "FT_BOOLEAN",
    "close.race": "FT_UINT32",
    "half_close.time": "FT_RELATIVE_TIME",
    "half_close.bytes": "FT_UINT64",
    "reset.cause": "FT_STRING",
    "reset.sender": "FT_STRING",
    "reset.count": "FT_UINT32",
    "silence.side": "FT_STRING",
    "silence.time": "FT_RELATIVE_TIME",
    "silence.repeats": "FT_UINT32",
    "keepalive.count": "FT_UINT32",
    "keepalive.unanswered": "FT_UINT32",
    "reuse.connection": "FT_UINT32",
    "reuse.gap": "FT_RELATIVE_TIME",
    "reuse.phase": "FT_STRING",
    "reuse.frame": "FT_FRAMENUM",  # this and the two below: links, which issue 12 asks for
    "lifetime": "FT_RELATIVE_TIME",
    "conn_state": "FT_STRING",
    "history": "FT_STRING",
    "frame.first": "FT_FRAMENUM",
    "frame.last": "FT_FRAMENUM",
    "frame.syn": "FT_FRAMENUM",
    "frame.syn_ack": "FT_FRAMENUM",
    "frame.open_ack": "FT_FRAMENUM",
    "frame.fin_1": "FT_FRAMENUM",
    "frame.fin_1_ack": "FT_FRAMENUM",
    "frame.fin_2": "FT_FRAMENUM",
    "frame.fin_2_ack": "FT_FRAMENUM",
    "frame.rst": "FT_FRAMENUM",
}

FIELDS = NOW | LAST | EVENT | FACT

# name: severity, and the text where the interface quotes one. A number may follow it.
EXPERTS = {
    "open.three_way": ("Chat", "connection opened (3-way handshake)"),
    "open.simultaneous_open": ("Note", "simultaneous open"),
    "open.fast_open": ("Chat", "TCP Fast Open"),
    "open.split_handshake": ("Warning", "split handshake"),
    "open.data_in_ack": ("Chat", None),
    "open.bad_ack": ("Warning", None),
    "open.syn_retransmitted": ("Note", None),
    "open.syn_ack_retransmitted": ("Note", None),
    "open.syn_ack_differs": ("Warning", "SYN/ACK with another number"),
    "open.given_up": ("Note", "opening given up by RST"),
    "open.connection_refused": ("Warning", "connection refused"),
    "open.icmp_rejected": ("Warning", "connection rejected by ICMP"),
    "open.opener_reset": ("Note", "RST instead of the final ACK"),
    "open.ack_instead_of_syn_ack": ("Warning", "SYN answered by a bare ACK"),
    "open.queue_overflow": ("Warning", "SYN/ACK repeated after it was acknowledged"),
    "open.port_reuse": ("Note/Warning", "4-tuple reused"),
    "open.syn_flood": ("Warning", "possible SYN flood"),
    "close.four_way": ("Chat", "4-way close"),
    "close.merged": ("Chat", "merged FIN/ACK (3-way close)"),
    "close.simultaneous_close": ("Note", "simultaneous close"),
    "close.data_while_half_closed": ("Chat", "half-closed"),
    "close.fin_retransmitted": ("Note", "FIN retransmitted"),
    "close.fin_misplaced": ("Note", "FIN that does not fit"),
    "close.time_wait_restarted": ("Note", "TIME_WAIT restarted"),
    "close.data_after_own_fin": ("Error", None),
    "close.data_after_peer_fin": ("Note", None),
    "reset.abort": ("Warning", "connection aborted by RST"),
    "reset.after_fin": ("Note", "RST after FIN"),
    "reset.after_keep_alive": ("Warning", "RST after keep-alive"),
    "reset.keep_alive_timeout": ("Warning", "RST after unanswered keep-alives"),
    "reset.retransmission_timeout": ("Warning", "RST after unanswered retransmissions"),
    "reset.zero_window": ("Warning", "RST after unanswered probes of a closed window"),
    "reset.no_connection": ("Warning", "RST as of no such connection"),
    "reset.data_after_close": ("Warning", "RST answers data sent after close"),
    "reset.time_wait_assassination": ("Warning", "RST in TIME_WAIT (RFC 1337)"),
    "reset.forgotten": ("Warning", "RST: its sender has begun anew"),
    "reset.not_accepted": ("Note", None),
    "reset.ttl_differs": ("Note", None),
    "reset.too_early": ("Note", "RST sooner than its sender could have answered"),
    "reset.sender_went_on": ("Warning", "its apparent sender goes on after the RST"),
    "reset.loop": ("Note", "RSTs go on and on"),
    "keepalive.probe": ("Chat", None),
    "keepalive.answer": ("Chat", None),
    "midstream": ("Chat", "capture begins midstream"),
}


def verdict(facts):
    """What follows of `verdict` from the other facts, by name; None: nothing. Of a silence nothing tells yet
    whose it is."""
    opened, closed = facts.get("open"), facts.get("close")
    if facts.get("open.failed"):
        return f"open: {opened}"
    if closed in ("abort", "RST after FIN"):
        words = [facts["reset.cause"], facts["reset.sender"]]
    elif closed in ("4-way", "3-way", "simultaneous", "half-closed"):
        words = [facts.get("closed_by")]
    else:
        words = []
    within = ", ".join(word for word in words if word and word != "abort")
    return f"{closed} ({within})" if within else closed


def full(names):
    return [f"tcplife.{name}" for name in names]
