/* SPDX-License-Identifier: BSD-2-Clause */
/* Which programs of somebody's object would be loaded. Nothing is. */
#include <bpf/libbpf.h>

#include "core/fs.h"
#include "gadget-runner/choice.h"
#include "tests/test.h"

static struct btfpack_blob bytes;
static struct gadget_spec spec;
static struct choice choice;

static void begin(bool has_own_btf)
{
	AUTO_FREE char *path = NULL;
	const char *build = getenv("BUILD");
	struct btfpack_error err;

	REQUIRE(asprintf(&path, "%s/tests/bpf/choices.bpf.o", build ? build : "build") >= 0);
	REQUIRE(!fs_read(path, 1 << 20, &bytes, &err));
	REQUIRE(!gadget_spec_init(&spec, bytes.data, bytes.size, "choices.bpf.o", NULL, &err));
	choice = (struct choice){ .spec = &spec, .has_own_btf = has_own_btf };
}

static void end(void)
{
	choice_deinit(&choice);
	gadget_spec_deinit(&spec);
	btfpack_blob_free(&bytes);
}

/* The names that are left, in the order of the object, with a space after each. */
static const char *choose(void)
{
	struct bpf_object *object = bpf_object__open_mem(bytes.data, bytes.size, NULL);
	static char names[512];
	struct bpf_program *prog;
	struct btfpack_error err;

	*names = '\0';
	REQUIRE(object);
	CHECK_INT(choice_make(&choice, object, &err), 0);
	bpf_object__for_each_program(prog, object) if (bpf_program__autoload(prog))
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			 bpf_program__name(prog));
	bpf_object__close(object);
	return names;
}

/* In some containers /proc/kallsyms is there and empty. */
static bool tells_functions(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, " vfs_read\n");
	if (file)
		fclose(file);
	return found;
}

static void takes_the_best(void)
{
	if (!tells_functions())
		SKIP("/proc/kallsyms tells no names");
	begin(true);
	CHECK_STRING(choose(), "entry_best leave_best elsewhere point_best other ");
	CHECK_STRING(choice.first_reason,
		     "nowhere: this kernel has no kprobe/a_function_of_no_kernel");
	end();
}

static void does_without_btf(void)
{
	if (!tells_functions())
		SKIP("/proc/kallsyms tells no names");
	begin(false);
	CHECK_STRING(choose(), "entry entry_too leave elsewhere point other ");
	end();
}

static void goes_on_after_a_refusal(void)
{
	if (!tells_functions())
		SKIP("/proc/kallsyms tells no names");
	begin(true);
	CHECK_INT(choice_refuse(&choice, "entry_best", "it may not"), 1);
	CHECK_INT(choice_refuse(&choice, "entry_best", "it may not"), 0);
	CHECK_STRING(choose(), "entry entry_too leave_best elsewhere point_best other ");
	CHECK_STRING(choice.first_reason, "entry_best: it may not");
	CHECK_INT(choice_refuse(&choice, "entry", "neither may this"), 1);
	CHECK_INT(choice_refuse(&choice, "point_best", "nor this"), 1);
	CHECK_STRING(choose(), "entry_too leave_best elsewhere point other ");
	end();
}

static void knows_others(void)
{
	struct bpf_object *object;

	begin(true);
	object = bpf_object__open_mem(bytes.data, bytes.size, NULL);
	REQUIRE(object);
	CHECK(choice_has_other(&choice, object,
			       bpf_object__find_program_by_name(object, "leave_best")));
	CHECK(!choice_has_other(&choice, object,
				bpf_object__find_program_by_name(object, "elsewhere")));
	CHECK(!choice_has_other(&choice, object,
				bpf_object__find_program_by_name(object, "other")));
	CHECK_INT(choice_refuse(&choice, "leave", "it may not"), 1);
	CHECK(!choice_has_other(&choice, object,
				bpf_object__find_program_by_name(object, "leave_best")));
	bpf_object__close(object);
	end();
}

TEST_MAIN({ "of programs that see the same the best", takes_the_best },
	  { "without BTF the others", does_without_btf },
	  { "a refused one's substitute", goes_on_after_a_refusal },
	  { "knows whether there is one", knows_others })
