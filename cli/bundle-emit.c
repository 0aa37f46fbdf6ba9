/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "cli/bundle-emit.h"
#include "cli/output.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/tarball.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/verdicts.h"

/* Called for each kernel name of a bundle with its BTF; <0 stops. */
typedef int (*kernel_fn)(const struct bundle_entry *entry, const struct bundle_bytes *btf,
			 void *arg, struct btfpack_error *err);

static int call_with_btf(const struct bundle *b, const struct bundle_entry *entry, kernel_fn fn,
			 void *arg, struct btfpack_error *err)
{
	CLEANUP(bundle_bytes_deinit) struct bundle_bytes btf = { 0 };
	int error = bundle_get_blob(b, entry->blob, &btf, err);

	return error ? error : fn(entry, &btf, arg, err);
}

/* The forms for others tell kernels by name alone: of several builds of a name,
 * which come one after another, the first is taken. */
static int each_name(const struct btfpack_blob *bytes, kernel_fn fn, void *arg,
		     struct btfpack_error *err)
{
	CLEANUP(bundle_iter_deinit) struct bundle_iter it = { 0 };
	char previous[BUNDLE_KEY_MAXIMUM + 1] = "";
	struct bundle_entry entry;
	struct bundle b;
	int more;

	more = bundle_init(&b, bytes->data, bytes->size, "the bundle", err);
	if (!more)
		more = bundle_iter_init(&it, &b, err);
	if (more < 0)
		return more;
	while ((more = bundle_iter_next(&it, &entry, err)) > 0) {
		if (strcmp(previous, it.key))
			more = call_with_btf(&b, &entry, fn, arg, err);
		if (more < 0)
			break;
		strcpy(previous, it.key);
	}
	return more;
}

static int no_memory(const char *out, struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", out);
}

/* Write @size bytes to @dir/@name; @dir is made if need be. */
static int put_file(const char *dir, const char *name, const void *data, size_t size,
		    struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;
	int error = fs_make_dirs(dir, err);

	if (error)
		return error;
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return no_memory(dir, err);
	}
	return fs_write(path, data, size, err);
}

/* --- file, dir ---------------------------------------------------------------------------------- */

static int emit_file(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	return output_file(out, bytes->data, bytes->size, err);
}

/* distro/release/arch/uname.btf */
static int put_in_tree(const struct bundle_entry *entry, const struct bundle_bytes *btf, void *arg,
		       struct btfpack_error *err)
{
	AUTO_FREE char *dir = NULL, *name = NULL;

	if (asprintf(&dir, "%s/%s/%s/%s", (const char *)arg, entry->distro, entry->release,
		     entry->arch) < 0) {
		dir = NULL;
		return no_memory(arg, err);
	}
	if (asprintf(&name, "%s.btf", entry->uname) < 0) {
		name = NULL;
		return no_memory(arg, err);
	}
	return put_file(dir, name, btf->data, btf->size, err);
}

static int emit_dir(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	return each_name(bytes, put_in_tree, (void *)out, err);
}

/* --- tar.gz: what bcc's libbpf-tools embed as min_core_btfs.tar.gz ------------------------------- */

/* bcc looks for "./ID/VERSION_ID/MACHINE/UNAME.btf" and reads ustar headers. */
static int put_in_tar(const struct bundle_entry *entry, const struct bundle_bytes *btf, void *arg,
		      struct btfpack_error *err)
{
	const struct btfpack_blob blob = { (void *)btf->data, btf->size };
	char path[BUNDLE_KEY_MAXIMUM + 16];

	snprintf(path, sizeof(path), "./%s/%s/%s/%s.btf", entry->distro, entry->release, entry->arch,
		 entry->uname);
	return tarball_add(arg, path, &blob, err);
}

static int emit_tar_gz(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	CLEANUP(fs_output_deinit) struct fs_output file = FS_OUTPUT_INIT;
	struct tarball *tarball = NULL;
	int error = fs_output_init(&file, out, err);

	if (!error)
		error = tarball_new(file.fd, out, TARBALL_GZIP, &tarball, err);
	if (!error)
		error = each_name(bytes, put_in_tar, tarball, err);
	if (!error)
		error = tarball_finish(tarball, err);
	tarball_free(tarball);
	return error ? error : fs_output_commit(&file, err);
}

