// SPDX-License-Identifier: BSD-2-Clause

// A gadget of btfpack in a tool on github.com/cilium/ebpf: the object is loaded as it
// is, its options and events are read by the object's own BTF, and the kernel's BTF
// comes from ./btfs, which `btfpack bundle --emit go -o btfs execsnoop.bpf.o` wrote.
// Prints new processes until it is ended. No cgo.
//
//	gadget EXECSNOOP.bpf.o
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"example/gadget/btfs"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gadget EXECSNOOP.bpf.o")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// kernelTypes gives the running kernel's BTF, from the kernel itself or from ./btfs.
func kernelTypes() (*btf.Spec, error) {
	choice, err := btfs.Find()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "BTF of %s by %s\n", choice.Kernel.Uname, choice.Match)
	if choice.BTF == nil {
		return btf.LoadKernelSpec()
	}
	return btf.LoadSpecFromReader(bytes.NewReader(choice.BTF))
}

// A layout finds members of a struct by their dotted names.
type layout struct {
	of    *btf.Struct
	order binary.ByteOrder
}

func (l layout) offset(path string) uint32 {
	at, composite := uint32(0), l.of
	for _, name := range strings.Split(path, ".") {
		for _, member := range composite.Members {
			if member.Name == name {
				at += member.Offset.Bytes()
				composite, _ = member.Type.(*btf.Struct)
				break
			}
		}
	}
	return at
}

func (l layout) u32(data []byte, path string) uint32 {
	return l.order.Uint32(data[l.offset(path):])
}

func (l layout) setU32(data []byte, path string, value uint32) {
	l.order.PutUint32(data[l.offset(path):], value)
}

// layoutOf tells what the values of a map look like.
func layoutOf(spec *ebpf.CollectionSpec, name string) (layout, error) {
	if m := spec.Maps[name]; m != nil {
		if value, ok := m.Value.(*btf.Struct); ok {
			return layout{value, spec.ByteOrder}, nil
		}
	}
	return layout{}, fmt.Errorf("no map '%s' with a struct in it: not a gadget", name)
}

// A source gives one event after the other.
type source func() ([]byte, error)

func openRing(m *ebpf.Map) (source, error) {
	reader, err := ringbuf.NewReader(m)
	return func() ([]byte, error) {
		record, err := reader.Read()
		return record.RawSample, err
	}, err
}

func openPerf(m *ebpf.Map) (source, error) {
	reader, err := perf.NewReader(m, 1<<18)
	return func() ([]byte, error) {
		record, err := reader.Read()
		return record.RawSample, err
	}, err
}

// chooseBuffer makes "events" what the gadget's programs will find it to be: a ring
// buffer where the kernel knows it, a perf event array elsewhere.
func chooseBuffer(spec *ebpf.CollectionSpec, types *btf.Spec) func(*ebpf.Map) (source, error) {
	if _, err := types.AnyTypeByName("bpf_ringbuf"); err != nil {
		return openPerf
	}
	events := spec.Maps["events"]
	events.Type, events.KeySize, events.ValueSize, events.MaxEntries = ebpf.RingBuf, 0, 0, 1<<18
	return openRing
}

// attach stands every program on the tracepoint that its section names.
func attach(spec *ebpf.CollectionSpec, collection *ebpf.Collection) error {
	for name, program := range collection.Programs {
		words := strings.Split(spec.Programs[name].SectionName, "/")
		if len(words) != 3 || words[0] != "tracepoint" {
			return fmt.Errorf("%s: only tracepoints are known here", spec.Programs[name].SectionName)
		}
		if _, err := link.Tracepoint(words[1], words[2], program, nil); err != nil {
			return err
		}
	}
	return nil
}

func print(event layout, data []byte) {
	comm := data[event.offset("process.comm"):][:16]
	args := data[event.offset("args.data"):][:event.u32(data, "args.size")]
	fmt.Printf("%s %d %d %d %s\n", bytes.TrimRight(comm, "\x00"), event.u32(data, "process.pid"),
		event.u32(data, "ppid"), int32(event.u32(data, "ret")),
		bytes.ReplaceAll(bytes.TrimRight(args, "\x00"), []byte{0}, []byte{' '}))
}

func run(path string) error {
	types, err := kernelTypes()
	if err != nil {
		return err
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return err
	}
	event, err := layoutOf(spec, "event")
	if err != nil {
		return err
	}
	options, err := layoutOf(spec, "options")
	if err != nil {
		return err
	}
	open := chooseBuffer(spec, types)
	collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Programs: ebpf.ProgramOptions{KernelTypes: types}})
	if err != nil {
		return err
	}
	defer collection.Close()
	values := make([]byte, options.of.Size)
	options.setU32(values, "filter.uid", 0xffffffff) // GADGET_ANY
	if err := collection.Maps["options"].Put(uint32(0), values); err != nil {
		return err
	}
	next, err := open(collection.Maps["events"])
	if err != nil {
		return err
	}
	if err := attach(spec, collection); err != nil {
		return err
	}
	for {
		data, err := next()
		if err != nil {
			return err
		}
		if len(data) > 0 { // a perf event that was lost has none
			print(event, data)
		}
	}
}
