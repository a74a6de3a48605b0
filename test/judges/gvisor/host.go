// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/faketime"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	nic     = 1
	mtu     = 1500
	backlog = 4
	// Packets that a stack may send before they are taken from it: more than its buffers hold.
	queue = 4096
)

var addresses = [...]tcpip.Address{client: "\xc0\x00\x02\x01", server: "\xc0\x00\x02\x02"}

// What netstack calls its states, in the words of RFC 9293. A socket that has not opened, or has failed,
// is CLOSED.
var states = map[tcp.EndpointState]string{
	tcp.StateEstablished: "ESTABLISHED",
	tcp.StateSynSent:     "SYN_SENT",
	tcp.StateSynRecv:     "SYN_RECEIVED",
	tcp.StateFinWait1:    "FIN_WAIT_1",
	tcp.StateFinWait2:    "FIN_WAIT_2",
	tcp.StateTimeWait:    "TIME_WAIT",
	tcp.StateClose:       "CLOSED",
	tcp.StateCloseWait:   "CLOSE_WAIT",
	tcp.StateLastAck:     "LAST_ACK",
	tcp.StateListen:      "LISTEN",
	tcp.StateClosing:     "CLOSING",
	tcp.StateInitial:     "CLOSED",
	tcp.StateBound:       "CLOSED",
	tcp.StateConnecting:  "CLOSED",
	tcp.StateError:       "CLOSED",
}

// A life is one endpoint of netstack's: one connection as one host sees it.
type life struct {
	number   int
	endpoint interface{ State() uint32 }
	state    string
	gone     bool // with its stack
}

// A step of the program that runs on a host: once `when` holds, and some time later, `do`.
type step struct {
	when  func() bool
	pause time.Duration
	do    func()
}

// A host is one stack with one program.
type host struct {
	side     int
	stack    *stack.Stack
	link     *channel.Endpoint
	address  tcpip.FullAddress
	peer     tcpip.FullAddress
	listener tcpip.Endpoint
	socket   tcpip.Endpoint
	lives    []*life

	script  []step
	holds   bool          // what the script's next step waits for
	since   time.Duration // since then
	accepts bool
	reads   bool
	read    int
	eof     bool
}

// Netstack asks for numbers from several goroutines.
type lockedSource struct {
	mu     sync.Mutex
	source rand.Source
}

func (l *lockedSource) Int63() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source.Int63()
}

func (l *lockedSource) Seed(seed int64) { l.source.Seed(seed) }

func must(err tcpip.Error) {
	if err != nil {
		panic(fmt.Sprint(err))
	}
}

// start boots the host. If it ran before, it has forgotten everything.
func (h *host) start(clock *faketime.ManualClock, seed int64) {
	source := &lockedSource{source: rand.NewSource(seed)}
	h.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		Clock:              clock,
		RandSource:         source,
		SecureRNG:          rand.New(source),
	})
	h.link = channel.New(queue, mtu, "")
	must(h.stack.CreateNIC(nic, h.link))
	must(h.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: h.address.Addr.WithPrefix(),
	}, stack.AddressProperties{}))
	subnet, err := tcpip.NewSubnet("\x00\x00\x00\x00", "\x00\x00\x00\x00")
	if err != nil {
		panic(err)
	}
	h.stack.SetRouteTable([]tcpip.Route{{Destination: subnet, NIC: nic}})
	h.listener, h.socket = nil, nil
	h.read, h.eof = 0, false
}

func (h *host) newSocket() tcpip.Endpoint {
	socket, err := h.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &waiter.Queue{})
	must(err)
	socket.SocketOptions().SetReuseAddress(true)
	must(socket.Bind(h.address))
	return socket
}

func (h *host) listen(prepare func(tcpip.Endpoint)) {
	h.listener = h.newSocket()
	prepare(h.listener)
	must(h.listener.Listen(backlog))
}

func (h *host) connect() {
	h.socket = h.newSocket()
	h.lives = append(h.lives, &life{number: len(h.lives), endpoint: h.socket, state: "CLOSED"})
	if err, ok := h.socket.Connect(h.peer).(*tcpip.ErrConnectStarted); !ok {
		panic(fmt.Sprint(err))
	}
}

