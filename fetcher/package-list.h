/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages as they are found, then put in order. */
#ifndef FETCHER_PACKAGE_LIST_H
#define FETCHER_PACKAGE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>
#include <btfpack/fetch.h>

struct checksum;
struct distro;

/* The digest of a package as its field has it: "sha256:<hex>". NULL for none. */
#define PACKAGE_DIGEST_SIZE 144
const char *package_digest_format(const struct checksum *digest, char ret[PACKAGE_DIGEST_SIZE]);
/* -EINVAL: it is none. */
int package_digest_parse(const char *text, struct checksum *ret);

struct package_list {
	struct btfpack_package *packages;
	size_t count, capacity;
	struct btfpack_error failure; /* the first that kept packages out; code 0: none */
};

void package_list_deinit(struct package_list *list);

/* Add a copy of @package and all its strings. */
int package_list_add(struct package_list *list, const struct btfpack_package *package,
		     struct btfpack_error *err);

/* The list lacks what @failure kept out of it. The first one is remembered, the
 * others go to the log. Returns the code when going on makes no sense (out of
 * memory, canceled, the caller's mistake, no keys, no gpgv), else 0. */
int package_list_note_failure(struct package_list *list, const struct btfpack_error *failure);

/* Move what @from has behind what @list has, and its failure. */
int package_list_join(struct package_list *list, struct package_list *from,
		      struct btfpack_error *err);

/* Forget the packages after the first @count. */
void package_list_cut(struct package_list *list, size_t count);

/* Forget those that @keep says no to. */
void package_list_filter(struct package_list *list,
			 bool (*keep)(const struct btfpack_package *package, const void *arg),
			 const void *arg);

/* Put them in the order that btfpack_fetcher_list() promises, each only once, and
 * of every (release, arch, flavour) at most the @latest newest (0: all). Packages
 * that are the same in two suites stay as they were first added. */
int package_list_arrange(struct package_list *list, const struct distro *distro,
			 unsigned int latest, struct btfpack_error *err);

#endif
