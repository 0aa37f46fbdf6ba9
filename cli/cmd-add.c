/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * add: one kernel, from BTF, an ELF file or a package. A package also tells which kernel
 * it is of, as far as the place of its vmlinux and that itself say it.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <btfpack/btfgen.h>
#include <btfpack/fetch.h>

#include "cli/gate.h"
#include "cli/store.h"
#include "core/digest.h"
#include "core/fs.h"
#include "runtime-loader/select.h"

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	{ 0, "force", NULL, "store it even if it is not a kernel's, or not deduplicated" },
	{ 0 },
};
enum { FORCE = STORE_END };

/* What comes in, and what it tells of itself. */
struct adding {
	struct btfpack_kernel *kernel; /* of the options; completed */
	const char *path;
	struct btfpack_blob btf;
	struct btfpack_provenance provenance;
	char build_id[BTFPACK_BUILD_ID_SIZE];
	char uname[BTFPACK_UNAME_SIZE];
	char release[16];
	char sha256[DIGEST_HEX_SIZE];
	bool repaired;
};

enum kind { BTF, PACKAGE, ELF_OR_OTHER };

/* By its first bytes: BTF's magic in either byte order, a package of Debian or rpm. */
static enum kind tell_kind(const char *path)
{
	static const unsigned char rpm[4] = { 0xed, 0xab, 0xee, 0xdb };
	AUTO_FILE FILE *file = fopen(path, "re");
	unsigned char magic[8] = { 0 };
	size_t got = file ? fread(magic, 1, sizeof(magic), file) : 0;

	if (got >= 2 && ((magic[0] == 0x9f && magic[1] == 0xeb) ||
			 (magic[0] == 0xeb && magic[1] == 0x9f)))
		return BTF;
	if (got == sizeof(magic) &&
	    (!memcmp(magic, "!<arch>\n", sizeof(magic)) || !memcmp(magic, rpm, sizeof(rpm))))
		return PACKAGE;
	return ELF_OR_OTHER;
}

static int convert(struct adding *a, const char *elf, struct btfpack_error *err)
{
	int error;

	a->provenance.converter = "btfpack " BTFPACK_VERSION;
	error = btfpack_convert(elf, NULL, &a->btf, err);
	return error ? error : btfpack_build_id(elf, a->build_id, err);
}

/* `uname -m` of the machine that an ELF file is for; NULL: none that we name. */
static const char *machine_of(int fd)
{
	static const struct {
		uint16_t machine;
		uint8_t class, data; /* 0: any */
		const char *arch;
	} rows[] = {
		{ EM_X86_64, 0, 0, "x86_64" },	    { EM_386, 0, 0, "i686" },
		{ EM_AARCH64, 0, 0, "aarch64" },    { EM_ARM, 0, 0, "armv7l" },
		{ EM_S390, ELFCLASS64, 0, "s390x" }, { EM_PPC64, 0, ELFDATA2LSB, "ppc64le" },
		{ EM_PPC64, 0, ELFDATA2MSB, "ppc64" }, { EM_RISCV, ELFCLASS64, 0, "riscv64" },
	};
	unsigned char head[20];
	uint16_t machine;

	if (pread(fd, head, sizeof(head), 0) != sizeof(head))
		return NULL;
	machine = head[EI_DATA] == ELFDATA2MSB ? (uint16_t)(head[18] << 8 | head[19])
					       : (uint16_t)(head[19] << 8 | head[18]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].machine == machine && (!rows[i].class || rows[i].class == head[EI_CLASS]) &&
		    (!rows[i].data || rows[i].data == head[EI_DATA]))
			return rows[i].arch;
	return NULL;
}

/* Where options do not say it: the uname by the place of the vmlinux, the architecture by
 * its header, the distribution by the uname. */
static void complete_key(struct adding *a, int vmlinux)
{
	const char *distro;

	if (!a->kernel->uname)
		a->kernel->uname = a->uname;
	if (!a->kernel->arch)
		a->kernel->arch = machine_of(vmlinux);
	if (!select_find_mark(a->uname, &distro, a->release))
		return;
	if (!a->kernel->distro)
		a->kernel->distro = distro;
	if (!a->kernel->release)
		a->kernel->release = a->release;
}

static int note_package(struct adding *a, struct btfpack_error *err)
{
	CLEANUP(fs_map_deinit) struct fs_map map = { 0 };
	const char *slash = strrchr(a->path, '/');
	struct btfpack_id id;
	int error = fs_map_init(&map, a->path, err);

	if (!error && digest_bytes(map.data, map.size, &id) < 0)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->path);
	if (error)
		return error;
	digest_format(&id, a->sha256);
	a->provenance.package = slash ? slash + 1 : a->path;
	a->provenance.package_sha256 = a->sha256;
	return 0;
}

