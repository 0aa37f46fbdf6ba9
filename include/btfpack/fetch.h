/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/fetch.h - find and download the kernel debug packages of a distribution
 *
 * A fetcher reads a distribution's own signed index, lists the kernels whose
 * debug information is offered, downloads a chosen package into a cache and takes
 * the one vmlinux out of it. Nothing is believed that is not covered by the
 * distribution's signature, unless the caller allows it: the signed index names the
 * digest of each package, or the package is signed itself; one that does not match is
 * removed again.
 *
 *	struct btfpack_kernel filter = { .distro = "debian", .release = "12" };
 *	struct btfpack_list_opts latest = { .size = sizeof(latest), .latest = 1 };
 *
 *	btfpack_fetcher_open("cache", NULL, &fetcher, &err);
 *	btfpack_fetcher_list(fetcher, &filter, &latest, &list, &err);
 *	while ((more = btfpack_package_iter_next(list, &package, &err)) > 0)
 *		btfpack_fetcher_get_vmlinux(fetcher, package, "vmlinux", &err);
 *	btfpack_package_iter_free(list);
 *	btfpack_fetcher_close(fetcher);
 *
 * Calls block; the progress callback can cancel them. One thread at a time per
 * fetcher; any number of fetchers, in one process or several, may share a cache
 * directory. Signatures are checked by the program gpgv, found along PATH.
 *
 * Besides the codes of btfpack/error.h: -ECANCELED when the callback said so;
 * -ENOENT also when a server has no such file; -ENOKEY without the keyring and
 * -ENOSYS without gpgv; -ECONNREFUSED, -ECONNRESET, -EHOSTUNREACH and -ETIMEDOUT
 * for the network, after the retries.
 */
#ifndef BTFPACK_FETCH_H
#define BTFPACK_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How far a download or an extraction is. */
struct btfpack_fetch_progress {
	const char *doing; /* "downloading" or "extracting" */
	const char *what;  /* last part of the URL or path; lives for the call */
	uint64_t done;     /* bytes */
	uint64_t total;    /* bytes; 0: unknown */
};

/* Called a few times a second at least, from inside the fetcher's calls, one thread at
 * a time, which need not be the caller's. Not 0
 * cancels: the call that runs returns -ECANCELED, and what was downloaded so
 * far stays in the cache to be continued. */
typedef int (*btfpack_fetch_progress_fn)(const struct btfpack_fetch_progress *progress, void *arg);

/* Zero and NULL mean the default everywhere. Strings are copied. */
struct btfpack_fetch_opts {
	size_t size; /* sizeof(struct btfpack_fetch_opts) */

	/* Base URL of the distribution's archive (http, https, file), such as
	 * http://ftp.debian.org/debian. NULL: the mirror that this machine's apt
	 * uses for the same distribution, and where it has none, the official one. */
	const char *mirror;

	/* Base URL of the security archive. NULL: like @mirror, and where @mirror is
	 * given, "<mirror>-security". */
	const char *security_mirror;

	/* OpenPGP keys that may sign index and packages: a file as gpg --export writes
	 * it or ASCII-armored, or a directory of such. NULL: where the distribution's
	 * keyring package puts them. */
	const char *keyring;

	/* Directory under which apt's sources and the keyring are looked for. NULL: "/". */
	const char *root;

	/* Use what nobody signed, or whose keys are not there. What is signed and does
	 * not verify is refused all the same. */
	int allow_unsigned;

	/* PEM files for repositories that want to know who asks (RHEL): the client's
	 * certificate and key, and the authority that vouches for the server. NULL: none,
	 * none, the system's. */
	const char *client_cert, *client_key, *ca_file;

	/* A file, or a directory of files named *.distro, of distributions beside the
	 * built-in ones, of which it replaces those of the same name; btfpack-list(1) tells
	 * the format. NULL: none. */
	const char *distros;

	/* Base URL of the service that keeps what the distribution's archive dropped: NULL:
	 * snapshot.debian.org for Debian, Launchpad for Ubuntu; "none": do without. A
	 * package that the signed index names and the mirror lacks is taken from there. */
	const char *fallback;

	/* Debian's archives as they were on this day ("20240131", "20240131T120000Z"), by
	 * snapshot.debian.org, in place of a mirror: still signed. NULL: as they are. */
	const char *at;

