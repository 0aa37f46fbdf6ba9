/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack bundle: kernels and their BTF in one file, for a release to ship. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <btfpack/bundle.h>

#include "btf/btf-view.h"
#include "cli/btf-tree.h"
#include "cli/bundle-emit.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"

enum { FROM, EMIT, PLAIN, NO_PROVENANCE, OUTPUT };

static const struct cmd_option options[] = {
	[FROM] = { 0, "from", "DIR", "take the BTFs of a tree distro/release/arch/uname.btf" },
	[EMIT] = { 0, "emit", "FORM", "file (default) or dir: how to write it" },
	[PLAIN] = { 0, "plain", NULL, "compress nothing, for loaders without zstd" },
	[NO_PROVENANCE] = { 0, "no-provenance", NULL, "leave out what it was made of" },
	[OUTPUT] = { 'o', "output", "OUT", "write it there; - is stdout" },
	{ 0, NULL, NULL, NULL },
};

struct request {
	const char *from;
	const char *output;
	const struct bundle_form *form;
	uint32_t flags;
	struct btfpack_bundle *bundle;
};

static int take_file(const struct btfpack_kernel *kernel, const struct btfpack_blob *btf,
		     const char *path, void *arg, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	struct request *r = arg;
	int error = btf_view_init(&view, btf->data, btf->size, NULL, path, err);

	return error ? error : btfpack_bundle_add(r->bundle, kernel, btf, NULL, err);
}

static int collect(struct request *r, struct btfpack_error *err)
{
	int error = btfpack_bundle_new(&r->bundle, err);

	return error ? error : btf_tree_walk(r->from, take_file, r, err);
}

static void print_result(const struct request *r, size_t size)
{
	size_t kernels = btfpack_bundle_count_kernels(r->bundle);
	size_t blobs = btfpack_bundle_count_blobs(r->bundle);
	char text[16];

	if (cmd_common.json)
		output_json(json_pack("{s:s, s:I, s:I, s:I}", "output", r->output, "kernels",
				      (json_int_t)kernels, "blobs", (json_int_t)blobs, "size",
				      (json_int_t)size));
	else
		output_tell("%s: %zu kernels, %zu different BTFs, %s as a bundle", r->output,
			    kernels, blobs, output_size(size, text));
}

static int make_bundle(struct request *r)
{
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	const struct btfpack_bundle_opts opts = { .size = sizeof(opts), .flags = r->flags };
	struct btfpack_error err;

	if (collect(r, &err) < 0)
		return cmd_fail(&err);
	if (!btfpack_bundle_count_kernels(r->bundle)) {
		output_say("%s: no kernel's BTF there", r->from);
		return CMD_NO;
	}
	if (btfpack_bundle_write(r->bundle, &opts, &bytes, &err) < 0 ||
	    r->form->emit(&bytes, r->output, &err) < 0)
		return cmd_fail(&err);
	print_result(r, bytes.size);
	return CMD_OK;
}

static bool take_option(const struct cmd *cmd, int option, const char *value, struct request *r)
{
	switch (option) {
	case FROM:
		r->from = value;
		return true;
	case EMIT:
		r->form = bundle_form_find(value);
		if (!r->form)
			cmd_usage(cmd, "--emit takes one of %s, not '%s'", bundle_form_names(), value);
		return r->form;
	case PLAIN:
		r->flags |= BTFPACK_BUNDLE_PLAIN;
		return true;
	case NO_PROVENANCE:
		r->flags |= BTFPACK_BUNDLE_NO_PROVENANCE;
		return true;
	case OUTPUT:
		r->output = value;
		return true;
	}
	return false;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct request request = { .form = bundle_form_find("file") };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (!take_option(cmd, option, parser.value, &request))
			return CMD_USAGE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (!request.from)
		return cmd_usage(cmd, "--from DIR is needed");
	if (!request.output)
		return cmd_usage(cmd, "-o OUT is needed");
	status = make_bundle(&request);
	btfpack_bundle_free(request.bundle);
	return status;
}

const struct cmd cmd_bundle = {
	.name = "bundle",
	.summary = "put the BTF of many kernels into one file",
	.arguments = "--from DIR -o OUT",
	.options = options,
	.run = run,
};
