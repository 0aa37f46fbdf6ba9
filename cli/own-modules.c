/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/own-modules.h"
#include "core/cleanup.h"
#include "core/fs.h"

#define MEMORY ((uint64_t)128 << 20)

const char *own_modules_scratch(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/var/tmp";
}

int own_modules_load(const char *path, const char *uname, const struct btfpack_blob *btf,
		     struct module_set *ret, struct btfpack_error *err)
{
	const struct btfpack_package package = { .kernel.uname = (char *)uname,
						 .name = (char *)path,
						 .url = (char *)path };
	struct stat st;
	const struct module_job job = {
		.directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL,
		.package_path = path,
		.scratch = own_modules_scratch(),
		.package = &package,
		.base = btf,
		.threads = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
		.memory = MEMORY,
	};
	int error = modules_convert(&job, ret, err);

	for (size_t i = 0; !error && i < ret->failure_count; i++)
		output_say("%s: module %s: %s", path, ret->failures[i].name,
			   ret->failures[i].reason);
	return error;
}

static int write_in(const char *dir, const char *name, const struct btfpack_blob *btf,
		    struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	}
	return fs_write(path, btf->data, btf->size, err);
}

int own_modules_write(const char *dir, const struct btfpack_blob *btf,
		      const struct btfpack_modules *modules, struct btfpack_error *err)
{
	int error = fs_make_dirs(dir, err);

	for (size_t i = 0; !error && i < modules->count; i++)
		error = write_in(dir, modules->modules[i].name, &modules->modules[i].btf, err);
	return error ? error : write_in(dir, "vmlinux", btf, err);
}
