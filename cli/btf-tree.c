/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/btf-tree.h"
#include "core/arch.h"
#include "core/cleanup.h"
#include "core/fs.h"

#define DEPTH	    3 /* directories above a file: distro, release, arch */
#define BTF_MAXIMUM ((size_t)256 << 20)

struct walk {
	btf_tree_fn fn;
	void *arg;
	const char *names[DEPTH]; /* of the directories we are in */
};

static int is_wanted(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int visit_file(struct walk *w, const char *path, const char *name, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	AUTO_FREE char *uname = NULL;
	size_t length = strlen(name);
	struct btfpack_kernel kernel;
	int error;

	if (length < 5 || strcmp(name + length - 4, ".btf"))
		return 0;
	uname = strndup(name, length - 4);
	if (!uname)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	error = fs_read(path, BTF_MAXIMUM, &btf, err);
	if (error)
		return error;
	kernel = (struct btfpack_kernel){ w->names[0], w->names[1], arch_normalize(w->names[2]),
					  uname, NULL };
	return w->fn(&kernel, &btf, path, w->arg, err);
}

static int visit(struct walk *w, const char *path, int depth, struct btfpack_error *err);

/* Descend into a directory, or hand over a file: by how deep we are. */
static int visit_entry(struct walk *w, const char *dir, const char *name, int depth,
		       struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	}
	if (stat(path, &st) < 0)
		return btfpack_error_set(err, -errno, "%s: cannot stat: %s", path, strerror(errno));
	if (depth == DEPTH)
		return S_ISREG(st.st_mode) ? visit_file(w, path, name, err) : 0;
	if (!S_ISDIR(st.st_mode))
		return 0;
	w->names[depth] = name;
	return visit(w, path, depth + 1, err);
}

static int visit(struct walk *w, const char *path, int depth, struct btfpack_error *err)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_wanted, alphasort), error = 0;

	if (count < 0)
		return btfpack_error_set(err, -errno, "%s: cannot read the directory: %s", path,
					 strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!error)
			error = visit_entry(w, path, entries[i]->d_name, depth, err);
		free(entries[i]);
	}
	free(entries);
	return error;
}

int btf_tree_walk(const char *dir, btf_tree_fn fn, void *arg, struct btfpack_error *err)
{
	struct walk w = { .fn = fn, .arg = arg };

	return visit(&w, dir, 0, err);
}
