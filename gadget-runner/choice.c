/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "gadget-runner/choice.h"
#include "gadget-runner/rights.h"

/* --- where programs stand --------------------------------------------------------------- */

/* The ways that see a place at a moment, the best of a place first by its rank. */
static const struct way {
	const char *prefix; /* of the section's name; the place follows */
	enum { AT_ENTRY, AT_RETURN, AT_POINT } moment;
	int rank;
	enum { FUNCTION, TRACEPOINT, OTHER } place;
} ways[] = {
	{ "fentry/", AT_ENTRY, 0, FUNCTION },       { "fentry.s/", AT_ENTRY, 0, FUNCTION },
	{ "fexit/", AT_RETURN, 0, FUNCTION },       { "fexit.s/", AT_RETURN, 0, FUNCTION },
	{ "kprobe/", AT_ENTRY, 1, FUNCTION },       { "kretprobe/", AT_RETURN, 1, FUNCTION },
	{ "tp_btf/", AT_POINT, 0, OTHER },          { "raw_tp/", AT_POINT, 1, OTHER },
	{ "raw_tracepoint/", AT_POINT, 1, OTHER },  { "tp/", AT_POINT, 2, TRACEPOINT },
	{ "tracepoint/", AT_POINT, 2, TRACEPOINT },
};

/* NULL: a section that says nothing we know. */
static const struct way *way_of(const struct bpf_program *prog, const char **place_ret)
{
	const char *section = bpf_program__section_name(prog);

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t length = strlen(ways[i].prefix);

		if (strncmp(section, ways[i].prefix, length))
			continue;
		*place_ret = section + length;
		return &ways[i];
	}
	return NULL;
}

/* --- what the kernel has ---------------------------------------------------------------- */

static bool exists(const char *path)
{
	struct stat st;

	return !stat(path, &st); /* access(2) would forget capabilities */
}

/* Where it is mounted. NULL, with errno EACCES when only others may look. */
static const char *tracefs(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int error = ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/events", places[i]);
		if (exists(path))
			return places[i];
		if (errno == EACCES)
			error = EACCES;
	}
	errno = error;
	return NULL;
}

static bool has_tracepoint(const char *category_and_name)
{
	AUTO_FREE char *path = NULL;
	const char *root = tracefs();

	return root && asprintf(&path, "%s/events/%s", root, category_and_name) >= 0 &&
	       exists(path);
}

/* A function that programs of the object stand on. */
struct function {
	const char *name; /* up to a '+' */
	size_t length;
	bool is_there;
};

struct functions {
	struct function *items;
	size_t count;
};

static void functions_deinit(struct functions *functions)
{
	free(functions->items);
}
#define AUTO_FUNCTIONS CLEANUP(functions_deinit)

/* One pass over the kernel's symbols for all; without them, the attaching shall tell. */
static void look_for_functions(struct functions *functions)
{
	AUTO_FILE FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], symbol[256];

	for (size_t i = 0; i < functions->count; i++)
		functions->items[i].is_there = !file;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*x %*c %255s", symbol) != 1)
			continue;
		for (size_t i = 0; i < functions->count; i++) {
			struct function *f = &functions->items[i];

			f->is_there |= !strncmp(symbol, f->name, f->length) && !symbol[f->length];
		}
	}
}

/* The names are lent by @object. */
static int functions_init(struct functions *functions, struct bpf_object *object)
{
	struct bpf_program *prog;
	size_t room = 1;

	bpf_object__for_each_program(prog, object)
		room++;
	*functions = (struct functions){ .items = calloc(room, sizeof(struct function)) };
	if (!functions->items)
		return -ENOMEM;
	bpf_object__for_each_program(prog, object) {
		const char *name;
		const struct way *way = way_of(prog, &name);

		if (way && way->place == FUNCTION)
			functions->items[functions->count++] =
				(struct function){ name, strcspn(name, "+"), false };
	}
	if (functions->count)
		look_for_functions(functions);
	return 0;
}

