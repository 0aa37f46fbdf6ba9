/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <btfpack/btfgen.h>

#include "cli/gate.h"
#include "cli/store.h"
#include "core/digest.h"
#include "core/fs.h"

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	{ 0, "force", NULL, "store it even if it is not a kernel's, or not deduplicated" },
	{ 0 },
};
enum { FORCE = STORE_END };

/* What the file is, by its first bytes: BTF's magic in either byte order. */
static bool is_raw_btf(const char *path)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	unsigned char magic[2];

	return file && fread(magic, 1, 2, file) == 2 &&
	       ((magic[0] == 0x9f && magic[1] == 0xeb) || (magic[0] == 0xeb && magic[1] == 0x9f));
}

/* The BTF of a file, and what it tells of itself. */
static int load(const char *path, struct btfpack_blob *btf, char build_id[BTFPACK_BUILD_ID_SIZE],
		const char **converter, struct btfpack_error *err)
{
	int error;

	build_id[0] = '\0';
	if (is_raw_btf(path)) {
		*converter = NULL;
		return fs_read(path, BTFPACK_ARCHIVE_BTF_MAX, btf, err);
	}
	*converter = "btfpack " BTFPACK_VERSION;
	error = btfpack_convert(path, NULL, btf, err);
	return error ? error : btfpack_build_id(path, build_id, err);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct store_args args = { 0 };
	struct btfpack_kernel *k = &args.filter.kernel;
	struct btfpack_provenance provenance = { 0 };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	char build_id[BTFPACK_BUILD_ID_SIZE], hex[DIGEST_HEX_SIZE];
	struct btfpack_error err;
	struct btfpack_id id;
	int option, status, known;
	bool force = false, repaired = false;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (!store_take(cmd, &args, option, parser.value))
			force = option == FORCE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc - parser.operand != 1 || !k->distro || !k->release || !k->arch || !k->uname)
		return cmd_usage(cmd, "expected --distro, --release, --arch, --uname and one FILE");
	provenance.source = argv[parser.operand];
	/* First what takes time and may fail; the archive is not made for a bad file. */
	if (load(provenance.source, &btf, build_id, &provenance.converter, &err) < 0)
		return cmd_fail(&err);
	if (!force && !args.set && gate_pass(&btf, provenance.source, &repaired, &err) < 0)
		return cmd_fail(&err);
	if (repaired) /* whoever made it, now it is ours */
		provenance.converter = "btfpack " BTFPACK_VERSION " deduplicated";
	status = store_open(cmd, &args, BTFPACK_ARCHIVE_CREATE, &archive);
	if (status)
		return status;
	if (!k->build_id && build_id[0])
		k->build_id = build_id;
	known = btfpack_archive_add(archive, k, args.set, &btf, &provenance, &id, &err);
	if (known < 0)
		return cmd_fail(&err);
	digest_format(&id, hex);
	if (cmd_common.json) {
		json_t *object = output_kernel(k);

		json_object_set_new(object, "set", args.set ? json_string(args.set) : json_null());
		json_object_set_new(object, "id", json_string(hex));
		json_object_set_new(object, "size", json_integer((json_int_t)btf.size));
		json_object_set_new(object, "stored", json_boolean(!known));
		json_object_set_new(object, "repaired", json_boolean(repaired));
		output_json(object);
	} else {
		output_tell("%s %s %s %s: %s, %zu bytes, %.12s", k->distro, k->release, k->arch,
			    k->uname, known ? "was there already" : "stored", btf.size, hex);
	}
	return CMD_OK;
}

const struct cmd cmd_add = {
	.name = "add",
	.summary = "store the BTF of your own kernel",
	.arguments = "--archive DIR --distro D --release R --arch A --uname U FILE",
	.options = options,
	.run = run,
};
