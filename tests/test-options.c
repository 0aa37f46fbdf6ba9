/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the library: without their size, or with a flag that is not known, they are
 * refused and not taken as none. */
#include <errno.h>
#include <string.h>

#include <btfpack/btf.h>
#include <btfpack/btfgen.h>
#include <btfpack/loader.h>
#include <btfpack/minify.h>

#include "tests/scratch.h"
#include "tests/test.h"

static struct btfpack_error err;

static int convert(size_t size, uint32_t flags)
{
	struct btfpack_convert_opts opts = { .size = size, .flags = flags };
	AUTO_BLOB struct btfpack_blob btf = { 0 };

	return btfpack_convert("/proc/self/exe", &opts, &btf, &err);
}

static int minify(size_t size, uint32_t flags)
{
	AUTO_BLOB struct btfpack_blob btf = scratch_btf(1, 1), small = { 0 };
	struct btfpack_minify_opts opts = { .size = size, .flags = flags };
	struct btfpack_minifier *m;
	int error;

	if (btfpack_minifier_new(&m, &err) < 0)
		return -ENOMEM;
	error = btfpack_minifier_run(m, &btf, "test", &opts, &small, &err);
	btfpack_minifier_free(m);
	return error;
}

static int check(size_t size, uint32_t flags)
{
	AUTO_BLOB struct btfpack_blob btf = scratch_btf(1, 1);
	struct btfpack_btf_check_opts opts = { .size = size };

	return flags ? -EINVAL : btfpack_btf_check(&btf, &opts, NULL, NULL, NULL, &err);
}

static int diff(size_t size, uint32_t flags)
{
	AUTO_BLOB struct btfpack_blob btf = scratch_btf(1, 1);
	struct btfpack_btf_diff_opts opts = { .size = size };
	struct btfpack_btf_diff_summary sum;

	return flags ? -EINVAL : btfpack_btf_diff(&btf, &btf, &opts, NULL, NULL, &sum, &err);
}

static int load(size_t size, uint32_t flags)
{
	struct btfpack_loader_opts opts = { .size = size, .flags = flags, .root = "/nonexistent" };
	struct btfpack_loader *loader;
	int error = btfpack_loader_open(NULL, &opts, &loader, &err);

	return error == -ENOENT ? 0 : error;
}

static const struct {
	const char *name;
	size_t size;
	int (*run)(size_t size, uint32_t flags);
} rows[] = {
	{ "convert", sizeof(struct btfpack_convert_opts), convert },
	{ "minify", sizeof(struct btfpack_minify_opts), minify },
	{ "check", sizeof(struct btfpack_btf_check_opts), check },
	{ "diff", sizeof(struct btfpack_btf_diff_opts), diff },
	{ "load", sizeof(struct btfpack_loader_opts), load },
};

static void refuses_options_without_size(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(&err, 0, sizeof(err));
		CHECK_INT(rows[i].run(0, 0), -EINVAL);
		CHECK(strstr(err.message, "size is not set"));
	}
}

static void refuses_unknown_flags(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(rows[i].run(rows[i].size, 1U << 30), -EINVAL);
}

static void takes_others(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(rows[i].run(rows[i].size, 0), 0);
}

TEST_MAIN({ "refuses options without their size", refuses_options_without_size },
	  { "refuses unknown flags", refuses_unknown_flags },
	  { "takes others", takes_others })