static bool has_function(const struct functions *functions, const char *name)
{
	for (size_t i = 0; i < functions->count; i++)
		if (functions->items[i].name == name)
			return functions->items[i].is_there;
	return true;
}

/* Has this kernel what @prog wants to be attached to? Judged by the section name,
 * as libbpf attaches by it; what we do not know of is left to libbpf. */
static bool has_target(const struct functions *functions, const struct bpf_program *prog)
{
	const char *place;
	const struct way *way = way_of(prog, &place);

	if (way && way->place == TRACEPOINT)
		return has_tracepoint(place);
	return !way || way->place != FUNCTION || has_function(functions, place);
}

static bool needs_own_btf(const struct bpf_program *prog)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_STRUCT_OPS:
	case BPF_PROG_TYPE_EXT:
		return true;
	default:
		return false;
	}
}

/* --- what gadgets say of themselves --------------------------------------------------------- */

bool choice_is_gadget(const struct choice *choice)
{
	return *choice->spec->doc;
}

static const struct gadget_program *program_of(const struct gadget_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->program_count; i++)
		if (!strcmp(spec->programs[i].name, name))
			return &spec->programs[i];
	return NULL;
}

static bool is_replaced(struct bpf_object *object, const struct functions *functions,
			const struct gadget_program *tags)
{
	const struct bpf_program *first;

	if (!tags || !tags->instead_of)
		return false;
	first = bpf_object__find_program_by_name(object, tags->instead_of);
	return first && has_target(functions, first);
}

/* Is there a program that stands in for @name? */
static bool has_substitute(const struct gadget_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->program_count; i++)
		if (spec->programs[i].instead_of && !strcmp(spec->programs[i].instead_of, name))
			return true;
	return false;
}

/* --- what is the same to see ------------------------------------------------------------------ */

static bool is_refused(const struct choice *choice, const char *name)
{
	for (size_t i = 0; i < choice->refused_count; i++)
		if (!strcmp(choice->refused[i], name))
			return true;
	return false;
}

static const char *last_word(const char *place)
{
	const char *slash = strrchr(place, '/');

	return slash ? slash + 1 : place;
}

static bool see_the_same(const struct bpf_program *one, const struct bpf_program *other,
			 int *rank_difference_ret)
{
	const char *here, *there;
	const struct way *a = way_of(one, &here), *b = way_of(other, &there);

	if (!a || !b || a->moment != b->moment || strcmp(last_word(here), last_word(there)))
		return false;
	*rank_difference_ret = a->rank - b->rank;
	return true;
}

/* Is there a better way to see what @prog would? */
static bool is_superseded(const struct choice *choice, struct bpf_object *object,
			  const struct functions *functions, const struct bpf_program *prog)
{
	struct bpf_program *other;
	int difference;

	bpf_object__for_each_program(other, object) {
		if (other != prog && bpf_program__autoload(other) &&
		    see_the_same(prog, other, &difference) && difference > 0 &&
		    !is_refused(choice, bpf_program__name(other)) &&
		    (choice->has_own_btf || !needs_own_btf(other)) && has_target(functions, other))
			return true;
	}
	return false;
}

bool choice_has_other(const struct choice *choice, const struct bpf_object *object,
		      const struct bpf_program *program)
{
	struct bpf_program *other;
	int difference;

	bpf_object__for_each_program(other, object)
		if (see_the_same(program, other, &difference) && difference &&
		    !is_refused(choice, bpf_program__name(other)))
			return true;
	return false;
}

/* --- the choice --------------------------------------------------------------------------------- */

void choice_tell(struct choice *choice, const struct bpf_program *program, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	log_info("%s: program %s (%s) is left out: %s", choice->spec->name,
		 bpf_program__name(program), bpf_program__section_name(program), why);
	if (!*choice->first_reason)
		snprintf(choice->first_reason, sizeof(choice->first_reason), "%.60s: %s",
			 bpf_program__name(program), why);
}

