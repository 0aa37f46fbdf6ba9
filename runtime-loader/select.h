/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which kernel of a bundle is this host's? The kernels are offered one by one, in
 * any order; what is kept is the best of each kind, so memory is constant and one
 * pass is enough. No I/O: a table of hosts and kernels tests it.
 *
 *	struct select s;
 *	struct select_answer answer;
 *
 *	select_init(&s, &host, nearest, &story);
 *	for each kernel: select_offer(&s, &entry);
 *	if (select_finish(&s, &answer)) ...
 */
#ifndef RUNTIME_LOADER_SELECT_H
#define RUNTIME_LOADER_SELECT_H

#include <stdbool.h>

#include <btfpack/loader.h>

#include "bundle.h"

/* What was tried and how it went: one line a step, cut at the end of the room. */
struct story {
	char text[2048];
	size_t size;
};
__attribute__((format(printf, 2, 3))) void story_add(struct story *story, const char *format, ...);
const char *story_last_line(const struct story *story);

/* A kernel's distribution and release in one spelling: aliases, code names and
 * rebuilds of the same source resolved. */
struct select_family {
	char distro[64];
	char release[64];
	bool is_rebuild; /* RHEL or one of those that rebuild its kernels */
	char rebuilder[64]; /* then: which one; distro is "rhel" */
};

/* The best kernel so far of one kind, and whether all of that kind agree. */
struct select_pick {
	unsigned int count;
	bool differ; /* two of them have different blobs */
	uint32_t blob;
	uint32_t verdict;
	struct btfpack_host kernel; /* the first of them */
};

enum select_rank {
	SELECT_BUILD_ID,
	SELECT_NAME,
	SELECT_SIBLING,
	SELECT_RELEASE,
	SELECT_UNAME,
	SELECT_REBUILD,	  /* the name fits, the build-id does not */
	SELECT_OLDER,	  /* the nearest older one of the series, same x.y version */
	SELECT_NEWER,	  /* the nearest newer one */
	SELECT_FAR_OLDER, /* likewise, of another x.y version */
	SELECT_FAR_NEWER,
	SELECT_RANKS
};

/* Bytes of a build-id that prove something without a uname. */
#define SELECT_BUILD_ID_ALONE 4

struct select {
	struct btfpack_host host; /* the host, its architecture in one spelling */
	struct select_family family;
	uint8_t build_id[BUNDLE_BUILD_ID_MAXIMUM];
	bool has_build_id;
	bool has_short_ids; /* the bundle keeps too little of them without a uname */
	bool nearest;
	struct story *story;
	struct select_pick picks[SELECT_RANKS];
	/* What was worked out for the previous kernel: most have it in common. */
	struct select_seen {
		char distro[64], release[64], arch[64];
		bool same_arch;
		bool is_rebuild;
		enum select_rank rank; /* of a kernel with the host's uname */
	} seen;
};

struct select_answer {
	enum btfpack_match match;
	uint32_t blob;
	uint32_t verdict;
	struct btfpack_host kernel;
};

void select_init(struct select *s, const struct btfpack_host *host, bool nearest,
		 struct story *story);
void select_offer(struct select *s, const struct bundle_entry *entry);

/* Whether there is an answer; @story has been told why, either way. */
bool select_finish(struct select *s, struct select_answer *ret);

/*
 * Compare two `uname -r`, in the order of their versions. They begin with a
 * version: numbers joined by "." or "-"; what follows is the flavour, compared
 * text by text with its numbers by value. False when the flavours are not the
 * same: then there is no order.
 */
struct select_distance {
	int order;	    /* <0: @a is older than @b; 0 same; >0 newer */
	unsigned int field; /* the number in which they first differ, from 0 */
	uint64_t gap;	    /* by how much */
};
bool select_compare_unames(const char *a, const char *b, struct select_distance *ret);

/* Resolve aliases of a distribution's name and release. */
void select_find_family(const char *distro, const char *release, struct select_family *ret);

/* Whose kernel it is, where its uname says so (".el7.", ".fc31.", "-lp151"): the
 * distribution, static, and the release. */
bool select_find_mark(const char *uname, const char **distro_ret, char release_ret[16]);

/* One spelling of an architecture; @arch itself when there is no other. */
const char *select_arch(const char *arch);

#endif
