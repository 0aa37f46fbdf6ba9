// SPDX-License-Identifier: BSD-2-Clause

// A tool that carries its BTF along: ./btfs is what `btfpack bundle --emit go -o
// btfs` wrote, and finds the running kernel's BTF without cgo. Prints what it
// chose, for this host or the one below the directory that is its argument.
package main

import (
	"fmt"
	"os"

	"example/execcount/btfs"
)

func main() {
	choice, err := find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s %s %d\n", choice.Match, choice.Kernel.Uname, len(choice.BTF))
	for _, v := range choice.Verdicts {
		fmt.Printf("%s (%s): %s: %s\n", v.Program, v.Object, v.Loads, v.Reason)
	}
	// With github.com/cilium/ebpf, from here on:
	//
	//	if choice.BTF != nil {
	//		spec, err := btf.LoadSpecFromReader(bytes.NewReader(choice.BTF))
	//		...
	//		opts.Programs.KernelTypes = spec
	//	}
	//	collection, err := ebpf.NewCollectionWithOptions(objects, opts)
}

func find() (*btfs.Choice, error) {
	if len(os.Args) > 1 {
		return btfs.Select(btfs.Detect(os.Args[1]))
	}
	return btfs.Find()
}
