/* SPDX-License-Identifier: BSD-2-Clause */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/store.h"
#include "core/digest.h"

int store_take(const struct cmd *cmd, struct store_args *args, int option, const char *value)
{
	switch (option) {
	case STORE_BUILD_ID:
		args->filter.kernel.build_id = value;
		return 1;
	case STORE_ARCHIVE:
		args->archive = value;
		return 1;
	case STORE_SET:
		args->set = value;
		return 1;
	}
	return option < FILTER_KEY_END ? filter_take(cmd, &args->filter, option, value) : 0;
}

/* A BTF, and each base that it leans on, is megabytes. To map and unmap these takes
 * as long as to decode them: let the heap keep them for the next. */
static void keep_memory(void)
{
#ifdef M_MMAP_THRESHOLD /* glibc's */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 128 << 20);
#endif
}

int store_open(const struct cmd *cmd, const struct store_args *args, uint32_t flags,
	       struct btfpack_archive **ret)
{
	struct btfpack_error err;

	keep_memory();
	if (!args->archive)
		return cmd_usage(cmd, "expected --archive DIR");
	if (btfpack_archive_open(args->archive, flags, ret, &err) == 0)
		return CMD_OK;
	cmd_fail(&err);
	/* A directory that is no archive is bad input; a missing one is I/O. */
	return err.code == -EINVAL || err.code == -ENOTDIR ? CMD_BAD_INPUT : CMD_IO;
}

int store_begin(const struct cmd *cmd, int argc, char **argv, uint32_t flags,
		struct store_args *args, const char **extra_ret, struct btfpack_archive **ret)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	int option;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (!store_take(cmd, args, option, parser.value) && extra_ret)
			*extra_ret = parser.value ? parser.value : "";
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc > parser.operand)
		return cmd_usage(cmd, "'%s': expected no operand", argv[parser.operand]);
	return store_open(cmd, args, flags, ret);
}

static void add_modules(json_t *object, const struct btfpack_entry *e)
{
	json_t *more = output_object("IIII", "modules", (json_int_t)e->modules,
				 "modules_failed", (json_int_t)e->modules_failed,
				 "modules_stored_size", (json_int_t)e->modules_stored_size,
				 "modules_changed", (json_int_t)e->modules_changed);

	json_object_update(object, more);
	json_decref(more);
}

json_t *store_entry_json(const struct btfpack_entry *e)
{
	char id[DIGEST_HEX_SIZE];
	json_t *object = output_kernel(&e->kernel);
	json_t *more;

	digest_format(&e->id, id);
	more = output_object("ssIIsIIssssss",
			 "set", e->set, "id", id, "size", (json_int_t)e->raw_size, "stored_size",
			 (json_int_t)e->stored_size, "codec", e->codec, "added",
			 (json_int_t)e->added, "changed", (json_int_t)e->changed, "package",
			 e->provenance.package, "package_version", e->provenance.package_version,
			 "package_sha256", e->provenance.package_sha256, "source",
			 e->provenance.source, "suite", e->provenance.suite, "converter",
			 e->provenance.converter);
	json_object_update(object, more);
	json_decref(more);
	if (e->has_modules)
		add_modules(object, e);
	return object;
}

const char *store_entry_text(const struct btfpack_entry *e, char ret[640])
{
	snprintf(ret, 640, "%s %s %s %s%s%s", e->kernel.distro, e->kernel.release, e->kernel.arch,
		 e->kernel.uname, e->set ? " for " : "", e->set ? e->set : "");
	return ret;
}

const char *store_time(int64_t seconds, char ret[32])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(ret, 32, "%Y-%m-%d %H:%M", &tm))
		strcpy(ret, "?");
	return ret;
}

int store_no_match(const struct store_args *args)
{
	char text[256];

	output_tell("%s: nothing stored matches %s", args->archive,
		    filter_describe(&args->filter, text));
	return CMD_NO;
}
