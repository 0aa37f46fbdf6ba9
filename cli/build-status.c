/* SPDX-License-Identifier: BSD-2-Clause */
/* build --status: whether the archive has what the distribution offers. */
#include <stdio.h>
#include <string.h>

#include "cli/build.h"

/* Of one release, arch and flavour: the newest offered, the newest held. */
struct freshness {
	const struct btfpack_package *offered, *held; /* held NULL: none */
	size_t behind;                                /* offered that are newer than held */
};

static void tell_freshness(const struct freshness *f)
{
	const struct btfpack_kernel *k = &f->offered->kernel;
	const char *held = f->held ? f->held->kernel.uname : NULL;

	if (cmd_common.json)
		output_json(output_object("sssssssIb", "event",
				      "status", "distro", k->distro, "release", k->release, "arch",
				      k->arch, "flavour", f->offered->flavour, "offered", k->uname,
				      "held", held, "behind", (json_int_t)f->behind, "fresh",
				      !f->behind));
	else
		printf("%s %s %s %-16s offered %-36s held %-36s %s\n", k->distro, k->release,
		       k->arch, f->offered->flavour, k->uname, held ? held : "-",
		       f->behind ? "stale" : "fresh");
}

static bool is_same_group(const struct btfpack_package *a, const struct btfpack_package *b)
{
	return !strcmp(a->kernel.release, b->kernel.release) &&
	       !strcmp(a->kernel.arch, b->kernel.arch) && !strcmp(a->flavour, b->flavour);
}

static void end_group(struct build *b, const struct freshness *f)
{
	if (!f->offered)
		return;
	tell_freshness(f);
	if (f->behind)
		build_note_status(b, CMD_NO);
}

/* The list has the groups one after the other, newest first in each. */
int build_tell_status(struct build *b)
{
	struct freshness group = { 0 };
	struct btfpack_error err;
	const struct btfpack_package *p;
	int more;

	while ((more = btfpack_package_iter_next(b->list, &p, &err)) > 0) {
		int has = fetching_is_held(b->archive, p, &err);

		if (has < 0)
			return cmd_fail(&err);
		if (!group.offered || !is_same_group(group.offered, p)) {
			end_group(b, &group);
			group = (struct freshness){ .offered = p };
		}
		if (has && !group.held)
			group.held = p;
		else if (!group.held)
			group.behind++;
	}
	end_group(b, &group);
	if (more < 0)
		b->status = cmd_fail(&err); /* an index that failed weighs more than "stale" */
	else if (!group.offered)
		return fetching_none(&b->fetching);
	return b->status;
}