/* --- c: the bundle as an object to link -------------------------------------------------------- */

static const char c_assembly[] =
	"/* Written by btfpack bundle --emit c. Compile with -I and the directory that holds\n"
	" * btfpack.bundle: cc -c -I DIR bundle.S */\n"
	"\t.section .rodata\n"
	"\t.balign 16\n"
	"\t.hidden btfpack_bundle\n"
	"\t.globl btfpack_bundle\n"
	"\t.type btfpack_bundle, %object\n"
	"btfpack_bundle:\n"
	"\t.incbin \"btfpack.bundle\"\n"
	"\t.size btfpack_bundle, . - btfpack_bundle\n"
	"\t.section .note.GNU-stack, \"\", %progbits\n";

static const char c_header[] =
	"/* Written by btfpack bundle --emit c: for btfpack_loader_open_mem(). */\n"
	"#ifndef BTFPACK_BUNDLE_EMBEDDED_H\n"
	"#define BTFPACK_BUNDLE_EMBEDDED_H\n"
	"\n"
	"#ifdef __cplusplus\n"
	"extern \"C\"\n"
	"#else\n"
	"extern\n"
	"#endif\n"
	"const unsigned char btfpack_bundle[%zu];\n"
	"\n"
	"#endif\n";

static int emit_c(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	char header[sizeof(c_header) + 32];
	int length = snprintf(header, sizeof(header), c_header, bytes->size);
	int error = put_file(out, "btfpack.bundle", bytes->data, bytes->size, err);

	if (!error)
		error = put_file(out, "bundle.S", c_assembly, sizeof(c_assembly) - 1, err);
	if (!error)
		error = put_file(out, "bundle.h", header, (size_t)length, err);
	return error;
}

/* --- go: a package that embeds all BTFs and selects without cgo ---------------------------------- */

/* forms/select.go, whole; cli/ is compiled in the source's root. */
extern const char go_source[], go_source_end[];
__asm__(".pushsection .rodata\n"
	".hidden go_source\n.globl go_source\ngo_source:\n"
	".incbin \"cli/forms/select.go\"\n"
	".hidden go_source_end\n.globl go_source_end\ngo_source_end:\n"
	".popsection\n");

/* "distro release arch uname build-id blob verdict", a line a kernel; "-" for no
 * build-id, 0 for no verdict. @verdicts_ret: the greatest number of one. */
static int format_index(const struct bundle *b, struct buf *ret, uint32_t *verdicts_ret,
			struct btfpack_error *err)
{
	CLEANUP(bundle_iter_deinit) struct bundle_iter it = { 0 };
	struct bundle_entry e;
	int more = bundle_iter_init(&it, b, err);

	if (more < 0)
		return more;
	while ((more = bundle_iter_next(&it, &e, err)) > 0) {
		char id[2 * BUNDLE_BUILD_ID_MAXIMUM + 1];
		bool known = false;

		for (size_t i = 0; i < e.build_id_size; i++) {
			sprintf(id + 2 * i, "%02x", e.build_id[i]);
			known = known || e.build_id[i];
		}
		if (e.verdict > *verdicts_ret)
			*verdicts_ret = e.verdict;
		if (buf_add_format(ret, "%s %s %s %s %s %u %u\n", e.distro, e.release, e.arch, e.uname,
				   known ? id : "-", e.blob, e.verdict) < 0)
			return btfpack_error_set(err, -ENOMEM, "index: out of memory");
	}
	return more;
}

static int put_blobs(const struct bundle *b, struct tarball *tarball, struct btfpack_error *err)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < b->blob_count; i++) {
		CLEANUP(bundle_bytes_deinit) struct bundle_bytes btf = { 0 };
		struct btfpack_blob blob;
		char name[32];

		error = bundle_get_blob(b, i, &btf, err);
		if (error)
			break;
		blob = (struct btfpack_blob){ (void *)btf.data, btf.size };
		snprintf(name, sizeof(name), "%u.btf", i);
		error = tarball_add(tarball, name, &blob, err);
	}
	return error;
}

