/* SPDX-License-Identifier: BSD-2-Clause */
/* What build says: lines for people, or events, one JSON object a line. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/build.h"
#include "core/digest.h"

static void tell_event(const char *event, json_t *object)
{
	json_object_set_new(object, "event", output_string(event));
	output_json(object);
	fflush(stdout); /* minutes lie between two */
}

/* "; 3 failed before and wait, the first until 2026-07-01 12:00 UTC (--retry)" */
static const char *describe_waiting(const struct build *b, char *ret, size_t size)
{
	time_t due = (time_t)b->due;
	char when[32];
	struct tm tm;

	*ret = '\0';
	if (b->waiting && gmtime_r(&due, &tm) &&
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm))
		snprintf(ret, size,
			 "; %zu failed before and wait, the first until %s UTC (--retry)",
			 b->waiting, when);
	return ret;
}

static void say_plan(const struct build *b)
{
	char size[16], waiting[128], skipped[64] = "";

	if (b->skipped)
		snprintf(skipped, sizeof(skipped), "; %zu have BTF of their own", b->skipped);
	output_tell("%zu to build, %s to download; %zu in the archive already%s%s", b->todo_count,
		    output_size(b->bytes, size), b->held, skipped,
		    describe_waiting(b, waiting, sizeof(waiting)));
}

static void tell_candidate(const struct btfpack_package *p)
{
	char size[16];

	if (cmd_common.json)
		tell_event("would-build", fetching_package(p));
	else
		printf("%s %s %s %s %s %s\n", p->kernel.distro, p->kernel.release, p->kernel.arch,
		       p->kernel.uname, p->version, output_size(p->size, size));
}

void build_tell_plan(const struct build *b)
{
	if (cmd_common.json)
		tell_event("plan",
			   output_object("IIIII", "kernels",
				     (json_int_t)b->todo_count, "held", (json_int_t)b->held,
				     "bytes", (json_int_t)b->bytes, "waiting",
				     (json_int_t)b->waiting, "skipped", (json_int_t)b->skipped));
	else
		say_plan(b);
	for (size_t i = 0; b->dry_run && i < b->todo_count; i++)
		tell_candidate(b->todo[i]);
}

#define FAILURES_SAID 3 /* of a kernel's modules; --verbose says all */

static void say_failures(const struct pipeline_result *r)
{
	const struct module_set *set = &r->modules;
	const char *uname = r->package->kernel.uname;
	size_t said = cmd_common.verbosity > 0 ? set->failure_count : FAILURES_SAID;

	for (size_t i = 0; i < set->failure_count && i < said; i++)
		output_say("%s: module %s: %s", uname, set->failures[i].name,
			   set->failures[i].reason);
	if (set->failure_count > said)
		output_say("%s: %zu more modules gave no BTF", uname, set->failure_count - said);
	if (!set->modules.count && !set->failure_count)
		output_tell("%s: its package has no modules", uname);
}

static void add_modules(json_t *object, const struct module_set *set)
{
	json_t *failures = json_array();
	size_t bytes = 0;

	for (size_t i = 0; i < set->modules.count; i++)
		bytes += set->modules.modules[i].btf.size;
	for (size_t i = 0; i < set->failure_count; i++)
		json_array_append_new(failures,
				      output_object("ss", "module", set->failures[i].name,
						"reason", set->failures[i].reason));
	json_object_set_new(object, "modules", json_integer((json_int_t)set->modules.count));
	json_object_set_new(object, "modules_size", json_integer((json_int_t)bytes));
	json_object_set_new(object, "modules_failed", failures);
}

void build_tell_stored(const struct build *b, const struct pipeline_result *r,
		       const struct btfpack_id *id)
{
	const struct btfpack_package *p = r->package;
	char hex[DIGEST_HEX_SIZE], text[16];
	char modules[48] = "";
	json_t *object;

	digest_format(id, hex);
	if (b->modules)
		snprintf(modules, sizeof(modules), " %zu modules", r->modules.modules.count);
	if (!cmd_common.json) {
		printf("%s %s %s %s %s %.12s%s\n", p->kernel.distro, p->kernel.release,
		       p->kernel.arch, p->kernel.uname, output_size(r->btf.size, text), hex,
		       modules);
		fflush(stdout);
		if (b->modules)
			say_failures(r);
		return;
	}
	object = fetching_package(p);
	json_object_set_new(object, "build_id",
			    *r->build_id ? output_string(r->build_id) : json_null());
	json_object_set_new(object, "id", output_string(hex));
	json_object_set_new(object, "btf_size", json_integer((json_int_t)r->btf.size));
	json_object_set_new(object, "has_btf", json_boolean(r->has_btf));
	json_object_set_new(object, "repaired", json_boolean(r->is_repaired));
	json_object_set_new(object, "seconds", json_real(r->seconds));
	if (b->modules)
		add_modules(object, &r->modules);
	tell_event("stored", object);
}

void build_tell_skipped(const struct btfpack_package *p)
{
	if (cmd_common.json)
		tell_event("skipped", fetching_package(p));
	else
		output_tell("%s %s: has BTF of its own; passed over", p->kernel.arch,
			    p->kernel.uname);
}

void build_tell_failed(const struct btfpack_package *p, const struct btfpack_error *why)
{
	json_t *object;

	if (!cmd_common.json)
		return;
	object = fetching_package(p);
	json_object_set_new(object, "reason", output_string(why->message));
	tell_event("failed", object);
}

static double kernels_per_hour(const struct build *b)
{
	size_t kernels = b->stored + b->skipped;

	return b->metrics.seconds > 0 ? (double)kernels * 3600 / b->metrics.seconds : 0;
}

static void say_metrics(const struct build *b)
{
	const struct pipeline_metrics *m = &b->metrics;
	char bytes[16], memory[16];

	output_tell("%zu kernels in %.1f s (%.0f an hour), %u at a time; %s of packages; %.1f s of "
		    "processors; at most %s of memory",
		    b->stored, m->seconds, kernels_per_hour(b), m->at_once,
		    output_size(m->bytes, bytes), m->cpu_seconds, output_size(m->memory, memory));
}

void build_tell_done(const struct build *b)
{
	const struct pipeline_metrics *m = &b->metrics;
	const char *canceled = fetching_is_canceled() ? "; canceled" : "";
	char skipped[64] = "";

	if (cmd_common.json) {
		tell_event("done",
			   output_object("IIIIIbffIIf",
				     "stored", (json_int_t)b->stored, "held", (json_int_t)b->held,
				     "failed", (json_int_t)b->failed, "skipped",
				     (json_int_t)b->skipped, "waiting", (json_int_t)b->waiting,
				     "canceled", fetching_is_canceled(), "seconds", m->seconds,
				     "cpu_seconds", m->cpu_seconds, "bytes", (json_int_t)m->bytes,
				     "memory", (json_int_t)m->memory, "kernels_per_hour",
				     kernels_per_hour(b)));
		return;
	}
	if (b->skipped)
		snprintf(skipped, sizeof(skipped), ", %zu passed over", b->skipped);
	output_tell("%zu stored, %zu in the archive already%s, %zu failed%s", b->stored, b->held,
		    skipped, b->failed, canceled);
	if (b->stored)
		say_metrics(b);
}
