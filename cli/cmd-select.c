/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack select: the BTF that a bundle has for this host, or for a named one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <btfpack/loader.h>

#include "cli/bundle-sign.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/fs.h"
#include "runtime-loader/bundle.h"

/* The kernel's own BTF, when that is the answer and is to be written. */
#define OWN_BTF	    "/sys/kernel/btf/vmlinux"
#define BTF_MAXIMUM ((size_t)256 << 20)

enum { BUNDLE, ROOT, DISTRO, RELEASE, ARCH, UNAME, BUILD_ID, EXPLAIN, NEAREST, VERIFY, OUTPUT };

static const struct cmd_option options[] = {
	[BUNDLE] = { 'b', "bundle", "FILE", "the bundle to choose from" },
	[ROOT] = { 0, "root", "DIR", "where the host's file system begins (/)" },
	[DISTRO] = { 0, "distro", "D", "choose for this kernel, not the host's: os-release ID" },
	[RELEASE] = { 0, "release", "R", "its VERSION_ID" },
	[ARCH] = { 0, "arch", "A", "its `uname -m` (this machine's)" },
	[UNAME] = { 0, "uname", "U", "its `uname -r`" },
	[BUILD_ID] = { 0, "build-id", "HEX", "its GNU build-id" },
	[EXPLAIN] = { 'e', "explain", NULL, "tell what was tried, and why it won or lost" },
	[NEAREST] = { 0, "nearest", NULL, "without a match, take the nearest kernel: a guess" },
	[VERIFY] = { 0, "verify", "PUB", "only if signed by this Ed25519 public key, a PEM file" },
	[OUTPUT] = { 'o', "output", "FILE", "write the BTF there; - is stdout" },
	{ 0, NULL, NULL, NULL },
};

struct request {
	const char *bundle;
	const char *output;
	const char *verify; /* file of the public key, or NULL */
	bool explain;
	bool is_named; /* host was given by options */
	struct btfpack_host host;
	struct btfpack_loader_opts opts;
};

static bool set_field(const struct cmd *cmd, int option, const char *value, char *field,
		      size_t size, struct request *request)
{
	if (strlen(value) >= size) {
		cmd_usage(cmd, "--%s is longer than %zu characters", options[option].name, size - 1);
		return false;
	}
	strcpy(field, value);
	request->is_named = true;
	return true;
}

static bool take_option(const struct cmd *cmd, int option, const char *value, struct request *r)
{
	switch (option) {
	case BUNDLE:
		r->bundle = value;
		return true;
	case ROOT:
		r->opts.root = value;
		return true;
	case DISTRO:
		return set_field(cmd, option, value, r->host.distro, sizeof(r->host.distro), r);
	case RELEASE:
		return set_field(cmd, option, value, r->host.release, sizeof(r->host.release), r);
	case ARCH:
		return set_field(cmd, option, value, r->host.arch, sizeof(r->host.arch), r);
	case UNAME:
		return set_field(cmd, option, value, r->host.uname, sizeof(r->host.uname), r);
	case BUILD_ID:
		return set_field(cmd, option, value, r->host.build_id, sizeof(r->host.build_id), r);
	case EXPLAIN:
		r->explain = true;
		return true;
	case NEAREST:
		r->opts.flags |= BTFPACK_LOADER_NEAREST;
		return true;
	case VERIFY:
		r->verify = value;
		return true;
	case OUTPUT:
		r->output = value;
		return true;
	}
	return false;
}

/* A status to return, or -1 to go on. */
static int check_request(const struct cmd *cmd, const struct cmd_parser *parser, struct request *r)
{
	struct utsname name;

	if (parser->operand < parser->argc)
		return cmd_usage(cmd, "takes no operands, found '%s'", parser->argv[parser->operand]);
	if (!r->bundle)
		return cmd_usage(cmd, "--bundle FILE is needed");
	if (r->is_named && r->opts.root)
		return cmd_usage(cmd, "either --root or the name of a kernel");
	if (r->is_named && !r->host.uname[0] && !r->host.build_id[0])
		return cmd_usage(cmd, "--uname or --build-id is needed to name a kernel");
	if (r->output && !strcmp(r->output, "-") && cmd_common.json)
		return cmd_usage(cmd, "--json and -o - both want stdout");
	if (r->is_named && !r->host.arch[0] && uname(&name) == 0)
		snprintf(r->host.arch, sizeof(r->host.arch), "%.63s", name.machine);
	return -1;
}