/* A file without a name, in which a vmlinux has room. */
static int open_scratch(struct btfpack_error *err)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (!dir || !*dir)
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? btfpack_error_set(err, -errno, "%s: cannot make a file in it: %s", dir,
					  strerror(errno))
		      : fd;
}

static int load_package(struct adding *a, struct btfpack_error *err)
{
	AUTO_FD int vmlinux = open_scratch(err);
	char path[32];
	int error;

	if (vmlinux < 0)
		return vmlinux;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", vmlinux);
	error = btfpack_package_find(a->path, vmlinux, a->uname, err);
	if (!error)
		error = note_package(a, err);
	if (!error)
		error = convert(a, path, err);
	if (!error)
		complete_key(a, vmlinux);
	return error;
}

static int load(struct adding *a, struct btfpack_error *err)
{
	a->provenance.source = a->path;
	switch (tell_kind(a->path)) {
	case BTF:
		return fs_read(a->path, BTFPACK_ARCHIVE_BTF_MAX, &a->btf, err);
	case PACKAGE:
		return load_package(a, err);
	default:
		return convert(a, a->path, err);
	}
}

static void print_result(const struct adding *a, const char *set, const struct btfpack_id *id,
			 bool known)
{
	const struct btfpack_kernel *k = a->kernel;
	char hex[DIGEST_HEX_SIZE];
	json_t *object;

	digest_format(id, hex);
	if (!cmd_common.json) {
		output_tell("%s %s %s %s: %s, %zu bytes, %.12s", k->distro, k->release, k->arch,
			    k->uname, known ? "was there already" : "stored", a->btf.size, hex);
		return;
	}
	object = output_kernel(k);
	json_object_set_new(object, "set", set ? output_string(set) : json_null());
	json_object_set_new(object, "id", output_string(hex));
	json_object_set_new(object, "size", json_integer((json_int_t)a->btf.size));
	json_object_set_new(object, "stored", json_boolean(!known));
	json_object_set_new(object, "repaired", json_boolean(a->repaired));
	output_json(object);
}

static void deinit_adding(struct adding *a)
{
	btfpack_blob_free(&a->btf);
}

static int add(const struct cmd *cmd, const struct store_args *args, struct adding *a, bool force)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct btfpack_kernel *k = a->kernel;
	struct btfpack_error err;
	struct btfpack_id id;
	int status, known;

	/* First what takes time and may fail; the archive is not made for a bad file. */
	if (load(a, &err) < 0)
		return cmd_fail(&err);
	if (!k->distro || !k->release || !k->arch || !k->uname)
		return cmd_usage(cmd, "%s: which kernel is it? --%s is missing", a->path,
				 !k->distro    ? "distro"
				 : !k->release ? "release"
				 : !k->arch    ? "arch"
					       : "uname");
	if (!force && !args->set && gate_pass(&a->btf, a->path, &a->repaired, &err) < 0)
		return cmd_fail(&err);
	if (a->repaired) /* whoever made it, now it is ours */
		a->provenance.converter = "btfpack " BTFPACK_VERSION " deduplicated";
	status = store_open(cmd, args, BTFPACK_ARCHIVE_CREATE, &archive);
	if (status)
		return status;
	if (!k->build_id && a->build_id[0])
		k->build_id = a->build_id;
	known = btfpack_archive_add(archive, k, args->set, &a->btf, &a->provenance, &id, &err);
	if (known < 0)
		return cmd_fail(&err);
	print_result(a, args->set, &id, known);
	return CMD_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct store_args args = { 0 };
	CLEANUP(deinit_adding) struct adding adding = { .kernel = &args.filter.kernel };
	const struct btfpack_kernel *k = &args.filter.kernel;
	bool force = false;
	int option;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (!store_take(cmd, &args, option, parser.value))
			force = option == FORCE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc - parser.operand != 1)
		return cmd_usage(cmd, "expected one FILE");
	adding.path = argv[parser.operand];
	if ((!k->distro || !k->release || !k->arch || !k->uname) &&
	    tell_kind(adding.path) != PACKAGE)
		return cmd_usage(cmd, "expected --distro, --release, --arch and --uname: only a package "
				      "tells some of that");
	return add(cmd, &args, &adding, force);
}

const struct cmd cmd_add = {
	.name = "add",
	.summary = "store the BTF of your own kernel",
	.arguments = "--archive DIR --distro D --release R --arch A --uname U FILE",
	.options = options,
	.run = run,
};