// write hands over data; a connection that is gone takes none.
func (h *host) write(count int) {
	_, _ = h.socket.Write(bytes.NewReader(make([]byte, count)), tcpip.WriteOptions{})
}

func (h *host) shutdown() { _ = h.socket.Shutdown(tcpip.ShutdownWrite) }

func (h *host) close() { h.socket.Close() }

func (h *host) abort() {
	h.socket.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true})
	h.socket.Close()
}

// settle waits until the stack has done all that it can do now.
func (h *host) settle(clock *faketime.ManualClock) {
	clock.RunImmediatelyScheduledJobs()
	h.stack.Pause()
	h.stack.Resume()
}

func (h *host) deliver(packet []byte) {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		Payload: bufferv2.MakeWithData(append([]byte(nil), packet...)),
	})
	defer pkt.DecRef()
	h.link.InjectInbound(ipv4.ProtocolNumber, pkt)
}

// sent takes what the stack has sent.
func (h *host) sent() (packets [][]byte) {
	for {
		pkt := h.link.Read()
		if pkt.IsNil() {
			return packets
		}
		var whole []byte
		for _, slice := range pkt.AsSlices() {
			whole = append(whole, slice...)
		}
		pkt.DecRef()
		packets = append(packets, whole)
	}
}

// discover finds the endpoint that a listener has made for a connection. It is there before anybody
// accepts it.
func (h *host) discover() {
	id := stack.TransportEndpointID{
		LocalAddress: h.address.Addr, LocalPort: h.address.Port,
		RemoteAddress: h.peer.Addr, RemotePort: h.peer.Port,
	}
	found := h.stack.FindTransportEndpoint(ipv4.ProtocolNumber, tcp.ProtocolNumber, id, nic)
	endpoint, ok := found.(interface{ State() uint32 })
	if !ok || endpoint == h.listener {
		return
	}
	for _, known := range h.lives {
		if known.endpoint == endpoint {
			return
		}
	}
	h.lives = append(h.lives, &life{number: len(h.lives), endpoint: endpoint, state: "CLOSED"})
}

func (l *life) now() string {
	if l.gone {
		return "CLOSED"
	}
	return states[tcp.EndpointState(l.endpoint.State())]
}

// state is that of the newest endpoint, "" if there was none.
func (h *host) state() string {
	if len(h.lives) == 0 {
		return ""
	}
	return h.lives[len(h.lives)-1].now()
}

// The program

// then adds a step to the script.
func (h *host) then(when func() bool, pause time.Duration, do func()) {
	h.script = append(h.script, step{when, pause, do})
}

// act lets the program do one thing, if there is one to do.
func (h *host) act(now time.Duration) bool {
	if h.listener != nil && h.socket == nil && h.accepts {
		if socket, _, err := h.listener.Accept(nil); err == nil {
			h.socket = socket
			return true
		}
	}
	if h.socket != nil && h.reads && !h.eof && h.readSome() {
		return true
	}
	if len(h.script) == 0 {
		return false
	}
	next := h.script[0]
	if !h.holds {
		if !next.when() {
			return false
		}
		h.holds, h.since = true, now
	}
	if now < h.since+next.pause {
		return false
	}
	h.script, h.holds = h.script[1:], false
	next.do()
	return true
}

func (h *host) readSome() bool {
	result, err := h.socket.Read(io.Discard, tcpip.ReadOptions{})
	if _, closed := err.(*tcpip.ErrClosedForReceive); closed {
		h.eof = true
		return true
	}
	h.read += result.Count
	return result.Count > 0
}

// What a step can wait for

func always() bool { return true }

func (h *host) isOpen() bool {
	return h.socket != nil && (h.state() == "ESTABLISHED" || h.state() == "CLOSE_WAIT")
}

func (h *host) isClosed() bool { return h.state() == "CLOSED" }

func (h *host) sawEOF() bool { return h.eof }

func (h *host) hasRead(count int) func() bool {
	return func() bool { return h.socket != nil && h.read >= count }
}
