/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * add: one kernel, from BTF, an ELF file, a package, or a directory like /sys/kernel/btf;
 * and its modules. A package also tells which kernel it is of, as far as the place of its
 * vmlinux and that itself say it.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <btfpack/btfgen.h>
#include <btfpack/fetch.h>

#include "cli/gate.h"
#include "cli/kernel-image.h"
#include "cli/own-modules.h"
#include "cli/store.h"
#include "core/digest.h"
#include "core/fs.h"
#include "runtime-loader/select.h"

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	{ 0, "force", NULL, "store it even if it is not a kernel's, or not deduplicated" },
	{ 0, "modules", "PATH", "its modules, too: a directory of them, or a package" },
	{ 0 },
};
enum { FORCE = STORE_END, MODULES };

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
	char *vmlinux;		  /* of a directory ... */
	bool takes_all;		  /* ... whose modules, if it has any, are meant */
	const char *modules_path; /* NULL: without */
	struct module_set modules;
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

static int load_package(struct adding *a, struct btfpack_error *err)
{
	AUTO_FD int vmlinux = kernel_image_temporary(own_modules_scratch(), err);
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

/* --- modules ------------------------------------------------------------------------------------ */

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A directory like /sys/kernel/btf is vmlinux and its modules. */
static int enter_directory(struct adding *a, struct btfpack_error *err)
{
	if (!is_directory(a->path))
		return 0;
	if (asprintf(&a->vmlinux, "%s/vmlinux", a->path) < 0) {
		a->vmlinux = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->path);
	}
	a->takes_all = !a->modules_path;
	if (a->takes_all)
		a->modules_path = a->path;
	a->path = a->vmlinux;
	return 0;
}

/* Those that give no BTF are left out. */
static int load_modules(struct adding *a, struct btfpack_error *err)
{
	struct module_set *set = &a->modules;
	int error = own_modules_load(a->modules_path, a->kernel->uname, &a->btf, set, err);

	if (error || set->modules.count)
		return error;
	if (!a->takes_all || set->failure_count)
		return btfpack_error_set(err, -EBADMSG, "%s: no module of %s with BTF or debug "
					 "information in it", a->modules_path, a->kernel->uname);
	a->modules_path = NULL;
	return 0;
}

static int store_modules(struct adding *a, struct btfpack_archive *archive,
			 const struct btfpack_id *id, struct btfpack_error *err)
{
	const struct btfpack_modules *modules = &a->modules.modules;

	return a->modules_path
		       ? btfpack_archive_add_modules(archive, a->kernel, id, modules->modules,
						     modules->count,
						     (uint32_t)a->modules.failure_count, err)
		       : 0;
}

static void print_result(const struct adding *a, const char *set, const struct btfpack_id *id,
			 bool known)
{
	const struct btfpack_kernel *k = a->kernel;
	char hex[DIGEST_HEX_SIZE];
	json_t *object;

	digest_format(id, hex);
	char modules[32] = "";

	if (a->modules_path)
		snprintf(modules, sizeof(modules), ", %zu modules", a->modules.modules.count);
	if (!cmd_common.json) {
		output_tell("%s %s %s %s: %s, %zu bytes, %.12s%s", k->distro, k->release, k->arch,
			    k->uname, known ? "was there already" : "stored", a->btf.size, hex,
			    modules);
		return;
	}
	object = output_kernel(k);
	json_object_set_new(object, "set", set ? output_string(set) : json_null());
	json_object_set_new(object, "id", output_string(hex));
	json_object_set_new(object, "size", json_integer((json_int_t)a->btf.size));
	json_object_set_new(object, "stored", json_boolean(!known));
	json_object_set_new(object, "repaired", json_boolean(a->repaired));
	if (a->modules_path)
		json_object_set_new(object, "modules",
				    json_integer((json_int_t)a->modules.modules.count));
	if (a->modules_path)
		json_object_set_new(object, "modules_failed",
				    json_integer((json_int_t)a->modules.failure_count));
	output_json(object);
}

static void deinit_adding(struct adding *a)
{
	btfpack_blob_free(&a->btf);
	module_set_deinit(&a->modules);
	free(a->vmlinux);
}

static int add(const struct cmd *cmd, const struct store_args *args, struct adding *a, bool force)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct btfpack_kernel *k = a->kernel;
	struct btfpack_error err;
	struct btfpack_id id;
	int status, known, modules;

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
	if (a->modules_path && load_modules(a, &err) < 0)
		return cmd_fail(&err);
	status = store_open(cmd, args, BTFPACK_ARCHIVE_CREATE, &archive);
	if (status)
		return status;
	if (!k->build_id && a->build_id[0])
		k->build_id = a->build_id;
	known = btfpack_archive_add(archive, k, args->set, &a->btf, &a->provenance, &id, &err);
	modules = known < 0 ? known : store_modules(a, archive, &id, &err);
	if (modules < 0)
		return cmd_fail(&err);
	print_result(a, args->set, &id, known && (modules || !a->modules_path));
	return a->modules.failure_count ? CMD_BAD_INPUT : CMD_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct store_args args = { 0 };
	CLEANUP(deinit_adding) struct adding adding = { .kernel = &args.filter.kernel };
	const struct btfpack_kernel *k = &args.filter.kernel;
	struct btfpack_error err;
	bool force = false;
	int option;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == MODULES)
			adding.modules_path = parser.value;
		else if (!store_take(cmd, &args, option, parser.value))
			force = true;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc - parser.operand != 1)
		return cmd_usage(cmd, "expected one FILE");
	adding.path = argv[parser.operand];
	if (enter_directory(&adding, &err) < 0)
		return cmd_fail(&err);
	if (adding.modules_path && args.set)
		return cmd_usage(cmd, "modules go with full BTF, not with --set");
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
