/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack list: the kernels a distribution offers. */
#include <stdio.h>

#include "cli/fetching.h"

enum { OPTION_ARCHIVE = FETCHING_END };

static const struct cmd_option options[] = {
	FILTER_KEY_OPTIONS,
	FILTER_MORE_OPTIONS,
	FETCHING_OPTIONS,
	{ 0, "archive", "DIR", "also say which of them this archive has" },
	{ 0 },
};

/* @have: NULL when no archive was asked. */
static void print_package(const struct btfpack_package *p, const bool *have)
{
	const char *word = have && *have ? "have" : "-";
	char size[16];

	if (cmd_common.json) {
		json_t *object = fetching_package(p);

		if (have)
			json_object_set_new(object, "have", json_boolean(*have));
		output_json(object);
		return;
	}
	printf("%s %s %s %-32s %-18s %7s  %s%s%s\n", p->kernel.distro, p->kernel.release,
	       p->kernel.arch, p->kernel.uname, p->version,
	       p->size ? output_size(p->size, size) : "-", p->suite, have ? "  " : "",
	       have ? word : "");
}

static int print_all(const struct fetching *fetching, struct btfpack_package_iter *list,
		     struct btfpack_archive *archive)
{
	const struct btfpack_package *package;
	struct btfpack_error err;
	size_t count = 0;
	int more;

	while ((more = btfpack_package_iter_next(list, &package, &err)) > 0) {
		int has = fetching_is_held(archive, package, &err);
		bool have = has > 0;

		if (has < 0)
			return cmd_fail(&err);
		print_package(package, archive ? &have : NULL);
		count++;
	}
	if (more < 0)
		return cmd_fail(&err);
	return count ? CMD_OK : fetching_none(fetching);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct btfpack_archive *archive = NULL;
	struct fetching fetching = { 0 };
	const char *archive_dir = NULL;
	struct btfpack_package_iter *list;
	struct btfpack_fetcher *fetcher;
	struct btfpack_error err;
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (option == OPTION_ARCHIVE)
			archive_dir = parser.value;
		else if (fetching_take(cmd, &fetching, option, parser.value) < 0)
			return CMD_USAGE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "takes no operands, found '%s'", argv[parser.operand]);
	if (!fetching.filter.kernel.distro)
		return cmd_usage(cmd, "--distro must be given");
	if (archive_dir &&
	    btfpack_archive_open(archive_dir, BTFPACK_ARCHIVE_READ_ONLY, &archive, &err) < 0)
		return cmd_fail(&err);
	if (fetching_open(&fetching, &fetcher, &list, &err) < 0) {
		btfpack_archive_close(archive);
		return cmd_fail(&err);
	}
	status = print_all(&fetching, list, archive);
	btfpack_package_iter_free(list);
	btfpack_fetcher_close(fetcher);
	btfpack_archive_close(archive);
	return status;
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "list the kernels whose debug information a distribution offers",
	.arguments = "",
	.options = options,
	.run = run,
};
