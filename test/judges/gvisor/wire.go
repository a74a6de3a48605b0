// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"container/heap"
	"math/rand"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// The ends of a connection, as the test's Python names them.
const (
	client = iota
	server
)

var ends = [...]string{client: "client", server: "server"}

// The links that a segment of each end passes, before the middle and behind it.
var links = [...][2]string{client: {"A", "B"}, server: {"B", "A"}}

const (
	moreDelayMin = 3 * time.Millisecond
	moreDelayMax = 12 * time.Millisecond
)

// A segment and what the wire did to it. All times are in nanoseconds, and no two are equal.
type segment struct {
	ID      int     `json:"id"`
	From    string  `json:"from"`
	Flags   uint8   `json:"flags"`
	Seq     uint32  `json:"seq"`
	Ack     uint32  `json:"ack"`
	Length  int     `json:"length"`
	Window  uint16  `json:"window"`
	Scale   int     `json:"scale"` // of a SYN, -1 if it offers none
	Sent    int64   `json:"sent"`  // 0: forged, its apparent sender has not sent it
	Middle  []int64 `json:"middle"`
	Arrived []int64 `json:"arrived"`
	Fates   []fate  `json:"fates"`

	from   int
	packet []byte
}

// What became of a copy of a segment on a link, other than its usual delay.
type fate struct {
	Time int64  `json:"time"`
	What string `json:"what"` // lost, held, repeated
	Link string `json:"link"`
}

// parse reads a packet without options in its IP header.
func parse(from int, packet []byte) *segment {
	t := header.TCP(packet[header.IPv4MinimumSize:])
	s := &segment{
		From: ends[from], Flags: uint8(t.Flags()), Seq: t.SequenceNumber(), Ack: t.AckNumber(),
		Length: len(t) - int(t.DataOffset()), Window: t.WindowSize(), Scale: -1,
		Middle: []int64{}, Arrived: []int64{}, Fates: []fate{}, from: from, packet: packet,
	}
	if t.Flags().Contains(header.TCPFlagSyn) {
		s.Scale = header.ParseSynOptions(t.Options(), t.Flags().Contains(header.TCPFlagAck)).WS
	}
	return s
}

// end is the sequence number behind the segment.
func (s *segment) end() uint32 {
	length := uint32(s.Length)
	if s.Flags&uint8(header.TCPFlagSyn) != 0 {
		length++
	}
	if s.Flags&uint8(header.TCPFlagFin) != 0 {
		length++
	}
	return s.Seq + length
}

// forge makes a packet without data in an end's name.
func forge(from, to tcpip.FullAddress, flags header.TCPFlags, seq, ack uint32) []byte {
	packet := make([]byte, header.IPv4MinimumSize+header.TCPMinimumSize)
	ip := header.IPv4(packet)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(packet)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: from.Addr, DstAddr: to.Addr,
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	t := header.TCP(packet[header.IPv4MinimumSize:])
	t.Encode(&header.TCPFields{
		SrcPort: from.Port, DstPort: to.Port, SeqNum: seq, AckNum: ack,
		DataOffset: header.TCPMinimumSize, Flags: flags, WindowSize: 1024,
	})
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, from.Addr, to.Addr, header.TCPMinimumSize)
	t.SetChecksum(^t.CalculateChecksum(sum))
	return packet
}

type due struct {
	at    time.Duration
	order int
	act   func()
}

type dues []due

func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].order < d[j].order
}
func (d dues) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(x any)   { *d = append(*d, x.(due)) }
func (d *dues) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	*d = (*d)[:last]
	return x
}

// A wire of two links, that each delay and may lose, hold back or repeat a segment.
type wire struct {
	delay          map[string]time.Duration
	loss, disorder float64
	down           bool // from here on nothing passes
	luck           *rand.Rand
	underway       dues
	order          int
	last           map[[2]string]time.Duration // by link and sender: when the last segment is due
}

func (w *wire) later(at time.Duration, act func()) {
	w.order++
	heap.Push(&w.underway, due{at, w.order, act})
}

func (w *wire) random(least, most time.Duration) time.Duration {
	return least + time.Duration(w.luck.Int63n(int64(most-least)))
}

// enter takes a copy of a segment to a link; act is what its end does with it.
func (w *wire) enter(now time.Duration, stamp int64, link string, s *segment, act func()) {
	note := func(what string) { s.Fates = append(s.Fates, fate{stamp, what, link}) }
	if w.down || w.luck.Float64() < w.loss {
		note("lost")
		return
	}
	lot := w.luck.Float64()
	if lot < w.disorder {
		note("held")
		w.later(now+w.delay[link]+w.random(moreDelayMin, moreDelayMax), act)
		return
	}
	way := [2]string{link, s.From}
	at := now + w.delay[link]
	if at < w.last[way] {
		at = w.last[way]
	}
	w.last[way] = at
	w.later(at, act)
	if lot < 2*w.disorder {
		note("repeated")
		w.later(at+w.random(moreDelayMin, moreDelayMax), act)
	}
}