static const char *source_name(enum btfpack_source source)
{
	static const char *const names[] = { [BTFPACK_SOURCE_FILE] = "file",
					     [BTFPACK_SOURCE_KERNEL] = "kernel",
					     [BTFPACK_SOURCE_BUNDLE] = "bundle" };

	return names[source];
}

/* The story's lines as an array. */
static json_t *lines_of(const char *text)
{
	json_t *lines = json_array();

	while (*text) {
		size_t length = strcspn(text, "\n");

		json_array_append_new(lines, output_stringn(text, length));
		text += length + (text[length] == '\n');
	}
	return lines;
}

static json_t *json_of_programs(const struct btfpack_loader *loader)
{
	json_t *programs = json_array();

	for (size_t i = 0; i < btfpack_loader_count_programs(loader); i++) {
		const struct btfpack_program *p = btfpack_loader_program(loader, i);

		json_array_append_new(programs,
				      output_object("ssss", "object", p->object,
						"program", p->program, "verdict",
						btfpack_loads_name(p->loads), "reason", p->reason));
	}
	return programs;
}

static json_t *json_of_host(const struct btfpack_host *h)
{
	const struct btfpack_kernel kernel = {
		.distro = h->distro[0] ? h->distro : NULL,
		.release = h->release[0] ? h->release : NULL,
		.arch = h->arch[0] ? h->arch : NULL,
		.uname = h->uname[0] ? h->uname : NULL,
		.build_id = h->build_id[0] ? h->build_id : NULL,
	};

	return output_kernel(&kernel);
}

static void print_json(const struct btfpack_loader *loader, const struct btfpack_blob *btf)
{
	struct btfpack_id id = { { 0 } };
	char hex[DIGEST_HEX_SIZE];

	digest_bytes(btf->data, btf->size, &id);
	digest_format(&id, hex);
	output_json(output_object("ssooIssoo", "source",
			      source_name(btfpack_loader_source(loader)), "match",
			      btfpack_match_name(btfpack_loader_match(loader)), "kernel",
			      json_of_host(btfpack_loader_kernel(loader)), "host",
			      json_of_host(btfpack_loader_host(loader)), "size",
			      (json_int_t)btf->size, "sha256", hex, "verdict",
			      btfpack_loader_verdict(loader), "programs",
			      json_of_programs(loader), "reason",
			      lines_of(btfpack_loader_reason(loader))));
}

/* "12 of 14 programs load there", and why the others do not. */
static void print_verdicts(FILE *to, const struct btfpack_loader *loader, bool explain)
{
	size_t count = btfpack_loader_count_programs(loader), counts[4] = { 0 };

	for (size_t i = 0; i < count; i++)
		counts[btfpack_loader_program(loader, i)->loads]++;
	if (explain && count)
		fprintf(to, "%zu of %zu programs load there", count - counts[BTFPACK_LOADS_NOT],
			count);
	if (explain && counts[BTFPACK_LOADS_UNSURE])
		fprintf(to, "; of %zu BTF does not know what they attach to",
			counts[BTFPACK_LOADS_UNSURE]);
	if (explain && count)
		fprintf(to, "\n");
	if (btfpack_loader_verdict(loader))
		fprintf(to, "programs that cannot load there:\n%s\n", btfpack_loader_verdict(loader));
}

static void print_text(const struct request *r, const struct btfpack_loader *loader,
		       const struct btfpack_blob *btf)
{
	FILE *to = r->output && !strcmp(r->output, "-") ? stderr : stdout;
	const struct btfpack_host *k = btfpack_loader_kernel(loader);

	if (r->explain)
		fprintf(to, "%s\n", btfpack_loader_reason(loader));
	if (to == stdout)
		printf("%s %s %s %s: %zu bytes of BTF from the %s%s%s\n", k->distro, k->release,
		       k->arch, k->uname, btf->size, source_name(btfpack_loader_source(loader)),
		       btfpack_loader_match(loader) ? ", matched by " : "",
		       btfpack_loader_match(loader) ? btfpack_match_name(btfpack_loader_match(loader)) :
						      "");
	print_verdicts(to, loader, r->explain);
}

