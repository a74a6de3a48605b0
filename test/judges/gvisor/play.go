// SPDX-License-Identifier: GPL-2.0-or-later

// Plays connections between two of gVisor's stacks, and prints for each a line of JSON: what passed,
// and the states of both ends by netstack's own word. It judges nothing.
package main

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand"
	"os"
	"runtime"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/faketime"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

const (
	// Between two looks at the programs, and at what the stacks' timers have done. Shorter than any delay.
	tick = time.Millisecond
	// Nothing is under way and the programs are through, for so long.
	quiet = 2 * time.Second
	// Nothing has passed for so long, whatever the programs wait for.
	silence = 12 * time.Second
	// A connection that does not come to rest.
	longest = 120 * time.Second

	delayMin = 2 * time.Millisecond
	delayMax = 15 * time.Millisecond
)

// An event is what an end did: it handled a segment, its program called, a timer ran out; or it crashed.
type event struct {
	Time    int64  `json:"time"`
	End     string `json:"end"`
	Life    int    `json:"life"`
	Did     string `json:"did"`     // handled, called, timer, crashed
	Segment int    `json:"segment"` // that it handled, or -1
	Sent    []int  `json:"sent"`    // and what it sent upon that
	State   string `json:"state"`   // and the state in which that left it
}

// A connection is all that happens between the two ends, which may be two connections of RFC 9293.
type connection struct {
	Scenario string           `json:"scenario"`
	Variant  int              `json:"variant"`
	First    string           `json:"first"` // of the two to act
	Delay    map[string]int64 `json:"delay"`
	Segments []*segment       `json:"segments"`
	Events   []event          `json:"events"`

	clock         *faketime.ManualClock
	begun         time.Time
	wire          wire
	luck          *rand.Rand
	hosts         [2]*host
	first, second *host
	stamped       int64
	moved         time.Duration // when a segment was last under way, or a program did something
}

func (c *connection) now() time.Duration { return c.clock.Now().Sub(c.begun) }

// stamp gives a time that no segment and no event has yet.
func (c *connection) stamp() int64 {
	c.stamped++
	if now := int64(c.now()); now > c.stamped {
		c.stamped = now
	}
	return c.stamped
}

func (c *connection) between(least, most time.Duration) time.Duration {
	return least + time.Duration(c.luck.Int63n(int64(most-least)))
}

func (c *connection) some(most int) int { return 1 + c.luck.Intn(most) }

func play(scenario scenario, variant int, seed int64, loss, disorder float64) *connection {
	key := fnv.New64()
	fmt.Fprint(key, seed, scenario.name, variant, loss, disorder)
	luck := rand.New(rand.NewSource(int64(key.Sum64())))
	c := &connection{
		Scenario: scenario.name, Variant: variant, Segments: []*segment{}, Events: []event{},
		clock: faketime.NewManualClock(), luck: luck,
		wire: wire{
			loss: loss, disorder: disorder, luck: rand.New(rand.NewSource(luck.Int63())),
			delay: map[string]time.Duration{}, last: map[[2]string]time.Duration{},
		},
	}
	c.begun = c.clock.Now()
	c.Delay = map[string]int64{}
	for _, link := range links[client] {
		c.wire.delay[link] = c.between(delayMin, delayMax)
		c.Delay[link] = int64(c.wire.delay[link])
	}
	port := uint16(20000 + luck.Intn(20000))
	places := [...]tcpip.FullAddress{
		client: {NIC: nic, Addr: addresses[client], Port: port},
		server: {NIC: nic, Addr: addresses[server], Port: 80},
	}
	for side := range c.hosts {
		h := &host{side: side, address: places[side], peer: places[1-side], accepts: true, reads: true}
		h.start(c.clock, luck.Int63())
		c.hosts[side] = h
	}
	c.first, c.second = c.hosts[client], c.hosts[server]
	if luck.Intn(2) == 1 {
		c.first, c.second = c.second, c.first
	}
	scenario.prepare(c)
	c.First = ends[c.first.side]
	c.run()
	return c
}