	/* How often a transfer that fails for a passing reason (connection cut,
	 * timeout, server error) is tried again, with growing pauses. 0: 4 times;
	 * negative: never. Tries that bring the transfer forward do not count. A server
	 * whose name cannot be resolved is tried once more; one that could not be reached
	 * after all that is tried once for each file from then on. */
	int retries;

	btfpack_fetch_progress_fn progress; /* NULL: none */
	void *progress_arg;
};

struct btfpack_fetcher;

/* Use @cache_dir, made if missing, for downloads and for what was cut from
 * indexes. @opts may be NULL. Nothing is downloaded yet. */
int btfpack_fetcher_open(const char *cache_dir, const struct btfpack_fetch_opts *opts,
			 struct btfpack_fetcher **ret, struct btfpack_error *err);

/* NULL is fine. Lists made by it stay valid. */
void btfpack_fetcher_close(struct btfpack_fetcher *fetcher);

/* A debug package that the distribution offers. Lives as long as its list. */
struct btfpack_package {
	struct btfpack_kernel kernel; /* build_id is NULL: no index tells it */
	const char *flavour;          /* "cloud-amd64", "rt-amd64", "686-pae" */
	const char *name;             /* "linux-image-6.1.0-28-cloud-amd64-dbg" */
	const char *version;          /* "6.1.119-1" */
	const char *suite;            /* the part of the archive: "bookworm-security" */
	const char *url;
	uint64_t size;       /* bytes of the package; 0: the index does not tell */
	const char *digest;  /* of the package: "sha256:" and lower-case hex digits, or sha512,
			      * sha384, sha224, sha1; NULL: not told */
	const char *sha256;  /* the digits, if it is that; else NULL */
	int needs_signature; /* the index does not vouch for it: the package's own signature
			      * is checked when it was downloaded */
	int is_unsigned;     /* nothing need vouch for it: it was allowed */
};

/* What else chooses, besides the key of the kernel. NULL and zero: no limit. */
struct btfpack_list_opts {
	size_t size; /* sizeof(struct btfpack_list_opts) */

	/* A flavour, with or without the architecture at its end ("cloud-amd64",
	 * "cloud"), or a glob(7) pattern ("rt-*"). */
	const char *flavour;

	/* Only the newest so many of each (release, arch, flavour). */
	unsigned int latest;

	/* Also what the archive dropped and the fallback service has: hundreds of
	 * requests. Nobody signed its answers, so only with allow_unsigned. */
	int expired;
};

struct btfpack_package_iter;

/*
 * Fetch the index of every suite that @filter leaves and list the debug packages
 * in it. @filter->distro must be set. @release may be a number or a code name;
 * @arch any usual spelling; @uname a glob(7) pattern. A package found in several
 * suites is listed once. Order: release as the distribution published them, arch,
 * flavour, newest version first in the distribution's own order.
 *
 * A suite that need not exist and does not (backports of an old release) is
 * passed over with a word to the log. An index that cannot be had or verified is
 * left out whole: the packages of the others are listed, and iter_next() ends
 * with the error instead of 0. -EINVAL for an unknown distribution or release.
 */
int btfpack_fetcher_list(struct btfpack_fetcher *fetcher, const struct btfpack_kernel *filter,
			 const struct btfpack_list_opts *opts, struct btfpack_package_iter **ret,
			 struct btfpack_error *err);

/* 1 and the next package in *@ret, 0 at the end, negative when indexes failed
 * (see btfpack_fetcher_list()); @err then tells the first failure. */
int btfpack_package_iter_next(struct btfpack_package_iter *iter, const struct btfpack_package **ret,
			      struct btfpack_error *err);

/* NULL is fine. */
void btfpack_package_iter_free(struct btfpack_package_iter *iter);

/* Download @package, or continue a download that was cut, or use the one in the
 * cache; its digest and, where the index is not signed, its signature are verified in
 * each case. *@path_ret is the file in the cache,
 * to be free()d. */
int btfpack_fetcher_download(struct btfpack_fetcher *fetcher, const struct btfpack_package *package,
			     char **path_ret, struct btfpack_error *err);

/* Download @package and write the vmlinux in it to @path, which appears whole or
 * not at all. */
int btfpack_fetcher_get_vmlinux(struct btfpack_fetcher *fetcher,
				const struct btfpack_package *package, const char *path,
				struct btfpack_error *err);

/* Bytes that came over the network so far, or from file: URLs. */
uint64_t btfpack_fetcher_received(const struct btfpack_fetcher *fetcher);

