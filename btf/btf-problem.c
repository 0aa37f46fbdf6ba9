/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "btf/btf-problem.h"

#define MOST_DEFAULT 20

const char *btfpack_btf_problem_name(enum btfpack_btf_problem_sort sort)
{
	static const char *const names[BTFPACK_BTF_PROBLEM_SORTS] = {
		[BTFPACK_BTF_BAD_FIELD] = "bad-field",	 [BTFPACK_BTF_BAD_NAME] = "bad-name",
		[BTFPACK_BTF_BAD_REF] = "bad-ref",	 [BTFPACK_BTF_BAD_SIZE] = "bad-size",
		[BTFPACK_BTF_BAD_MEMBER] = "bad-member", [BTFPACK_BTF_LOOP] = "loop",
		[BTFPACK_BTF_DUPLICATE] = "duplicate",	 [BTFPACK_BTF_UNRESOLVED] = "unresolved",
		[BTFPACK_BTF_NOT_KERNEL] = "not-kernel",
	};

	return sort > 0 && sort < BTFPACK_BTF_PROBLEM_SORTS ? names[sort] : "unknown";
}

static void format_subject(const struct btf_checker *c, uint32_t id, char *ret, size_t size)
{
	const struct btf_type *t = btf_view_type(c->view, id);
	const char *name = btf_view_name(c->view, t);

	if (!id)
		snprintf(ret, size, "%s", c->opts->name);
	else
		snprintf(ret, size, "%s %.*s%s(id %u)", btf_kind_name(btf_type_kind(t)), BTF_NAME_SHOWN,
			 name, *name ? " " : "", id);
}

void btf_check_report(struct btf_checker *c, enum btfpack_btf_problem_sort sort,
		      enum btfpack_btf_severity severity, uint32_t id, const char *format, ...)
{
	uint32_t most = c->opts->most ? c->opts->most : MOST_DEFAULT;
	struct btfpack_btf_problem problem = {
		.size = sizeof(problem), .sort = sort, .severity = severity, .type_id = id
	};
	char subject[BTF_NAME_SHOWN + 64], what[512], text[sizeof(subject) + sizeof(what) + 4];
	bool is_first = severity == BTFPACK_BTF_ERROR && !c->sum->errors;
	va_list args;

	c->sum->by_sort[sort]++;
	c->sum->errors += severity == BTFPACK_BTF_ERROR;
	c->sum->warnings += severity == BTFPACK_BTF_WARNING;
	if (!is_first && (!c->fn || c->sum->by_sort[sort] > most))
		return;
	format_subject(c, id, subject, sizeof(subject));
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s: %s", subject, what);
	if (is_first)
		btfpack_error_set(c->first, -EBADMSG, "%s%s%s", id ? c->opts->name : "",
				  id ? ": " : "", text);
	problem.text = text;
	if (c->fn && c->sum->by_sort[sort] <= most)
		c->fn(&problem, c->arg);
}
