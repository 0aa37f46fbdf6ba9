/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands around the store share: the options --archive, the kernel's
 * filter (cli/filter.h), --build-id and --set, and an entry as text and JSON. A
 * command begins its option table with STORE_OPTIONS and hands each option to
 * store_take() first.
 */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include <btfpack/archive.h>

#include "cli/filter.h"
#include "cli/output.h"
#include "core/cleanup.h"

enum store_option {
	STORE_BUILD_ID = FILTER_KEY_END,
	STORE_ARCHIVE,
	STORE_SET,
	STORE_END,
};

#define STORE_ARCHIVE_OPTION { 0, "archive", "DIR", "the archive" }
#define STORE_OPTIONS                                                                              \
	FILTER_KEY_OPTIONS, { 0, "build-id", "X", "the kernel of this GNU build-id" },             \
		STORE_ARCHIVE_OPTION,                                                              \
	{                                                                                          \
		0, "set", "SET", "minified for this set; '*' for all, and full BTF too"            \
	}

struct store_args {
	struct filter filter;
	const char *archive;
	const char *set; /* NULL: full BTF */
};

/* As filter_take(). */
int store_take(const struct cmd *cmd, struct store_args *args, int option, const char *value);

/* Open args->archive; a missing --archive is said. 0, or the status to return. */
int store_open(const struct cmd *cmd, const struct store_args *args, uint32_t flags,
	       struct btfpack_archive **ret);

/*
 * The beginning of a command that has STORE_OPTIONS, at most one option behind
 * them (*@extra_ret: its value, "" when it takes none; NULL: there is none) and no
 * operands: parse, then open. With *@ret still NULL the command returns the status
 * at once.
 */
int store_begin(const struct cmd *cmd, int argc, char **argv, uint32_t flags,
		struct store_args *args, const char **extra_ret, struct btfpack_archive **ret);

static inline void store_closep(struct btfpack_archive **a)
{
	btfpack_archive_close(*a);
}
#define AUTO_ARCHIVE CLEANUP(store_closep)

static inline void entry_iter_freep(struct btfpack_entry_iter **it)
{
	btfpack_entry_iter_free(*it);
}
#define AUTO_ENTRY_ITER CLEANUP(entry_iter_freep)

static inline void store_free_modules(struct btfpack_modules *modules)
{
	btfpack_modules_free(modules);
}
#define AUTO_MODULES CLEANUP(store_free_modules)

/* Say that nothing matches; returns the status. */
int store_no_match(const struct store_args *args);

/* A kernel's key with what is known of its BTF, for --json. */
json_t *store_entry_json(const struct btfpack_entry *entry);

/* "debian 12 x86_64 6.1.0-50-cloud-amd64", and the set where there is one. */
const char *store_entry_text(const struct btfpack_entry *entry, char ret[640]);

/* A time as "2026-11-21 07:30" UTC. */
const char *store_time(int64_t seconds, char ret[32]);

#endif