/* The chosen bytes: the loader's, or read where the kernel has its own. */
static int get_btf(const struct btfpack_loader *loader, struct btfpack_blob *lent,
		   struct btfpack_blob *owned, struct btfpack_error *err)
{
	const char *path = btfpack_loader_btf_path(loader);
	int error;

	lent->data = (void *)btfpack_loader_btf_data(loader, &lent->size);
	if (lent->data || btfpack_loader_source(loader) != BTFPACK_SOURCE_KERNEL)
		return 0;
	error = fs_read(path ? path : OWN_BTF, BTF_MAXIMUM, owned, err);
	*lent = *owned;
	return error;
}

static int deliver(const struct request *r, const struct btfpack_loader *loader)
{
	AUTO_BLOB struct btfpack_blob owned = { 0 };
	struct btfpack_blob btf = { 0 };
	struct btfpack_error err;

	if (get_btf(loader, &btf, &owned, &err) < 0 ||
	    (r->output && output_file(r->output, btf.data, btf.size, &err) < 0))
		return cmd_fail(&err);
	if (btfpack_loader_match(loader) == BTFPACK_MATCH_NEAREST)
		output_tell("this is the nearest kernel's BTF, not this kernel's: what it reads may be wrong");
	if (cmd_common.json)
		print_json(loader, &btf);
	else
		print_text(r, loader, &btf);
	return CMD_OK;
}

static int tell_no_match(const struct request *r, const char *story,
			 const struct btfpack_error *err)
{
	struct btfpack_host host = r->host;

	if (!r->is_named)
		btfpack_host_detect(r->opts.root, &host, NULL);
	if (cmd_common.json)
		output_json(output_object("nsnoo", "source", "match", "none",
				      "kernel", "host", json_of_host(&host), "reason",
				      lines_of(story)));
	else if (r->explain)
		printf("%s\n", story);
	output_say("%s", err->message);
	return CMD_NO;
}

static void close_loader(struct btfpack_loader **loader)
{
	btfpack_loader_close(*loader);
}

/* The loader looks at a bundle last; here a damaged one is always worth a word. */
static int check_files(const struct request *r, const struct fs_map *map, struct btfpack_error *err)
{
	const char *named = r->is_named ? NULL : getenv("BTFPACK_BTF");
	struct fs_map file;
	const struct btfpack_blob bytes = { (void *)map->data, map->size };
	struct bundle b;
	int error = bundle_init(&b, map->data, map->size, r->bundle, err);

	if (!error && r->verify)
		error = bundle_verify(&bytes, r->bundle, r->verify, err);

	if (error || !named || !*named)
		return error;
	error = fs_map_init(&file, named, err);
	fs_map_deinit(&file);
	return error;
}

static int select_from(struct request *r)
{
	CLEANUP(close_loader) struct btfpack_loader *loader = NULL;
	CLEANUP(fs_map_deinit) struct fs_map map = { 0 };
	char story[2048] = "";
	struct btfpack_error err;
	int error;

	if (fs_map_init(&map, r->bundle, &err) < 0 || check_files(r, &map, &err) < 0)
		return cmd_fail(&err);
	r->opts.size = sizeof(r->opts);
	r->opts.host = r->is_named ? &r->host : NULL;
	r->opts.name = r->bundle;
	r->opts.explain = story;
	r->opts.explain_size = sizeof(story);
	error = btfpack_loader_open_mem(map.data, map.size, &r->opts, &loader, &err);
	if (error == -ENOENT)
		return tell_no_match(r, story, &err);
	return error ? cmd_fail(&err) : deliver(r, loader);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct request request = { 0 };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (!take_option(cmd, option, parser.value, &request))
			return CMD_USAGE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	status = check_request(cmd, &parser, &request);
	return status >= 0 ? status : select_from(&request);
}

const struct cmd cmd_select = {
	.name = "select",
	.summary = "choose the BTF of this host, or of a named kernel, from a bundle",
	.arguments = "--bundle FILE",
	.options = options,
	.run = run,
};
