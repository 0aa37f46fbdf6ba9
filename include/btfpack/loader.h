/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/loader.h - which BTF does this machine need?
 *
 * A BPF program compiled once finds its way around any kernel by that kernel's
 * BTF. Kernels without BTF need it brought along: a tool ships a bundle, one file
 * with the BTF of thousands of kernels, and opens a loader, which finds the right
 * one. In this order:
 *
 *  1. the file that the caller names, or else the environment (BTFPACK_BTF);
 *  2. the kernel's own, /sys/kernel/btf/vmlinux;
 *  3. the bundle;
 *  4. an error that says what was looked for, and where.
 *
 *	struct btfpack_loader *loader;
 *	struct btfpack_error err;
 *	LIBBPF_OPTS(bpf_object_open_opts, opts);
 *
 *	if (btfpack_loader_open("tool.bundle", NULL, &loader, &err) < 0)
 *		return complain(err.message);
 *	opts.btf_custom_path = btfpack_loader_btf_path(loader);
 *	object = bpf_object__open_file("tool.bpf.o", &opts);
 *	bpf_object__load(object);
 *	btfpack_loader_close(loader);		// not before the load: see below
 *
 * From a bundle, a kernel is told by the GNU build-id in /sys/kernel/notes, which
 * with the uname is exact; else by distribution, release, architecture and `uname -r`; else by
 * proof: where the next older and the next newer kernel of its series need the
 * same bytes, so does it. A kernel that merely looks like another is never
 * chosen, unless BTFPACK_LOADER_NEAREST asks for it: BTF of another kernel loads
 * without complaint and then reads wrong memory.
 *
 * What libbpf does with a custom BTF: it resolves CO-RE relocations. fentry,
 * struct_ops and kernel symbols still need the BTF of the running kernel itself.
 *
 * The loader links libc and, if it was there when it was built, libzstd. It keeps
 * no global state, starts no thread, prints nothing and leaves no file behind. What
 * it needs while it searches (under 1 MB for 5,000 kernels) is freed before open
 * returns. One thread per handle at a time; any
 * number of handles. This header is fine for C++.
 */
#ifndef BTFPACK_LOADER_H
#define BTFPACK_LOADER_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The shared library exports what is marked so, and nothing else. */
#define BTFPACK_EXPORT __attribute__((visibility("default")))

/*
 * What identifies a machine's kernel. Strings are NUL-terminated; "" means that
 * it is not known.
 *
 * @distro    os-release ID: "debian", "ubuntu", "centos"
 * @release   os-release VERSION_ID, or VERSION_CODENAME where there is none
 * @arch      as `uname -m`: "x86_64", "aarch64"
 * @uname     as `uname -r`: "6.1.0-28-cloud-amd64"
 * @build_id  GNU build-id of the kernel, lower-case hex digits
 */
struct btfpack_host {
	char distro[64];
	char release[64];
	char arch[64];
	char uname[128];
	char build_id[72];
};

/*
 * Find out what this machine is. @root is where its file system begins ("/host"
 * in a container that has it mounted there); NULL is "/". Read are, below @root:
 * sys/kernel/notes; host/etc/os-release if there is one, else etc/os-release,
 * else usr/lib/os-release; and when @root is given, proc/sys/kernel/osrelease
 * and proc/sys/kernel/arch, falling back on uname(2).
 *
 * What cannot be found is left empty: that is no error. -EINVAL when @root is
 * too long a path; an errno of uname(2).
 */
BTFPACK_EXPORT int btfpack_host_detect(const char *root, struct btfpack_host *ret,
				       struct btfpack_error *err);

#define BTFPACK_LOADER_NEAREST	     (1U << 0) /* without a match, take the nearest kernel's */
#define BTFPACK_LOADER_IGNORE_ENV    (1U << 1) /* do not look at BTFPACK_BTF */
#define BTFPACK_LOADER_IGNORE_KERNEL (1U << 2) /* do not use the kernel's own BTF */

/*
 * Zero means the default, everywhere. All is borrowed until open returns.
 *
 * @size          sizeof(struct btfpack_loader_opts)
 * @flags         BTFPACK_LOADER_*
 * @root          where the host's file system begins; NULL: "/"
 * @btf_file      BTF to use whatever the host is; NULL: the environment's
 * @host          choose for this kernel instead of the running one; neither the
 *                environment nor the kernel's own BTF are then looked at
 * @name          what to call a bundle in memory in sentences; NULL: "bundle"
 * @explain       receives, also when open fails, what btfpack_loader_reason()
 *                tells; NULL: nothing
 * @explain_size  bytes there; 2048 hold any reason, longer ones are cut
 */
struct btfpack_loader_opts {
	size_t size;
	uint32_t flags;
	const char *root;
	const char *btf_file;
	const struct btfpack_host *host;
	const char *name;
	char *explain;
	size_t explain_size;
};

struct btfpack_loader;

/*
 * Find this host's BTF. @bundle_path may be NULL: then the first two steps are
 * all there is. @opts may be NULL. Close *@ret with btfpack_loader_close().
 *
 * -ENOENT      no BTF for this host, or no such file: the sentence tells which
 * -EBADMSG     the bundle or the named BTF file is damaged, or no regular file
 * -EOPNOTSUPP  the bundle is of a version that this loader does not read
 * -ENOSYS      the bundle is compressed and this loader was built without zstd
 * -EINVAL      @opts has a flag or a size from a later btfpack
 * -EFBIG, -ENOMEM, or the system's errno
 */