/* Remove @package from the cache, finished or partial. Not there is fine. */
int btfpack_fetcher_drop(struct btfpack_fetcher *fetcher, const struct btfpack_package *package,
			 struct btfpack_error *err);

/* Write the vmlinux of kernel @uname out of the .deb or .rpm file @package_path to the
 * empty file @fd. -EBADMSG when the package has none or is damaged; -EFBIG when it
 * unpacks to more than any kernel does. */
int btfpack_package_extract(const char *package_path, const char *uname, int fd,
			    struct btfpack_error *err);

#define BTFPACK_UNAME_SIZE 128 /* of a `uname -r`, its NUL included */

/* The same of whatever kernel the package is, whose `uname -r` the place of the vmlinux
 * tells. */
int btfpack_package_find(const char *package_path, int fd, char uname_ret[BTFPACK_UNAME_SIZE],
			 struct btfpack_error *err);

/*
 * The vmlinux in a package file, a part at a time. A Debian package is made of blocks
 * that decode by themselves: what nobody asks for is not decoded.
 *
 *	btfpack_vmlinux_open(path, uname, NULL, &vmlinux, &err);
 *	if (btfpack_vmlinux_size(vmlinux))
 *		btfpack_convert_parts(btfpack_vmlinux_read, vmlinux,
 *				      btfpack_vmlinux_size(vmlinux), &parts, &err);
 *	btfpack_vmlinux_extract(vmlinux, parts.parts, parts.count, 0, fd, &err);
 *	btfpack_vmlinux_close(vmlinux);
 *
 * One thread at a time per handle. Nothing of the file is trusted, but whether it is the
 * right one was checked by whoever downloaded it.
 */
struct btfpack_vmlinux_opts {
	size_t size;                        /* sizeof(struct btfpack_vmlinux_opts) */
	const char *name;                   /* of the package, in errors; NULL: its path */
	btfpack_fetch_progress_fn progress; /* NULL: none; "extracting", in blocks or bytes */
	void *progress_arg;

	/* Who has more to compute than this shares out the processors: called by each
	 * thread before it decodes a block, and after; of what comes as a stream by the one
	 * thread, which does not keep it while it waits for bytes. 0 from @begin ends the thread, which
	 * is asked for again after the next block; the caller's own @must begin. Both or
	 * none; NULL: all threads run. */
	int (*begin)(void *arg, int must);
	void (*end)(void *arg);
	void *turn_arg;
};

struct btfpack_vmlinux;

/* @opts may be NULL. Errors as btfpack_package_extract(). */
int btfpack_vmlinux_open(const char *package_path, const char *uname,
			 const struct btfpack_vmlinux_opts *opts, struct btfpack_vmlinux **ret,
			 struct btfpack_error *err);
/* NULL is fine. */
void btfpack_vmlinux_close(struct btfpack_vmlinux *vmlinux);

/*
 * The same of a package that is still on its server, of which only what is read is
 * downloaded: 9 of 283 MB tell whether a kernel of Debian has BTF of its own, 74 its
 * types. What comes is held against the checksums of the blocks; **nothing verifies that
 * it is the package that the index means**, which takes all of it. The fetcher belongs to
 * @ret until that is closed. -EOPNOTSUPP when the package has no parts, or the server
 * does not send any: download it.
 */
int btfpack_fetcher_open_remote(struct btfpack_fetcher *fetcher,
				const struct btfpack_package *package, struct btfpack_vmlinux **ret,
				struct btfpack_error *err);

/*
 * The same while the package is downloaded: one thread downloads, another decodes what is
 * there, and has done so, mostly, when the last byte comes.
 *
 *	btfpack_arrival_new(&arrival, &err);
 *	one thread      btfpack_fetcher_download_along(fetcher, package, arrival, &path, &err);
 *	another         btfpack_arrival_open_vmlinux(arrival, package, NULL, &vmlinux, &err);
 *	                btfpack_vmlinux_extract(vmlinux, parts, count, 0, fd, &err);
 *	when both have  btfpack_arrival_check(arrival, vmlinux, &err);
 *	                btfpack_vmlinux_close(vmlinux);
 *	                btfpack_arrival_free(arrival);
 *
 * **Nothing of what is read so is verified** before the download ended well and the check
 * gave 0: until then it is not to be used. Whatever fails on the way, a download that is
 * continued elsewhere, a package whose blocks do not tell where vmlinux is, is a reason to
 * wait for the download and to open the file then, not one to tell anybody.
 */
