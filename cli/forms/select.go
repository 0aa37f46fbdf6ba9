// SPDX-License-Identifier: BSD-2-Clause

// Written by `btfpack bundle --emit go`, beside btfs.tar.gz: do not edit.

// Package btfs holds the BTF of many kernels and finds the running one's.
//
// With github.com/cilium/ebpf:
//
//	choice, err := btfs.Find()
//	...
//	if choice.BTF != nil { // nil: the kernel has its own
//		spec, err := btf.LoadSpecFromReader(bytes.NewReader(choice.BTF))
//		...
//		opts.Programs.KernelTypes = spec
//	}
//	collection, err := ebpf.NewCollectionWithOptions(collectionSpec, opts)
//
// A kernel is told by build-id, by name and its other spellings, or by proof: the
// rules are those of btfpack-select(1), without its guess.
package btfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

//go:embed btfs.tar.gz
var archive []byte

// A Host is what identifies a machine's kernel; "" where it is not known.
type Host struct {
	Distro  string // os-release ID
	Release string // os-release VERSION_ID, or VERSION_CODENAME
	Arch    string // as uname -m: x86_64, aarch64
	Uname   string // as uname -r
	BuildID string // GNU build-id, hex digits
}

// A Choice is the BTF for a host.
type Choice struct {
	BTF    []byte // nil: the kernel has its own
	Match  string // build-id, name, sibling, release, uname, bracketed; kernel, file
	Kernel Host   // the kernel it was made from

	Judged   bool      // whether btfpack-check(1) judged the programs on that kernel
	Verdicts []Verdict // of those that do not just load there
}

// A Verdict is what a BPF program must expect of the kernel.
type Verdict struct {
	Object, Program string
	Loads           string // loads-without (optional fields), unsure, rejected
	Reason          string // a sentence, or ""
}

// ErrNoMatch is wrapped by the error for a kernel that has no BTF here.
var ErrNoMatch = errors.New("no BTF for this kernel")

// Find gives the BTF of the running kernel: from the file that BTFPACK_BTF names,
// the kernel's own (then Choice.BTF is nil), or from here.
func Find() (*Choice, error) {
	if path := os.Getenv("BTFPACK_BTF"); path != "" {
		data, err := os.ReadFile(path)
		return &Choice{BTF: data, Match: "file"}, err
	}
	host := Detect("/")
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil {
		return &Choice{Match: "kernel", Kernel: host}, nil
	}
	return Select(host)
}

// Detect finds out what the machine is whose file system begins at root.
func Detect(root string) Host {
	var host Host
	for _, path := range []string{"host/etc/os-release", "host/usr/lib/os-release",
		"etc/os-release", "usr/lib/os-release"} {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			continue
		}
		host.Distro, host.Release = parseOSRelease(string(text))
		if host.Distro != "" {
			break
		}
	}
	notes, _ := os.ReadFile(filepath.Join(root, "sys/kernel/notes"))
	host.BuildID = parseNotes(notes)
	host.Uname = readLine(filepath.Join(root, "proc/sys/kernel/osrelease"))
	host.Arch = readLine(filepath.Join(root, "proc/sys/kernel/arch"))
	if host.Arch == "" { // before Linux 6.1
		host.Arch = map[string]string{"amd64": "x86_64", "386": "i686", "arm64": "aarch64",
			"arm": "armv7l"}[runtime.GOARCH]
		if host.Arch == "" {
			host.Arch = runtime.GOARCH
		}
	}
	return host
}

func readLine(path string) string {
	text, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func parseOSRelease(text string) (distro, release string) {
	values := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		values[name] = value
	}
	if values["VERSION_ID"] == "" {
		values["VERSION_ID"] = values["VERSION_CODENAME"]
	}
	return values["ID"], values["VERSION_ID"]
}

func parseNotes(notes []byte) string {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for rest := notes; len(rest) >= 12; {
			name, desc := uint64(order.Uint32(rest)), uint64(order.Uint32(rest[4:]))
			kind, body := order.Uint32(rest[8:]), rest[12:]
			room := (name + 3) &^ 3
			if room+desc > uint64(len(body)) {
				break
			}
			if kind == 3 && name == 4 && string(body[:4]) == "GNU\x00" && desc > 0 {
				return hex.EncodeToString(body[room : room+desc])
			}
			room += (desc + 3) &^ 3
			if room > uint64(len(body)) {
				break
			}
			rest = body[room:]
		}
	}
	return ""
}

// --- names and their other spellings --------------------------------------------

var arches = map[string]string{"amd64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64",
	"armv8l": "aarch64", "i386": "i686", "i486": "i686", "i586": "i686", "x86": "i686",
	"armhf": "armv7l", "armv7hl": "armv7l", "armel": "armv6l", "ppc64el": "ppc64le"}

func archOf(name string) string {
	if arch := arches[name]; arch != "" {
		return arch
	}
	return name
}

var rebuilders = map[string]bool{"rhel": true, "redhat": true, "centos": true, "ol": true,
	"oracle": true, "almalinux": true, "rocky": true, "scientific": true, "eurolinux": true}

