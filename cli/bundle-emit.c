/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "cli/bundle-emit.h"
#include "cli/output.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "runtime-loader/bundle.h"

/* Called for each kernel of a bundle with its BTF; <0 stops. */
typedef int (*kernel_fn)(const struct bundle_entry *entry, const struct bundle_bytes *btf,
			 const char *out, struct btfpack_error *err);

static int each_kernel(const struct btfpack_blob *bytes, const char *out, kernel_fn fn,
		       struct btfpack_error *err)
{
	CLEANUP(bundle_iter_deinit) struct bundle_iter it = { 0 };
	struct bundle_entry entry;
	struct bundle b;
	int more;

	more = bundle_init(&b, bytes->data, bytes->size, "the bundle", err);
	if (!more)
		more = bundle_iter_init(&it, &b, err);
	if (more < 0)
		return more;
	while ((more = bundle_iter_next(&it, &entry, err)) > 0) {
		CLEANUP(bundle_bytes_deinit) struct bundle_bytes btf = { 0 };

		more = bundle_get_blob(&b, entry.blob, &btf, err);
		if (!more)
			more = fn(&entry, &btf, out, err);
		if (more < 0)
			return more;
	}
	return more;
}

static int emit_file(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	return output_file(out, bytes->data, bytes->size, err);
}

/* distro/release/arch/uname.btf; of several builds of a name the last one. */
static int put_in_tree(const struct bundle_entry *entry, const struct bundle_bytes *btf,
		       const char *out, struct btfpack_error *err)
{
	AUTO_FREE char *dir = NULL, *path = NULL;
	int error;

	if (asprintf(&dir, "%s/%s/%s/%s", out, entry->distro, entry->release, entry->arch) < 0 ||
	    asprintf(&path, "%s/%s.btf", dir, entry->uname) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", out);
	error = fs_make_dirs(dir, err);
	return error ? error : fs_write(path, btf->data, btf->size, err);
}

static int emit_dir(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err)
{
	return each_kernel(bytes, out, put_in_tree, err);
}

static const struct bundle_form forms[] = {
	{ "file", "the bundle", emit_file },
	{ "dir", "a tree distro/release/arch/uname.btf", emit_dir },
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
	return "file, dir";
}
