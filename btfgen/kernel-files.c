/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "btfgen/btf-file.h"
#include "btfgen/kernel-files.h"

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* As the kernel calls a module: the file's name up to the first dot, with '_' for '-'. */
static char *name_of(const char *path, size_t length)
{
	char *name = strndup(path, length);

	for (char *c = name; c && *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static int add_file(struct kernel_files *files, const char *name, size_t name_length,
		    const char *path, struct btfpack_error *err)
{
	struct btfpack_module_btf *modules =
		realloc(files->modules, (files->module_count + 1) * sizeof(*modules));
	struct btfpack_module_btf *module;
	int error;

	if (!modules)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	files->modules = modules;
	module = &modules[files->module_count];
	*module = (struct btfpack_module_btf){ .name = name_of(name, name_length) };
	error = module->name ? btf_file_load_split(path, &module->btf, err)
			     : btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	if (error)
		free((char *)module->name);
	else
		files->module_count++;
	return error;
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "vmlinux") != 0;
}

/* In the order of the names, so that the answer does not depend on the directory's. */
static int add_directory(struct kernel_files *files, const char *path, struct btfpack_error *err)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_module, alphasort), error = 0;

	if (count < 0) {
		error = -errno;
		return btfpack_error_set(err, error, "%s: cannot read the directory: %s", path,
					 strerror(-error));
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		AUTO_FREE char *file = NULL;

		if (!error && asprintf(&file, "%s/%s", path, name) < 0)
			error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
		if (!error)
			error = add_file(files, name, strcspn(name, "."), file, err);
		free(entries[i]);
	}
	free(entries);
	return error;
}

int kernel_files_add(struct kernel_files *files, const char *module, struct btfpack_error *err)
{
	size_t head = strcspn(module, "=/");
	const char *base;

	if (module[head] == '=' && head)
		return add_file(files, module, head, module + head + 1, err);
	if (is_directory(module))
		return add_directory(files, module, err);
	base = strrchr(module, '/') ? strrchr(module, '/') + 1 : module;
	return add_file(files, base, strcspn(base, "."), module, err);
}

int kernel_files_load(struct kernel_files *files, const char *path, struct btfpack_error *err)
{
	AUTO_FREE char *vmlinux = NULL;
	int error;

	if (!is_directory(path))
		return btf_file_load(path, &files->btf, err);
	if (asprintf(&vmlinux, "%s/vmlinux", path) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	error = btf_file_load(vmlinux, &files->btf, err);
	return error ? error : add_directory(files, path, err);
}

void kernel_files_deinit(struct kernel_files *files)
{
	btfpack_blob_free(&files->btf);
	for (size_t i = 0; i < files->module_count; i++) {
		btfpack_blob_free(&files->modules[i].btf);
		free((char *)files->modules[i].name);
	}
	free(files->modules);
	*files = (struct kernel_files){ 0 };
}