var distros = map[string]string{"sles_sap": "sles", "sled": "sles", "opensuse": "opensuse-leap",
	"amazon": "amzn", "amazonlinux": "amzn"}

var codenames = map[string]string{"debian jessie": "8", "debian stretch": "9",
	"debian buster": "10", "debian bullseye": "11", "debian bookworm": "12",
	"debian trixie": "13", "debian forky": "14", "ubuntu trusty": "14.04",
	"ubuntu xenial": "16.04", "ubuntu bionic": "18.04", "ubuntu focal": "20.04",
	"ubuntu jammy": "22.04", "ubuntu noble": "24.04"}

// A family is a distribution and release in one spelling. For RHEL and those that
// rebuild its kernels, distro is "rhel" and rebuilder tells which.
type family struct{ distro, release, rebuilder string }

func familyOf(distro, release string) family {
	f := family{distro: strings.ToLower(distro), release: release}
	if other := distros[f.distro]; other != "" {
		f.distro = other
	}
	if number := codenames[f.distro+" "+strings.ToLower(release)]; number != "" {
		f.release = number
	}
	switch {
	case rebuilders[f.distro]:
		f.distro, f.rebuilder = "rhel", f.distro
		f.release, _, _ = strings.Cut(f.release, ".")
	case f.distro == "sles" && f.release != "" && !strings.Contains(f.release, "."):
		f.release += ".0"
	case f.distro == "amzn":
		year, _ := strconv.Atoi(strings.SplitN(f.release, ".", 2)[0])
		if year >= 2011 && year <= 2018 {
			f.release = "1"
		}
	}
	return f
}

// What a uname tells by itself counts more than os-release, which in a container
// is the image's.
var marks = []struct {
	pattern *regexp.Regexp
	distro  string
}{
	{regexp.MustCompile(`\.el(\d{1,8})uek`), "ol"},
	{regexp.MustCompile(`\.el(\d{1,8})(?:[^\dA-Za-z]|$)`), "rhel"},
	{regexp.MustCompile(`\.fc(\d{1,8})(?:[^\dA-Za-z]|$)`), "fedora"},
	{regexp.MustCompile(`\.amzn(\d{1,8})(?:[^\dA-Za-z]|$)`), "amzn"},
	{regexp.MustCompile(`[.+]deb(\d{1,8})(?:[^\dA-Za-z]|$)`), "debian"},
	{regexp.MustCompile(`-lp(\d{2,8})(?:[^\dA-Za-z]|$)`), "opensuse-leap"},
}

func identify(host Host) family {
	f := familyOf(host.Distro, host.Release)
	for _, mark := range marks {
		found := mark.pattern.FindStringSubmatch(host.Uname)
		if found == nil {
			continue
		}
		release := found[1]
		if mark.distro == "opensuse-leap" {
			release = release[:len(release)-1] + "." + release[len(release)-1:]
		}
		marked := familyOf(mark.distro, release)
		if marked.distro == f.distro {
			f.release = marked.release
			return f
		}
		if mark.distro == "rhel" {
			marked.rebuilder = "" // which of them, the uname does not tell
		}
		return marked
	}
	return f
}

// --- versions -------------------------------------------------------------------

var version = regexp.MustCompile(`^\d+(?:[.-]\d+)*`)
var number = regexp.MustCompile(`\d+`)

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// compareUnames orders two unames of one flavour and tells in which of their
// numbers they first differ; ok is false for different flavours.
func compareUnames(a, b string) (order, field int, ok bool) {
	versionA, versionB := version.FindString(a), version.FindString(b)
	flavourA, flavourB := a[len(versionA):], b[len(versionB):]
	if number.ReplaceAllString(flavourA, "0") != number.ReplaceAllString(flavourB, "0") {
		return 0, 0, false
	}
	numbersA, numbersB := number.FindAllString(versionA, -1), number.FindAllString(versionB, -1)
	for field = 0; field < len(numbersA) && field < len(numbersB); field++ {
		if order = compareNumbers(numbersA[field], numbersB[field]); order != 0 {
			return order, field, true
		}
	}
	if len(numbersA) != len(numbersB) { // the one that ends earlier is older
		return len(numbersA) - len(numbersB), field, true
	}
	numbersA, numbersB = number.FindAllString(flavourA, -1), number.FindAllString(flavourB, -1)
	for i := range numbersA {
		if order = compareNumbers(numbersA[i], numbersB[i]); order != 0 {
			return order, field + i, true
		}
	}
	return 0, 0, true
}

// --- choosing -------------------------------------------------------------------

type entry struct {
	kernel        Host
	blob, verdict string
}

// A pick is the best kernel so far of one kind, and whether all of the kind agree.
type pick struct {
	count  int
	differ bool
	best   entry
}

func (p *pick) add(e entry) {
	if p.count++; p.count == 1 {
		p.best = e
	} else if p.best.blob != e.blob {
		p.differ = true
	}
}

func agree(a, b *pick) bool {
	return a.count > 0 && b.count > 0 && !a.differ && !b.differ && a.best.blob == b.best.blob
}

