/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack fetch: download, verify, extract the vmlinux of chosen kernels. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/fetching.h"
#include "core/cleanup.h"
#include "core/fs.h"

enum { OPTION_OUTPUT = FETCHING_END, OPTION_KEEP };

static const struct cmd_option options[] = {
	FILTER_KEY_OPTIONS,
	FILTER_MORE_OPTIONS,
	FETCHING_OPTIONS,
	{ 'o', "output", "DIR", "write DIR/vmlinux-<uname>_<version>" },
	{ 0, "keep", NULL, "keep the packages in the cache" },
	{ 0 },
};

struct work {
	struct fetching fetching;
	struct btfpack_fetcher *fetcher;
	const char *dir;
	bool keep;
};

/* The version is in the name because several builds may share a uname. */
static char *path_for(const struct work *w, const struct btfpack_package *p)
{
	char *path;

	return asprintf(&path, "%s/vmlinux-%s_%s", w->dir, p->kernel.uname, p->version) < 0 ? NULL
											    : path;
}

static void print_result(const struct btfpack_package *p, const char *path)
{
	json_t *object;

	if (!cmd_common.json) {
		printf("%s %s %s %s %s\n", p->kernel.distro, p->kernel.release, p->kernel.arch,
		       p->kernel.uname, path);
		return;
	}
	object = fetching_package(p);
	json_object_set_new(object, "path", output_string(path));
	output_json(object);
}

/* Files appear whole or not at all, so one that is there is done. */
static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size;
}

static int fetch_one(const struct work *w, const struct btfpack_package *p,
		     struct btfpack_error *err)
{
	AUTO_FREE char *path = path_for(w, p);
	int error = 0;

	if (!path)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", p->name);
	if (is_there(path))
		output_tell("%s: is there already", path);
	else
		error = btfpack_fetcher_get_vmlinux(w->fetcher, p, path, err);
	output_progress(NULL);
	if (error < 0)
		return error;
	print_result(p, path);
	return w->keep ? 0 : btfpack_fetcher_drop(w->fetcher, p, err);
}

/* One package that fails does not stop the others; the first failure is the status. */
static int fetch_all(const struct work *w, struct btfpack_package_iter *list)
{
	const struct btfpack_package *package;
	struct btfpack_error err;
	int status = CMD_OK, more;
	size_t count = 0;

	while ((more = btfpack_package_iter_next(list, &package, &err)) > 0) {
		count++;
		if (fetch_one(w, package, &err) == 0)
			continue;
		more = cmd_fail(&err);
		status = status ? status : more;
		if (fetching_is_canceled())
			return status;
	}
	if (more < 0) {
		more = cmd_fail(&err);
		return status ? status : more;
	}
	return count ? status : fetching_none(&w->fetching);
}

static int run_work(struct work *w)
{
	struct btfpack_package_iter *list;
	struct btfpack_error err;
	int status;

	if (fs_make_dirs(w->dir, &err) < 0 ||
	    fetching_open(&w->fetching, &w->fetcher, &list, &err) < 0)
		return cmd_fail(&err);
	status = fetch_all(w, list);
	btfpack_package_iter_free(list);
	btfpack_fetcher_close(w->fetcher);
	return status;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct work w = { 0 };
	int option;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == OPTION_OUTPUT)
			w.dir = parser.value;
		else if (option == OPTION_KEEP)
			w.keep = true;
		else if (fetching_take(cmd, &w.fetching, option, parser.value) < 0)
			return CMD_USAGE;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "takes no operands, found '%s'", argv[parser.operand]);
	if (!w.fetching.filter.kernel.distro)
		return cmd_usage(cmd, "--distro must be given");
	if (!w.dir)
		return cmd_usage(cmd, "-o DIR must be given");
	return run_work(&w);
}

const struct cmd cmd_fetch = {
	.name = "fetch",
	.summary = "download kernel debug packages, verify them, extract their vmlinux",
	.arguments = "",
	.options = options,
	.run = run,
};