/* "object<tab>program<tab>state<tab>reason" of the programs that do not just load. */
static int put_verdict(const struct verdicts *v, uint32_t number, struct tarball *tarball,
		       struct btfpack_error *err)
{
	AUTO_BUF struct buf text = BUF_INIT(SIZE_MAX);
	char name[32];

	for (size_t i = 0; i < v->count; i++) {
		const struct btfpack_program *p = &v->programs[i];

		if (p->loads != BTFPACK_LOADS &&
		    buf_add_format(&text, "%s\t%s\t%s\t%s\n", p->object, p->program,
				   btfpack_loads_name(p->loads), p->reason) < 0)
			return btfpack_error_set(err, -ENOMEM, "verdicts: out of memory");
	}
	snprintf(name, sizeof(name), "%u.verdict", number);
	return tarball_add(tarball, name, &(struct btfpack_blob){ text.data, text.size }, err);
}

static int put_verdicts(const struct bundle *b, uint32_t count, struct tarball *tarball,
			struct btfpack_error *err)
{
	int error = 0;

	for (uint32_t number = 1; !error && number <= count; number++) {
		struct verdicts *v = NULL;

		error = verdicts_read(b, number, &v, err);
		if (!error)
			error = put_verdict(v, number, tarball, err);
		verdicts_free(v);
	}
	return error;
}

static int write_go_archive(const struct bundle *b, const char *path, struct btfpack_error *err)
{
	CLEANUP(fs_output_deinit) struct fs_output file = FS_OUTPUT_INIT;
	AUTO_BUF struct buf index = BUF_INIT(SIZE_MAX);
	struct tarball *tarball = NULL;
	uint32_t verdicts = 0;
	int error = format_index(b, &index, &verdicts, err);

	if (!error)
		error = fs_output_init(&file, path, err);
	if (!error)
		error = tarball_new(file.fd, path, TARBALL_GZIP, &tarball, err);
	if (!error)
		error = tarball_add(tarball, "index.txt",
				    &(struct btfpack_blob){ index.data, index.size }, err);
	if (!error)
		error = put_blobs(b, tarball, err);
	if (!error)
		error = put_verdicts(b, verdicts, tarball, err);
	if (!error)
		error = tarball_finish(tarball, err);
	tarball_free(tarball);
	return error ? error : fs_output_commit(&file, err);
}

static int emit_go(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;
	struct bundle b;
	int error = bundle_init(&b, bytes->data, bytes->size, "the bundle", err);

	if (!error)
		error = put_file(out, "select.go", go_source, (size_t)(go_source_end - go_source), err);
	if (error)
		return error;
	if (asprintf(&path, "%s/btfs.tar.gz", out) < 0) {
		path = NULL;
		return no_memory(out, err);
	}
	return write_go_archive(&b, path, err);
}

/* --- rust: a module with the bundle's bytes ------------------------------------------------------- */

static const char rust_module[] =
	"// Written by btfpack bundle --emit rust: for btfpack_loader_open_mem().\n"
	"pub static BUNDLE: &[u8; %zu] = include_bytes!(\"btfpack.bundle\");\n";

static int emit_rust(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	char module[sizeof(rust_module) + 32];
	int length = snprintf(module, sizeof(module), rust_module, bytes->size);
	int error = put_file(out, "btfpack.bundle", bytes->data, bytes->size, err);

	return error ? error : put_file(out, "mod.rs", module, (size_t)length, err);
}

static const struct bundle_form forms[] = {
	{ "file", "the bundle", emit_file },
	{ "dir", "a tree distro/release/arch/uname.btf", emit_dir, .drops_signature = true },
	{ "tar.gz", "the same tree as bcc's min_core_btfs.tar.gz", emit_tar_gz, .drops_signature = true },
	{ "c", "the bundle with an assembly file and a header, to link", emit_c },
	{ "go", "a Go package that embeds the BTFs and selects", emit_go, .drops_signature = true },
	{ "rust", "the bundle with a module that includes its bytes", emit_rust },
};

const struct bundle_form *bundle_form_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(name, forms[i].name))
			return &forms[i];
	return NULL;
}

const char *bundle_form_names(void)
{
	return "file, dir, tar.gz, c, go, rust";
}