BTFPACK_EXPORT int btfpack_loader_open(const char *bundle_path,
				       const struct btfpack_loader_opts *opts,
				       struct btfpack_loader **ret, struct btfpack_error *err);

/* The same with a bundle in memory, for programs that embed it: @size bytes at
 * @bundle, of any alignment, read until this returns and not kept. */
BTFPACK_EXPORT int btfpack_loader_open_mem(const void *bundle, size_t size,
					   const struct btfpack_loader_opts *opts,
					   struct btfpack_loader **ret, struct btfpack_error *err);

/* Release the BTF and all that was lent. NULL is fine. */
BTFPACK_EXPORT void btfpack_loader_close(struct btfpack_loader *loader);

/*
 * A path to the BTF, for bpf_object_open_opts.btf_custom_path: libbpf opens it
 * during bpf_object__load(), so close the loader after that. It is the named
 * file, or /proc/self/fd/N with N an open descriptor on memory. NULL when the
 * kernel has its own BTF: libbpf takes NULL for just that, so callers need no
 * branch (with opts.root, the path of the kernel's BTF below it).
 */
BTFPACK_EXPORT const char *btfpack_loader_btf_path(const struct btfpack_loader *loader);

/* The BTF's bytes, and how many, until close. NULL and 0 for the kernel's own. */
BTFPACK_EXPORT const void *btfpack_loader_btf_data(const struct btfpack_loader *loader,
						   size_t *size_ret);

/* What was tried, in order, and why it won or lost: lines without a newline at
 * the end, of which the last one tells the choice. Lives until close. */
BTFPACK_EXPORT const char *btfpack_loader_reason(const struct btfpack_loader *loader);

/* Where the BTF comes from. */
enum btfpack_source {
	BTFPACK_SOURCE_FILE = 1,   /* opts.btf_file or BTFPACK_BTF */
	BTFPACK_SOURCE_KERNEL = 2, /* the kernel's own */
	BTFPACK_SOURCE_BUNDLE = 3,
};
BTFPACK_EXPORT enum btfpack_source btfpack_loader_source(const struct btfpack_loader *loader);

/* How a kernel of the bundle was found to be the host's, the surest first. */
enum btfpack_match {
	BTFPACK_MATCH_NONE = 0,	     /* the BTF is not from a bundle */
	BTFPACK_MATCH_BUILD_ID = 1,  /* the same build */
	BTFPACK_MATCH_NAME = 2,	     /* same distribution, release, architecture, uname */
	BTFPACK_MATCH_SIBLING = 3,   /* same uname, in a rebuild of the same distribution */
	BTFPACK_MATCH_RELEASE = 4,   /* same uname, in another release of the distribution */
	BTFPACK_MATCH_UNAME = 5,     /* same uname, and no two such kernels differ */
	BTFPACK_MATCH_BRACKETED = 6, /* what kernels on either side of it agree on */
	BTFPACK_MATCH_NEAREST = 7,   /* a guess, asked for */
};
BTFPACK_EXPORT enum btfpack_match btfpack_loader_match(const struct btfpack_loader *loader);

/* The word for a match in texts: "build-id", "name", ... Static; "none" if none. */
BTFPACK_EXPORT const char *btfpack_match_name(enum btfpack_match match);

/* The kernel of the bundle whose BTF this is; when not from a bundle, the host.
 * Of its build-id the first digits are known, four as a rule. Lives until close. */
BTFPACK_EXPORT const struct btfpack_host *btfpack_loader_kernel(const struct btfpack_loader *loader);

/* The host it was chosen for. Lives until close. */
BTFPACK_EXPORT const struct btfpack_host *btfpack_loader_host(const struct btfpack_loader *loader);

/*
 * Whether the programs of the bundle's BPF objects load on this kernel: what `btfpack
 * check` found when the bundle was made, so that a tool can say why something will
 * not work before it tries. Known when the BTF is from a bundle that was made for
 * objects; else there are 0 programs.
 */
enum btfpack_loads {
	BTFPACK_LOADS = 0,
	BTFPACK_LOADS_WITHOUT = 1, /* without some optional fields: it asks first */
	BTFPACK_LOADS_UNSURE = 2,  /* BTF does not know what it attaches to */
	BTFPACK_LOADS_NOT = 3,	   /* libbpf or the kernel will refuse it */
};

struct btfpack_program {
	const char *object;  /* file name of the BPF object: "execsnoop.bpf.o" */
	const char *program; /* the C function */
	enum btfpack_loads loads;
	const char *reason; /* "no member w in struct z"; "" when there is nothing to say */
};

/* How many programs are known of. */
BTFPACK_EXPORT size_t btfpack_loader_count_programs(const struct btfpack_loader *loader);

/* Program @index, from 0, in the order of the objects; NULL when there are fewer.
 * Lives until close. */
BTFPACK_EXPORT const struct btfpack_program *
btfpack_loader_program(const struct btfpack_loader *loader, size_t index);

/* The word for it, as `btfpack check` says it: "loads", "loads-without", "unsure",
 * "rejected". Static. */
BTFPACK_EXPORT const char *btfpack_loads_name(enum btfpack_loads loads);

/* The programs that cannot load, for people: lines "PROGRAM (OBJECT): REASON" joined by
 * "\n". NULL when there are none, or nothing is known. Lives until close. */
BTFPACK_EXPORT const char *btfpack_loader_verdict(const struct btfpack_loader *loader);

#ifdef __cplusplus
}
#endif
#endif
