// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	ms = time.Millisecond
	// Longer than any way there and back, so that nothing is under way any more.
	calm = 200 * ms
)

type scenario struct {
	name    string
	prepare func(*connection) // gives both hosts their scripts
}

// c.first is client or server, by chance, and does first what the scenario is about.
var scenarios = []scenario{
	{"close", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), c.first.close)
		c.closeAtEOF(c.second)
	}},
	{"close_without_data", func(c *connection) {
		c.open()
		c.first.then(c.first.isOpen, c.soon(), c.first.close)
		c.closeAtEOF(c.second)
	}},
	{"close_behind_data", func(c *connection) {
		c.open()
		c.first.then(c.first.isOpen, c.soon(), func() { c.first.write(c.some(20000)); c.first.close() })
		c.closeAtEOF(c.second)
	}},
	{"half_close", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), c.first.shutdown)
		c.second.then(c.second.sawEOF, c.soon(), func() { c.second.write(c.some(10000)) })
		c.second.then(always, c.soon(), c.second.close)
		c.closeAtEOF(c.first)
	}},
	{"simultaneous_close", func(c *connection) {
		c.talk()
		c.meet(c.first.shutdown, c.second.shutdown)
	}},
	{"simultaneous_close_behind_data", func(c *connection) {
		c.talk()
		c.meet(func() { c.first.write(c.some(4000)); c.first.shutdown() },
			func() { c.second.write(c.some(4000)); c.second.shutdown() })
	}},
	{"abort", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), c.first.abort)
	}},
	{"abort_behind_data", func(c *connection) {
		c.open()
		c.first.then(c.first.isOpen, c.soon(), func() { c.first.write(c.some(4000)) })
		c.first.then(always, c.between(0, 20*ms), c.first.abort)
	}},
	{"abort_in_close_wait", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), c.first.shutdown)
		c.second.then(c.second.sawEOF, c.soon(), c.second.abort)
	}},
	{"abort_in_fin_wait", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), c.first.shutdown)
		c.first.then(always, c.between(0, 80*ms), c.first.abort)
	}},
	{"close_with_unread_data", func(c *connection) {
		c.open()
		c.first.reads = false
		c.second.then(c.second.isOpen, c.soon(), func() { c.second.write(c.some(4000)) })
		c.first.then(c.first.isOpen, c.soon()+calm, c.first.close)
	}},
	{"data_after_close", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), c.first.close)
		c.second.then(c.second.sawEOF, c.soon(), func() { c.second.write(c.some(4000)) })
	}},
	{"refused", func(c *connection) {
		c.hosts[client].then(always, 0, c.hosts[client].connect)
	}},
	{"connect_abandoned", func(c *connection) {
		c.open()
		c.hosts[client].then(always, c.between(0, c.roundTrip()), c.hosts[client].close)
	}},
	{"listener_closed", func(c *connection) {
		c.open()
		server := c.hosts[server]
		server.accepts = false
		server.then(func() bool { return server.state() != "" }, c.between(0, 2*calm), func() { server.listener.Close() })
	}},
	{"keep_alive", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), func() { keepAlive(c.first) })
		c.first.then(always, 4*time.Second, c.first.close)
		c.closeAtEOF(c.second)
	}},
	{"keep_alive_in_vain", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), func() { keepAlive(c.first) })
		c.first.then(always, calm, func() { c.wire.down = true })
		c.first.then(c.first.isClosed, 0, func() {})
	}},
	{"simultaneous_open", func(c *connection) {
		for _, h := range c.hosts {
			h.then(always, c.between(0, c.roundTrip()/2-ms), h.connect)
		}
		c.first.then(c.first.isOpen, c.soon()+calm, func() { c.first.write(c.some(4000)) })
		c.first.then(always, c.soon(), c.first.close)
		c.closeAtEOF(c.second)
	}},
	{"zero_window", func(c *connection) {
		c.hosts[server].listen(smallBuffer)
		c.first, c.second = c.hosts[client], c.hosts[server]
		c.first.then(always, 0, c.first.connect)
		c.first.then(c.first.isOpen, c.soon(), func() { c.first.write(20000 + c.some(20000)) })
		c.first.then(always, c.soon(), c.first.close)
		c.second.reads = false
		c.second.then(c.second.isOpen, 2*time.Second+c.soon(), func() { c.second.reads = true })
		c.closeAtEOF(c.second)
	}},
	{"still_open", func(c *connection) {
		c.talk()
	}},
	{"fin_wait_2_expired", func(c *connection) {
		c.talk()
		c.first.then(always, c.soon(), func() {
			timeout := tcpip.TCPLingerTimeoutOption(time.Second)
			must(c.first.socket.SetSockOpt(&timeout))
			c.first.close()
		})
		c.second.then(c.second.sawEOF, 2*time.Second+c.soon(), c.second.close)
	}},
	{"reuse_in_time_wait", func(c *connection) {
		c.first, c.second = c.hosts[server], c.hosts[client]
		c.talk()
		c.first.then(always, c.soon(), c.first.close)
		c.closeAtEOF(c.second)
		c.second.then(c.second.isClosed, c.soon()+calm, func() { c.again() })
	}},
	{"defer_accept", func(c *connection) {
		c.hosts[server].listen(func(listener tcpip.Endpoint) {
			timeout := tcpip.TCPDeferAcceptOption(2 * time.Second)
			must(listener.SetSockOpt(&timeout))
		})
		client := c.hosts[client]
		client.then(always, 0, client.connect)
		client.then(client.isOpen, c.between(100*ms, 1500*ms), func() { client.write(c.some(4000)) })
		client.then(always, c.soon(), client.close)
		c.closeAtEOF(c.hosts[server])
	}},
	{"syn_cookie", func(c *connection) {
		cookies := tcpip.TCPAlwaysUseSynCookies(true)
		must(c.hosts[server].stack.SetTransportProtocolOption(tcp.ProtocolNumber, &cookies))
		c.talk()
		c.first.then(always, c.soon(), c.first.close)
		c.closeAtEOF(c.second)
	}},
	{"crash", func(c *connection) {
		c.talk()
		c.first.then(always, calm, func() { c.crash(c.first) })
		c.second.then(func() bool { return len(c.first.lives) > 0 && c.first.lives[0].gone }, c.soon(),
			func() { c.second.write(c.some(4000)) })
	}},
	{"crash_and_connect", func(c *connection) {
		c.first, c.second = c.hosts[client], c.hosts[server]
		c.talk()
		c.first.then(always, calm, func() { c.crash(c.first) })
		c.first.then(always, c.soon(), func() { c.again() })
	}},
	{"blind_rst", func(c *connection) {
		c.talk()
		off := []int{0, c.some(1000), -c.some(1000)}[c.luck.Intn(3)]
		c.first.then(always, calm, func() {
			c.forge(c.first, header.TCPFlagRst, c.next(c.first)+uint32(off), 0)
		})
		c.first.then(always, c.soon()+calm, func() { c.first.write(c.some(4000)) })
		c.first.then(always, c.soon()+calm, c.first.close)
		c.closeAtEOF(c.second)
	}},
}

