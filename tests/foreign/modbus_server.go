// A Modbus server of another stack, for one client at a time as many gateways are.
//
// Program: ports TCP and RTU-over-TCP. Standard input takes one command a line:
//   set UNIT SPACE START WORD...   (SPACE hr, ir, co, di; words are numbers)
//   drop UNIT SPACE START          that address no longer exists
//   limit N                        the most registers of one request
//   exception UNIT CODE            every request to the unit ends so; 0 ends that
//   silent UNIT MS                 the unit answers that late; 0 ends that
//   pairs UNIT                     only whole blocks of two registers can be read
//   witness FILE                   note each answer there: MICROSECONDS SPACE START WORD...
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/simonvetter/modbus"
)

type plant struct {
	lock       sync.Mutex
	words      map[string]uint16
	limit      int
	exceptions map[uint8]int
	late       map[uint8]time.Duration
	pairs      map[uint8]bool
	requests   int
	witness    *os.File
}

func key(unit uint8, space string, address uint16) string {
	return fmt.Sprintf("%d/%s/%d", unit, space, address)
}

var failures = map[int]error{
	1: modbus.ErrIllegalFunction, 2: modbus.ErrIllegalDataAddress, 3: modbus.ErrIllegalDataValue,
	4: modbus.ErrServerDeviceFailure, 6: modbus.ErrServerDeviceBusy,
	10: modbus.ErrGWPathUnavailable, 11: modbus.ErrGWTargetFailedToRespond,
}

func (p *plant) read(unit uint8, space string, start uint16, count uint16) ([]uint16, error) {
	p.lock.Lock()
	late := p.late[unit]
	p.lock.Unlock()
	time.Sleep(late)
	p.lock.Lock()
	defer p.lock.Unlock()
	p.requests++
	if code := p.exceptions[unit]; code != 0 {
		return nil, failures[code]
	}
	if int(count) > p.limit {
		return nil, modbus.ErrIllegalDataValue
	}
	if p.pairs[unit] && (start%2 != 0 || count != 2) {
		return nil, modbus.ErrIllegalDataAddress
	}
	found := []uint16{}
	for n := 0; n < int(count); n++ {
		word, there := p.words[key(unit, space, start+uint16(n))]
		if !there {
			return nil, modbus.ErrIllegalDataAddress
		}
		found = append(found, word)
	}
	if p.witness != nil {
		words := strings.Trim(fmt.Sprint(found), "[]")
		fmt.Fprintln(p.witness, time.Now().UnixMicro(), space, start, words)
	}
	return found, nil
}

func bits(words []uint16, err error) ([]bool, error) {
	found := []bool{}
	for _, word := range words {
		found = append(found, word != 0)
	}
	return found, err
}

func (p *plant) HandleCoils(r *modbus.CoilsRequest) ([]bool, error) {
	return bits(p.read(r.UnitId, "co", r.Addr, r.Quantity))
}

func (p *plant) HandleDiscreteInputs(r *modbus.DiscreteInputsRequest) ([]bool, error) {
	return bits(p.read(r.UnitId, "di", r.Addr, r.Quantity))
}

func (p *plant) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	return p.read(r.UnitId, "hr", r.Addr, r.Quantity)
}

func (p *plant) HandleInputRegisters(r *modbus.InputRegistersRequest) ([]uint16, error) {
	return p.read(r.UnitId, "ir", r.Addr, r.Quantity)
}

func crc(frame []byte) []byte {
	sum := uint16(0xffff)
	for _, one := range frame {
		sum ^= uint16(one)
		for bit := 0; bit < 8; bit++ {
			odd := sum&1 == 1
			sum >>= 1
			if odd {
				sum ^= 0xa001
			}
		}
	}
	return []byte{byte(sum), byte(sum >> 8)}
}

// A serial line: frames without numbers, each closed by its check sum. Reading requests are 8 bytes.
func (p *plant) line(link net.Conn) {
	defer link.Close()
	frame := make([]byte, 8)
	for {
		if _, err := io.ReadFull(link, frame); err != nil {
			return
		}
		if check := crc(frame[:6]); check[0] != frame[6] || check[1] != frame[7] {
			return
		}
		spaces := map[byte]string{1: "co", 2: "di", 3: "hr", 4: "ir"}
		start := uint16(frame[2])<<8 | uint16(frame[3])
		count := uint16(frame[4])<<8 | uint16(frame[5])
		words, err := p.read(frame[0], spaces[frame[1]], start, count)
		answer := []byte{frame[0], frame[1]}
		if err != nil {
			code := 4
			for known, failure := range failures {
				if failure == err {
					code = known
				}
			}
			answer = []byte{frame[0], frame[1] | 0x80, byte(code)}
		} else if frame[1] < 3 {
			packed := make([]byte, (count+7)/8)
			for n, word := range words {
				if word != 0 {
					packed[n/8] |= 1 << (n % 8)
				}
			}
			answer = append(append(answer, byte(len(packed))), packed...)
		} else {
			answer = append(answer, byte(2*count))
			for _, word := range words {
				answer = append(answer, byte(word>>8), byte(word))
			}
		}
		if _, err := link.Write(append(answer, crc(answer)...)); err != nil {
			return
		}
	}
}

func (p *plant) serve(port string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	for {
		link, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		p.line(link) // one client at a time
	}
}

func number(text string) int {
	found, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return found
}

func (p *plant) command(words []string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if words[0] == "witness" {
		file, err := os.OpenFile(words[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			log.Fatal(err)
		}
		p.witness = file
		return
	}
	first := number(words[1])
	unit := uint8(first)
	switch words[0] {
	case "set":
		for n, word := range words[4:] {
			p.words[key(unit, words[2], uint16(number(words[3])+n))] = uint16(number(word))
		}
	case "drop":
		delete(p.words, key(unit, words[2], uint16(number(words[3]))))
	case "limit":
		p.limit = first
	case "exception":
		p.exceptions[unit] = number(words[2])
	case "silent":
		p.late[unit] = time.Duration(number(words[2])) * time.Millisecond
	case "pairs":
		p.pairs[unit] = true
	}
}

func main() {
	p := &plant{
		words: map[string]uint16{}, limit: 125,
		exceptions: map[uint8]int{}, late: map[uint8]time.Duration{}, pairs: map[uint8]bool{},
	}
	server, err := modbus.NewServer(&modbus.ServerConfiguration{
		URL: "tcp://127.0.0.1:" + os.Args[1], MaxClients: 1, Logger: log.New(io.Discard, "", 0),
	}, p)
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		log.Fatal(err)
	}
	go p.serve(os.Args[2])
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		p.command(strings.Fields(lines.Text()))
		fmt.Println("done", p.requests)
	}
}
