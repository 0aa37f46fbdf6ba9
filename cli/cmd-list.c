/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack list: the kernels a distribution offers. */
#include <stdio.h>

#include "cli/fetching.h"

static const struct cmd_option options[] = {
	FILTER_KEY_OPTIONS,
	FILTER_MORE_OPTIONS,
	FETCHING_OPTIONS,
	{ 0 },
};

static void print_package(const struct btfpack_package *p)
{
	char size[16];

	if (cmd_common.json)
		output_json(fetching_package(p));
	else
		printf("%s %s %s %-32s %-18s %7s  %s\n", p->kernel.distro, p->kernel.release,
		       p->kernel.arch, p->kernel.uname, p->version, output_size(p->size, size),
		       p->suite);
}

static int print_all(const struct fetching *fetching, struct btfpack_package_iter *list)
{
	const struct btfpack_package *package;
	struct btfpack_error err;
	size_t count = 0;
	int more;

	while ((more = btfpack_package_iter_next(list, &package, &err)) > 0) {
		print_package(package);
		count++;
	}
	if (more < 0)
		return cmd_fail(&err);
	return count ? CMD_OK : fetching_none(fetching);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct fetching fetching = { 0 };
	struct btfpack_package_iter *list;
	struct btfpack_fetcher *fetcher;
	struct btfpack_error err;
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (fetching_take(cmd, &fetching, option, parser.value) < 0)
			return CMD_USAGE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "takes no operands, found '%s'", argv[parser.operand]);
	if (!fetching.filter.kernel.distro)
		return cmd_usage(cmd, "--distro must be given");
	if (fetching_open(&fetching, &fetcher, &list, &err) < 0)
		return cmd_fail(&err);
	status = print_all(&fetching, list);
	btfpack_package_iter_free(list);
	btfpack_fetcher_close(fetcher);
	return status;
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "list the kernels whose debug information a distribution offers",
	.arguments = "",
	.options = options,
	.run = run,
};
