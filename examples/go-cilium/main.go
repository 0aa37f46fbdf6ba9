// SPDX-License-Identifier: BSD-2-Clause

// A tool on github.com/cilium/ebpf that carries its BTF along: ./btfs is what
// `btfpack bundle --emit go -o btfs` wrote. Counts execs per parent for a few
// seconds, without cgo.
//
//	execcount [OBJECT [SECONDS]]
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"example/execcount/btfs"
)

func main() {
	path, seconds := "execcount.bpf.o", 5
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if len(os.Args) > 2 {
		seconds, _ = strconv.Atoi(os.Args[2])
	}
	if err := run(path, time.Duration(seconds)*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options makes the library relocate with the BTF that this kernel needs.
func options() (opts ebpf.CollectionOptions, err error) {
	choice, err := btfs.Find()
	if err != nil {
		return opts, err
	}
	fmt.Fprintf(os.Stderr, "BTF of %s by %s\n", choice.Kernel.Uname, choice.Match)
	if choice.BTF != nil { // else the kernel has its own
		opts.Programs.KernelTypes, err = btf.LoadSpecFromReader(bytes.NewReader(choice.BTF))
	}
	return opts, err
}

func run(path string, duration time.Duration) error {
	opts, err := options()
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
	collection, err := ebpf.NewCollectionWithOptions(spec, opts)
	if err != nil {
		return err
	}
	defer collection.Close()
	attached, err := link.Tracepoint("sched", "sched_process_exec", collection.Programs["count"], nil)
	if err != nil {
		return err
	}
	defer attached.Close()
	time.Sleep(duration)

	var parent int32
	var count int64
	counts := collection.Maps["counts"].Iterate()
	for counts.Next(&parent, &count) {
		fmt.Printf("%7d %d\n", parent, count)
	}
	return counts.Err()
}