/* A gadget lacks what it cannot do without. */
static int fail_for_target(const struct choice *choice, const struct bpf_program *prog,
			   struct btfpack_error *err)
{
	const char *name = choice->spec->name;
	char advice[200];

	if (tracefs())
		return btfpack_error_set(err, -ENOENT,
					 "%s: this kernel has no %s%s; doctor says what it lacks",
					 name, bpf_program__section_name(prog),
					 rights_advise(-ENOENT, advice, sizeof(advice)));
	if (errno == EACCES)
		return btfpack_error_set(err, -EACCES,
					 "%s: cannot read /sys/kernel/tracing: %s%s", name,
					 strerror(EACCES),
					 rights_are_for_tracing(rights_capabilities())
						 ? "; it takes root, or CAP_DAC_READ_SEARCH"
						 : rights_advise(-EACCES, advice, sizeof(advice)));
	return btfpack_error_set(err, -ENOENT, "%s: there is no tracefs%s", name,
				 *rights_advise(-ENOENT, advice, sizeof(advice))
					 ? advice
					 : ": mount -t tracefs tracefs /sys/kernel/tracing");
}

static int choose_program(struct choice *choice, struct bpf_object *object,
			  const struct functions *functions, struct bpf_program *prog,
			  struct btfpack_error *err)
{
	const char *name = bpf_program__name(prog);
	const struct gadget_program *tags = program_of(choice->spec, name);

	if (is_replaced(object, functions, tags)) {
		bpf_program__set_autoload(prog, false);
		return 0;
	}
	if (needs_own_btf(prog) && !choice->has_own_btf) {
		choice_tell(choice, prog, "it needs BTF of the kernel's own");
	} else if (!has_target(functions, prog)) {
		if (choice_is_gadget(choice) && !(tags && tags->is_optional) &&
		    !has_substitute(choice->spec, name))
			return fail_for_target(choice, prog, err);
		choice_tell(choice, prog, "this kernel has no %s", bpf_program__section_name(prog));
	} else if (!is_refused(choice, name)) {
		if (choice_is_gadget(choice) || !is_superseded(choice, object, functions, prog))
			return 0;
		log_info("%s: program %s (%s) is left out: another sees the same",
			 choice->spec->name, name, bpf_program__section_name(prog));
	}
	bpf_program__set_autoload(prog, false);
	return 0;
}

int choice_make(struct choice *choice, struct bpf_object *object, struct btfpack_error *err)
{
	AUTO_FUNCTIONS struct functions functions = { 0 };
	struct bpf_program *prog;
	int ret = functions_init(&functions, object);

	if (ret < 0)
		return btfpack_error_set(err, ret, "%s: out of memory", choice->spec->name);
	bpf_object__for_each_program(prog, object)
		if (!ret && bpf_program__autoload(prog))
			ret = choose_program(choice, object, &functions, prog, err);
	return ret;
}

int choice_refuse(struct choice *choice, const char *program, const char *why)
{
	char **names;

	if (choice_is_gadget(choice) || is_refused(choice, program))
		return 0;
	names = realloc(choice->refused, (choice->refused_count + 1) * sizeof(char *));
	if (!names)
		return -ENOMEM;
	choice->refused = names;
	names[choice->refused_count] = strdup(program);
	if (!names[choice->refused_count])
		return -ENOMEM;
	choice->refused_count++;
	log_info("%s: program %s is left out: %s", choice->spec->name, program, why);
	if (!*choice->first_reason)
		snprintf(choice->first_reason, sizeof(choice->first_reason), "%.60s: %.250s",
			 program, why);
	return 1;
}

void choice_deinit(struct choice *choice)
{
	for (size_t i = 0; i < choice->refused_count; i++)
		free(choice->refused[i]);
	free(choice->refused);
	choice->refused = NULL;
	choice->refused_count = 0;
}
