/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distributions are rows of a table (distros.c); the kind of repository they keep
 * is a struct repo_ops in a file of its own (repo-apt.c). To add a distribution of
 * a known kind, add a row; to add a kind, write its file and name it in a row.
 */
#ifndef FETCHER_REPO_H
#define FETCHER_REPO_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "fetcher/package-list.h"

struct download_cache;
struct expired_ops;
struct keyring;
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
	const char *snapshot; /* its name at snapshot.debian.org; NULL: it is not there */
};
#define DISTRO_BASES 4

/* A package by the parts of its name. Those that an index does not tell before it is
 * chosen, and those that say nothing about a deb, are NULL. */
struct package_name {
	const char *name;    /* "kernel-debuginfo" */
	const char *version; /* without epoch: "5.3.18-57.3" */
	const char *arch;    /* "x86_64" */
};

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

	/* Where it is, after the base URL; "$release", "$codename" and "$arch" stand for
	 * what they say. "mirror.list" at its end: the text there names the URL. NULL:
	 * where its kind of repository keeps it. */
	const char *path;
	const struct repo_ops *ops; /* NULL: the distribution's */
};

struct distro_release {
	const char *name; /* as in os-release VERSION_ID, or what stands for it; NULL ends */
	const char *codename; /* what suites are named after */
	const char *alias;    /* another name, or NULL */
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
	/* Where packages put its keys: files from "/", or patterns of glob(7), words;
	 * "$release" stands for what it says. NULL: no place. */
	const char *keyring;
	const char *components; /* of its apt repositories; NULL: "main" */
	uint64_t minimum_size;  /* bytes; smaller packages hold no kernel */
	const struct expired_ops *expired; /* who keeps what its archive dropped; NULL: nobody */
	const char *arches;  /* as in its URLs: "x86_64 aarch64"; apt's indexes tell themselves */
	struct distro_base bases[DISTRO_BASES];
	const struct distro_release *releases; /* in the order they came out */
	/* Whether @package is the debug package of one kernel. With only the name known,
	 * whether it may be; @ret is then empty. */
	bool (*recognize)(const struct package_name *package, struct kernel_name *ret);
};

/* NULL when there is none. Releases go by number, code name or alias. */
const struct distro *distro_find(const char *name);
const struct distro_release *distro_find_release(const struct distro *distro, const char *name);

/* Which packages are kernels' goes by the style of their names: "debian", "ubuntu",
 * "rpm" or "suse". NULL when there is no such style. */
bool (*distro_find_recognizer(const char *style))(const struct package_name *package,
						  struct kernel_name *ret);

/* The table itself, for lists and messages; ends with NULL. */
extern const struct distro *const distros[];

/* One suite at one place: what a repo_ops works on. */
struct repo {
	const struct distro *distro;
	const struct distro_release *release;
	const char *url;   /* without a slash at the end; may still hold "$arch" */
	const char *base;  /* what @url begins with: the whole archive */
	const char *suite; /* "bookworm-security" */
	const struct keyring *keyring; /* NULL: none is known */
	bool allow_unsigned;  /* what cannot be verified is used, with a warning */
	int64_t now; /* seconds since 1970: when its index has to be valid */
	struct download_cache *cache;
};

extern const struct repo_ops repo_apt, repo_rpmmd, repo_html;

/* For kinds that keep a repository for each architecture: call @list_one with the URL
 * of each that @arch (`uname -m`; NULL: every one) leaves. As in struct repo_ops, what
 * fails for one leaves the others alone; none there at all is -ENOENT. */
int repo_list_arches(const struct repo *repo, const char *arch, struct package_list *list,
		     int (*list_one)(const struct repo *repo, const char *url, const char *arch,
				     struct package_list *list, struct btfpack_error *err),
		     struct btfpack_error *err);

/* Decompress the index in the file @path and feed it to @feed as it comes, at most @maximum
 * bytes; @what is named in errors. */
int repo_read_index(const char *path, uint64_t maximum, const char *what,
		    int (*feed)(void *arg, const void *data, size_t size,
				struct btfpack_error *err),
		    void *arg, struct btfpack_error *err);

/* Where @location leads from @url, of @repo or of a mirror that it named. It may climb
 * (Amazon keeps packages beside its repositories), but neither out of the archive nor to
 * another host: -EBADMSG. free() *@ret. */
int repo_resolve(const struct repo *repo, const char *url, const char *location, char **ret,
		 struct btfpack_error *err);

/* @text with $release, $codename, $arch and $basearch put in (NULL: left as they
 * are). free() it; NULL when out of memory. */
char *repo_expand(const char *text, const struct distro_release *release, const char *arch);

/* Suites that are listed at a time may have the same index: only one thread looks for the
 * note of that name, and makes it, the others find it then. One name a thread at a time. */
pthread_mutex_t *repo_lock_note(const char *note);

static inline void repo_unlock_note(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

#endif
