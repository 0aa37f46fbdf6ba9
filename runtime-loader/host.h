/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this machine is: the parsers behind btfpack_host_detect(). They take bytes
 * from anywhere, never fail and leave empty what they do not find.
 */
#ifndef RUNTIME_LOADER_HOST_H
#define RUNTIME_LOADER_HOST_H

#include <stddef.h>

#include <btfpack/loader.h>

/* Of an os-release(5) text, ID into host->distro, and VERSION_ID, or else
 * VERSION_CODENAME, into host->release. Values may be bare or in either kind of
 * quotes; one with odd bytes in it, or too long, is as good as none. */
void host_parse_os_release(const char *text, size_t size, struct btfpack_host *host);

/* Of ELF notes, as in /sys/kernel/notes, in either byte order: the GNU build-id
 * into host->build_id. */
void host_parse_notes(const void *notes, size_t size, struct btfpack_host *host);

/* Read at most @size - 1 bytes of the regular file @path below @root (NULL: "/"),
 * NUL-terminated. Gives how many, or -errno. */
long host_read(const char *root, const char *path, char *ret, size_t size);

#endif
