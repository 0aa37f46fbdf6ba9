/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one vmlinux out of a package file: no path of the package is ever used to make
 * a file, only compared; nothing but a regular file that begins like an ELF file
 * counts; and reading stops when it is out.
 *
 * Two ways lead to it. A Debian package whose data is an xz file of several blocks is
 * read where it is needed (vmlinux*.c); every other as a stream, from the start
 * (package.c), be it a file or still on its way.
 */
#ifndef FETCHER_PACKAGE_H
#define FETCHER_PACKAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/fetch.h>

struct archive;
struct archive_entry;
struct byte_source;

/* Limits: no kernel's vmlinux has 4 GiB, no package a million files, and no payload of
 * debug information compresses to less than a hundredth; 64 MiB are free, for small
 * packages of zeroes. */
#define VMLINUX_MAXIMUM       ((int64_t)4 << 30)
#define AR_MEMBERS_MAXIMUM    16
#define ENTRIES_MAXIMUM       1000000
#define PAYLOAD_MAXIMUM(size) (((uint64_t)64 << 20) + (size)*100)

/* What is extracted, and who wants to know how far it is. All borrowed. */
struct extraction {
	const char *path;
	const struct byte_source *source; /* that takes; NULL: the file at @path */
	const char *what; /* named in errors */
	const char *uname; /* NULL: of whatever kernel it is */
	btfpack_fetch_progress_fn progress; /* NULL: nobody */
	void *progress_arg;
	int (*begin)(void *arg, int must); /* as in struct btfpack_vmlinux_opts */
	void (*end)(void *arg);
	void *turn_arg;
};

/* A package that is read as a stream, from its start on. */
struct package;

/* Go up to the vmlinux in it: *@size_ret bytes. */
int package_open(const struct extraction *x, struct package **ret, uint64_t *size_ret,
		 struct btfpack_error *err);
void package_close(struct package *package);

/* Write it to the empty file @fd, once. */
int package_copy(struct package *package, int fd, struct btfpack_error *err);

/* Wait for a processor, and give it back. 0: there is none, for who need not have one. */
int package_begin(const struct extraction *x, int must);
void package_end(const struct extraction *x);

/* As btfpack_vmlinux_open(), of a package that @source reads; its arg is given to
 * @free_arg at the end, on errors too. -EOPNOTSUPP when it has no parts. */
int vmlinux_open_source(const struct byte_source *source, void (*free_arg)(void *arg),
			const char *uname, const struct btfpack_vmlinux_opts *opts,
			struct btfpack_vmlinux **ret, struct btfpack_error *err);

/* Give every entry of the package to @fn, which may read its data from @a, until it
 * returns other than 0; from the start of the package on. */
typedef int (*package_entry_fn)(struct archive *a, struct archive_entry *entry, void *arg,
				struct btfpack_error *err);
int package_walk(const struct extraction *x, package_entry_fn fn, void *arg,
		 struct btfpack_error *err);

/* The same; where the package comes in blocks, those that @fn does not read from are not
 * decoded. */
int vmlinux_walk(struct btfpack_vmlinux *v, package_entry_fn fn, void *arg,
		 struct btfpack_error *err);

/* Whose package it is. Lent by the handle. */
const struct extraction *vmlinux_extraction(const struct btfpack_vmlinux *v);

/* The path of a regular file, without "./". NULL: it is none. Symlinks and hard links of
 * that name point at the real one. */
const char *package_file_path(struct archive_entry *entry);

/* The same of a package whose end need not be there yet. Where its blocks tell their sizes
 * and vmlinux begins in the first of them, all up to vmlinux's last have begun when it
 * returns; where it is the last file, all have come; where there are no blocks it is a
 * stream without parts. Else -EOPNOTSUPP. */
int vmlinux_open_arriving(const struct byte_source *source, void (*free_arg)(void *arg),
			  const char *uname, const struct btfpack_vmlinux_opts *opts,
			  struct btfpack_vmlinux **ret, struct btfpack_error *err);

/* When all is there: 0 when it is as was believed before. */
int vmlinux_check_blocks(struct btfpack_vmlinux *v, struct btfpack_error *err);

/* Whether @entry is the vmlinux of @uname. */
bool package_is_vmlinux(const char *uname, struct archive_entry *entry);

/* Whether its first bytes are those of an ELF file: 0, or -EBADMSG. */
int package_check_elf(const char *what, const void *data, size_t size, struct btfpack_error *err);

/* -EFBIG when it has more bytes than any vmlinux. */
int package_check_size(const char *what, int64_t size, struct btfpack_error *err);

/* The tar has no vmlinux: -EBADMSG. */
int package_found_none(const struct extraction *x, struct btfpack_error *err);

/* -ECANCELED when the callback says to stop. */
int package_tell(const struct extraction *x, uint64_t done, uint64_t total,
		 struct btfpack_error *err);

/* As btfpack_package_find(). */
int package_find(const char *path, int fd, char uname_ret[BTFPACK_UNAME_SIZE],
		 struct btfpack_error *err);

/* --- modules ------------------------------------------------------------------------------------ */

#define MODULE_MAXIMUM ((uint64_t)2 << 30) /* bytes, decoded */

/* The name of the module in a file called @file, as the kernel has it ('_' for '-'): its
 * first @length bytes; 0: what comes before the suffix of a module. False: it is none. */
bool module_name_of(const char *file, size_t length, char ret[BTFPACK_MODULE_NAME_SIZE]);

#endif