struct btfpack_arrival;

/* Serves for one download. */
int btfpack_arrival_new(struct btfpack_arrival **ret, struct btfpack_error *err);
/* When nobody downloads or reads it any more. NULL is fine. */
void btfpack_arrival_free(struct btfpack_arrival *arrival);
/* There will be no download: nobody need wait. NULL is fine. */
void btfpack_arrival_cancel(struct btfpack_arrival *arrival);

/* As btfpack_fetcher_download(), told to @arrival. However
 * it ends, whoever waits for bytes then goes on, with an error. */
int btfpack_fetcher_download_along(struct btfpack_fetcher *fetcher,
				   const struct btfpack_package *package,
				   struct btfpack_arrival *arrival, char **path_ret,
				   struct btfpack_error *err);

/* As btfpack_vmlinux_open(); waits, as do all reads, until the bytes are there. A package
 * without parts is decoded from its start on as it comes. -EOPNOTSUPP when only a whole
 * package can be read, -ESTALE when the bytes will not come. */
int btfpack_arrival_open_vmlinux(struct btfpack_arrival *arrival,
				 const struct btfpack_package *package,
				 const struct btfpack_vmlinux_opts *opts,
				 struct btfpack_vmlinux **ret, struct btfpack_error *err);

/* After a download that ended well: 0 when what was read through @vmlinux is what was
 * verified. */
int btfpack_arrival_check(struct btfpack_arrival *arrival, struct btfpack_vmlinux *vmlinux,
			  struct btfpack_error *err);

/* Bytes of the whole; 0 when the package can only be read from its start on: then it has
 * no parts. */
uint64_t btfpack_vmlinux_size(const struct btfpack_vmlinux *vmlinux);

/* How many bytes it has, of a package without parts, too: everything before vmlinux is
 * decoded for the answer, and btfpack_vmlinux_extract() goes on from there. Errors as
 * btfpack_package_extract(). */
int btfpack_vmlinux_find(struct btfpack_vmlinux *vmlinux, uint64_t *size_ret,
			 struct btfpack_error *err);

/* A btfpack_read_fn: @vmlinux is the handle. Only with parts. The blocks read last are
 * kept for btfpack_vmlinux_extract(). */
int btfpack_vmlinux_read(void *vmlinux, uint64_t offset, void *ret, size_t size,
			 struct btfpack_error *err);

/* Write @count @parts (NULL, or of a package without parts: everything) to their places in
 * the empty file @fd, which gets the size of the whole, with holes where nothing was
 * asked for. @threads decode at a time (0: one a processor), each with the memory of
 * a block or two: 45 MB in Debian's. */
int btfpack_vmlinux_extract(struct btfpack_vmlinux *vmlinux, const struct btfpack_part *parts,
			    size_t count, unsigned int threads, int fd, struct btfpack_error *err);

/*
 * Who takes the modules out of a package. @open is called for each, with the size that
 * it has in the package, and gives a file descriptor to write it to, positioned at its
 * start; @done is called when it is written, with @why when the module by itself is
 * damaged, and owns the descriptor. Either gives a negative code, with @err filled, to
 * end the walk. Names are as lsmod prints them ("nf_nat" for nf-nat.ko.xz).
 */
#define BTFPACK_MODULE_NAME_SIZE 128 /* the NUL included; files of longer names are none */

struct btfpack_module_sink {
	int (*open)(void *arg, const char *name, uint64_t size, struct btfpack_error *err);
	int (*done)(void *arg, const char *name, int fd, const struct btfpack_error *why,
		    struct btfpack_error *err);
	void *arg;
};

/* Give every module of the package that @vmlinux is of to @sink, in the package's order:
 * files named *.ko, *.ko.debug, *.ko.xz, *.ko.zst, *.ko.gz below usr/lib/debug and
 * lib/modules/UNAME, decoded. The package is read once more for it; where it comes in
 * blocks, those of vmlinux are not decoded. Of one that is on its server all is read. */
int btfpack_vmlinux_modules(struct btfpack_vmlinux *vmlinux, const struct btfpack_module_sink *sink,
			    struct btfpack_error *err);

/* The same for the directory @dir and all below it, in the order of their paths: files of
 * these names, decoded, and, as they lie in /sys/kernel/btf, files without a dot in their
 * name that begin as BTF does, but for one called vmlinux. Links are not followed. */
int btfpack_directory_modules(const char *dir, const struct btfpack_module_sink *sink,
			      struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