// soon is any time from at once to some round trips.
func (c *connection) soon() time.Duration {
	return []time.Duration{0, c.between(0, 20*ms), c.between(0, 300*ms)}[c.luck.Intn(3)]
}

func (c *connection) roundTrip() (sum time.Duration) {
	for _, delay := range c.wire.delay {
		sum += 2 * delay
	}
	return sum
}

func (c *connection) open() {
	c.hosts[server].listen(func(tcpip.Endpoint) {})
	c.hosts[client].then(always, 0, c.hosts[client].connect)
}

// talk opens, and then the client asks and the server answers.
func (c *connection) talk() {
	c.open()
	c.exchange()
}

func (c *connection) exchange() {
	client, server := c.hosts[client], c.hosts[server]
	question, answer := c.some(3000), c.some(12000)
	client.then(client.isOpen, c.soon(), func() { client.write(question) })
	client.then(client.hasRead(answer), 0, func() {})
	server.then(server.hasRead(question), c.soon(), func() { server.write(answer) })
}

func (c *connection) closeAtEOF(h *host) { h.then(h.sawEOF, c.soon(), h.close) }

// meet lets both do something so that what they send crosses: one a little after the other.
func (c *connection) meet(first, second func()) {
	gap := c.between(0, c.roundTrip()/2-ms)
	var begun time.Duration
	c.first.then(func() bool { return len(c.second.script) <= 1 }, calm, func() { begun = c.now(); first() })
	c.second.then(func() bool { return begun != 0 }, gap, second)
}

// again is a second connection of the same ports, that the client opens.
func (c *connection) again() {
	for _, h := range c.hosts {
		h.read, h.eof, h.reads = 0, false, true
	}
	c.hosts[server].socket = nil
	c.hosts[client].connect()
	c.exchange()
	c.hosts[client].then(always, c.soon(), c.hosts[client].close)
	c.closeAtEOF(c.hosts[server])
}

func keepAlive(h *host) {
	idle, interval := tcpip.KeepaliveIdleOption(time.Second), tcpip.KeepaliveIntervalOption(time.Second)
	must(h.socket.SetSockOpt(&idle))
	must(h.socket.SetSockOpt(&interval))
	must(h.socket.SetSockOptInt(tcpip.KeepaliveCountOption, 3))
	h.socket.SocketOptions().SetKeepAlive(true)
}

func smallBuffer(socket tcpip.Endpoint) {
	socket.SocketOptions().SetReceiveBufferSize(8192, false)
}