// Whether a build-id begins with what is kept of it. That tells two builds of one uname
// apart, and is no proof for a kernel of another name; without a uname it takes more of it.
func begins(buildID, kept, uname string) bool {
	id := strings.ToLower(buildID) + strings.Repeat("0", len(kept))
	return id[:len(kept)] == kept && (uname != "" || len(kept) >= 8)
}

type selection struct {
	host                                   Host
	family                                 family
	buildID, name, sibling, release, uname pick
	rebuild, older, newer                  pick
}

func (s *selection) offer(e entry) {
	known := s.host.BuildID != "" && e.kernel.BuildID != "-"
	same := known && begins(s.host.BuildID, e.kernel.BuildID, s.host.Uname)
	if same && (s.host.Uname == "" || s.host.Uname == e.kernel.Uname) {
		s.buildID.add(e)
	}
	if s.host.Uname == "" || archOf(e.kernel.Arch) != s.host.Arch {
		return
	}
	f := familyOf(e.kernel.Distro, e.kernel.Release)
	rank := &s.uname
	if s.family.distro != "" && f.distro == s.family.distro {
		switch {
		case f.release != s.family.release:
			rank = &s.release
		case f.rebuilder != s.family.rebuilder:
			rank = &s.sibling
		default:
			rank = &s.name
		}
	}
	if e.kernel.Uname == s.host.Uname {
		expected := f.rebuilder != "" && rank != &s.name
		if known && !same && !expected {
			rank = &s.rebuild
		}
		rank.add(e)
	} else if rank == &s.name || rank == &s.sibling {
		s.offerNeighbour(e)
	}
}

func (s *selection) offerNeighbour(e entry) {
	order, field, ok := compareUnames(e.kernel.Uname, s.host.Uname)
	if !ok || order == 0 || field < 2 {
		return
	}
	side, sign := &s.older, 1
	if order > 0 {
		side, sign = &s.newer, -1
	}
	if side.count > 0 {
		order, _, ok = compareUnames(e.kernel.Uname, side.best.kernel.Uname)
		if !ok || order*sign < 0 {
			return
		}
		if order != 0 {
			*side = pick{}
		}
	}
	side.add(e)
}

func (s *selection) finish() (match string, best entry, why string) {
	if s.buildID.count > 0 && !s.buildID.differ {
		return "build-id", s.buildID.best, ""
	}
	for _, try := range []struct {
		match string
		*pick
	}{{"name", &s.name}, {"sibling", &s.sibling}, {"release", &s.release}, {"uname", &s.uname}} {
		if try.count > 0 && try.differ {
			return "", entry{}, fmt.Sprintf("%d kernels of that name differ", try.count)
		}
		if try.count > 0 {
			return try.match, try.best, ""
		}
	}
	if s.rebuild.count > 1 && !s.rebuild.differ {
		return "bracketed", s.rebuild.best, ""
	}
	if agree(&s.older, &s.newer) && (s.rebuild.count == 0 || agree(&s.rebuild, &s.older)) {
		return "bracketed", s.older.best, ""
	}
	if s.rebuild.count > 0 {
		return "", entry{}, "only another build of it is here, and nothing proves that the two are alike"
	}
	return "", entry{}, "not here, and no kernels on either side of it that agree"
}

// Select gives the BTF for a host.
func Select(host Host) (*Choice, error) {
	host.Arch = archOf(host.Arch)
	s := selection{host: host, family: identify(host)}
	files, err := unpack()
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(files["index.txt"])), "\n") {
		words := strings.Fields(line)
		if len(words) == 7 {
			s.offer(entry{Host{words[0], words[1], words[2], words[3], words[4]}, words[5],
				words[6]})
		}
	}
	match, best, why := s.finish()
	if match == "" {
		return nil, fmt.Errorf("%w: %s %s %s %s: %s", ErrNoMatch, host.Distro, host.Release,
			host.Arch, host.Uname, why)
	}
	verdicts, judged := files[best.verdict+".verdict"]
	return &Choice{BTF: files[best.blob+".btf"], Match: match, Kernel: best.kernel,
		Judged: judged, Verdicts: parseVerdicts(string(verdicts))}, nil
}

func parseVerdicts(text string) (verdicts []Verdict) {
	for _, line := range strings.Split(text, "\n") {
		if f := strings.SplitN(line, "\t", 4); len(f) == 4 {
			verdicts = append(verdicts, Verdict{f[0], f[1], f[2], f[3]})
		}
	}
	return verdicts
}

// unpack checks the archive (gzip has a checksum) and gives its files.
func unpack() (map[string][]byte, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("btfs.tar.gz: %w", err)
	}
	files := map[string][]byte{}
	for members := tar.NewReader(zipped); ; {
		header, err := members.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, zipped)
			return files, err
		}
		if err != nil {
			return nil, fmt.Errorf("btfs.tar.gz: %w", err)
		}
		if files[header.Name], err = io.ReadAll(members); err != nil {
			return nil, fmt.Errorf("btfs.tar.gz: %w", err)
		}
	}
}