// run lets time pass until the connection has come to rest.
func (c *connection) run() {
	for c.now() < longest {
		for _, h := range c.hosts {
			c.happened(h, "timer", nil)
			for h.act(c.now()) {
				c.moved = c.now()
				c.happened(h, "called", nil)
			}
		}
		if len(c.wire.underway) > 0 {
			c.moved = c.now()
		} else if calm := c.now() - c.moved; calm > silence || calm > quiet && c.isThrough() {
			break
		}
		c.advance(tick)
	}
	for _, h := range c.hosts {
		h.stack.Close()
	}
}

func (c *connection) isThrough() bool {
	for _, h := range c.hosts {
		switch h.state() {
		case "SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "CLOSING", "LAST_ACK":
			return false
		}
		if len(h.script) > 0 {
			return false
		}
	}
	return true
}

// advance lets time pass, and what is due on the wire happen.
func (c *connection) advance(time time.Duration) {
	until := c.now() + time
	for len(c.wire.underway) > 0 && c.wire.underway[0].at <= until {
		next := heap.Pop(&c.wire.underway).(due)
		if next.at > c.now() {
			c.clock.Advance(next.at - c.now())
			for _, h := range c.hosts {
				c.happened(h, "timer", nil)
			}
		}
		next.act()
	}
	if until > c.now() {
		c.clock.Advance(until - c.now())
	}
}

// happened writes down what a host has done, and sends off what it has sent.
func (c *connection) happened(h *host, did string, handled *segment) {
	if did != "timer" {
		h.settle(c.clock)
	}
	h.discover()
	e := event{Time: c.stamp(), End: ends[h.side], Did: did, Segment: -1, Sent: []int{}}
	if handled != nil {
		e.Segment = handled.ID
	}
	for _, packet := range h.sent() {
		s := parse(h.side, packet)
		s.Sent = c.stamp()
		e.Sent = append(e.Sent, c.send(s))
	}
	for i, l := range h.lives {
		isNewest := i == len(h.lives)-1
		state := l.now()
		if state != l.state || isNewest && (handled != nil || len(e.Sent) > 0) {
			l.state = state
			e.Life, e.State = l.number, state
			c.Events = append(c.Events, e)
		}
	}
}

// send brings a segment onto its sender's link, and returns its number.
func (c *connection) send(s *segment) int {
	s.ID = len(c.Segments)
	c.Segments = append(c.Segments, s)
	way := links[s.from]
	c.wire.enter(c.now(), c.stamp(), way[0], s, func() {
		s.Middle = append(s.Middle, c.stamp())
		c.wire.enter(c.now(), c.stamp(), way[1], s, func() {
			to := c.hosts[1-s.from]
			s.Arrived = append(s.Arrived, c.stamp())
			to.deliver(s.packet)
			c.happened(to, "handled", s)
		})
	})
	return s.ID
}

// forge brings a segment onto an end's link that the end has not sent.
func (c *connection) forge(from *host, flags header.TCPFlags, seq, ack uint32) {
	c.send(parse(from.side, forge(from.address, from.peer, flags, seq, ack)))
}

// next is the number that an end will send next.
func (c *connection) next(h *host) (next uint32) {
	for _, s := range c.Segments {
		if s.from == h.side && (next == 0 || int32(s.end()-next) > 0) {
			next = s.end()
		}
	}
	return next
}

// crash makes a host forget everything.
func (c *connection) crash(h *host) {
	for _, l := range h.lives {
		l.gone = true
	}
	c.happened(h, "crashed", nil)
	h.stack.Close()
	h.start(c.clock, c.luck.Int63())
}

func main() {
	seed := flag.Int64("seed", 1, "what all chance comes from")
	loss := flag.Float64("loss", 0, "of the segments, that each link loses")
	disorder := flag.Float64("disorder", 0, "of the segments, that each link holds back, and that it repeats")
	variants := flag.Int("variants", 8, "connections of each scenario")
	flag.Parse()

	runtime.GOMAXPROCS(1) // so each stack has one goroutine that handles segments, and all runs are alike
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, scenario := range scenarios {
		for variant := 0; variant < *variants; variant++ {
			if err := json.NewEncoder(out).Encode(play(scenario, variant, *seed, *loss, *disorder)); err != nil {
				panic(err)
			}
		}
	}
}
