/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distributions are rows of a table (distros.c); the kind of repository they keep
 * is a struct repo_ops in a file of its own (repo-apt.c). To add a distribution of
 * a known kind, add a row; to add a kind, write its file and name it in a row.
 */
#ifndef FETCHER_REPO_H
#define FETCHER_REPO_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>

#include "fetcher/package-list.h"

struct download_cache;
struct repo;

/* What a kind of repository must do. */
struct repo_ops {
	const char *name;

	/* Add the kernel debug packages of @repo to @list: those of @arch (as `uname -m`
	 * spells it), or of every architecture if NULL. An architecture that the
	 * repository does not have is no error; one whose index cannot be had or verified
	 * is left out and noted in the list. -ENOENT: there is no such repository. On
	 * errors nothing was added. */
	int (*list)(const struct repo *repo, const char *arch, struct package_list *list,
		    struct btfpack_error *err);

	/* Negative, 0, positive: the order of versions. */
	int (*compare)(const char *version_a, const char *version_b);
};

/* A tree of the distribution with its own base URL. */
struct distro_base {
	const char *official;      /* base URL that always works */
	const char *mirror_suffix; /* what follows the base URL on a mirror: "", "-security" */
};
#define DISTRO_BASES 2

/* How much a suite is missed that its base does not have. */
enum suite_presence {
	SUITE_REQUIRED, /* an error */
	SUITE_EXPECTED, /* a warning */
	SUITE_OPTIONAL, /* only told to those who ask for details */
};

/* A part of a release: what follows the code name in its suite's name. */
struct distro_suite {
	const char *suffix; /* NULL ends the list */
	unsigned int base;  /* index into struct distro's bases */
	enum suite_presence presence;
};

struct distro_release {
	const char *name; /* as in os-release VERSION_ID, or what stands for it; NULL ends */
	const char *codename;
	const char *alias;   /* another name, or NULL */
	bool may_be_expired; /* its index is used past its time, with a warning */
	const struct distro_suite *suites;
};

/* What the name of a debug package tells. */
struct kernel_name {
	char uname[128];
	char flavour[64];
};

struct distro {
	const char *name; /* as in os-release ID */
	const struct repo_ops *ops;
	const char *keyring; /* where its keyring package puts the keys, from "/" */
	struct distro_base bases[DISTRO_BASES];
	const struct distro_release *releases; /* in the order they came out */
	/* Whether @package is the debug package of one kernel. */
	bool (*recognize)(const char *package, struct kernel_name *ret);
};

/* NULL when there is none. Releases go by number, code name or alias. */
const struct distro *distro_find(const char *name);
const struct distro_release *distro_find_release(const struct distro *distro, const char *name);

/* The table itself, for lists and messages; ends with NULL. */
extern const struct distro *const distros[];

/* One suite at one place: what a repo_ops works on. */
struct repo {
	const struct distro *distro;
	const struct distro_release *release;
	const char *url;   /* base, without a slash at the end */
	const char *suite; /* "bookworm-security" */
	const char *keyring;
	struct download_cache *cache;
};

extern const struct repo_ops repo_apt;

#endif
