/* SPDX-License-Identifier: BSD-2-Clause */
/* What a BPF object says about itself, of either byte order and in any disorder. */
#include <signal.h>
#include <unistd.h>

#include "core/fs.h"
#include "gadget-runner/btf-json.h"
#include "gadget-runner/event-format.h"
#include "gadget-runner/gadget-options.h"
#include "gadget-runner/gadget-spec.h"
#include "gadget-runner/gadget-store.h"
#include "gadget-runner/value-format.h"
#include "tests/bpf/everything.h"
#include "tests/test.h"

static struct btfpack_blob read_object(const char *path)
{
	AUTO_FREE char *full = NULL;
	const char *build = getenv("BUILD");
	struct btfpack_blob blob = { 0 };
	struct btfpack_error err = { 0 };

	if (asprintf(&full, "%s/tests/bpf/%s", build ? build : "build", path) < 0)
		abort();
	if (fs_read(full, 1 << 24, &blob, &err) < 0)
		printf("# %s\n", err.message);
	return blob;
}

static const struct gadget_field *find(const struct gadget_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (!strcmp(fields->items[i].name, name))
			return &fields->items[i];
	printf("# no field %s\n", name);
	test_failed = true;
	longjmp(test_leave, 1);
}

static void check_spec(const char *path, bool is_big_endian)
{
	AUTO_BLOB struct btfpack_blob blob = read_object(path);
	AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
	struct btfpack_error err = { 0 };
	const struct gadget_field *f;

	REQUIRE(!gadget_spec_init(&spec, blob.data, blob.size, path, NULL, &err));
	CHECK_STRING(spec.name, "everything");
	CHECK_STRING(spec.doc, "A bit of everything");
	CHECK(spec.is_big_endian == is_big_endian);

	f = find(&spec.options, "pid"); /* from the common filter, flattened */
	CHECK_INT(f->short_name, 'p');
	CHECK_INT(f->bit_offset, 0);
	f = find(&spec.options, "uid");
	CHECK_STRING(f->default_text, "4294967295");
	f = find(&spec.options, "say");
	CHECK_INT(f->kind, GADGET_STRING);
	CHECK_INT(f->bit_size, 64);
	CHECK_STRING(f->doc, "a word");
	CHECK_INT(find(&spec.options, "loud")->kind, GADGET_BOOL);
	CHECK_INT(find(&spec.options, "offset")->kind, GADGET_SIGNED);
	CHECK_INT(find(&spec.options, "colour")->kind, GADGET_ENUM);
	for (size_t i = 0; i < spec.options.count; i++)
		CHECK(strcmp(spec.options.items[i].name, "reserved"));

	CHECK_INT(spec.columns.size, sizeof(struct everything_event));
	f = find(&spec.columns, "pid");
	CHECK_STRING(f->doc, "who");
	CHECK_INT(f->bit_offset, 64);
	CHECK_INT(find(&spec.columns, "y")->bit_offset,
		  8 * offsetof(struct everything_event, at.y));
	CHECK_INT(find(&spec.columns, "high")->bit_size, 5);
	CHECK_STRING(find(&spec.columns, "signal")->with, "signals");
	CHECK_INT(find(&spec.columns, "tcp_state")->width, 13);
	CHECK_STRING(find(&spec.columns, "address")->format, "ip");

	CHECK(spec.has_histogram);
	CHECK_INT(spec.histogram_slots, 10);
	CHECK_STRING(spec.histogram_unit, "bytes");
	CHECK_INT(spec.keys.count, 1);
	CHECK_INT(spec.keys.size, 8);

	CHECK_INT(spec.variables.count, 2);
	f = find(&spec.variables, "constant-two");
	CHECK_STRING(f->variable, "constant_two");
	CHECK_STRING(f->doc, "the other constant");
	CHECK_INT(f->kind, GADGET_BOOL);
	CHECK(find(&spec.variables, "constant-one")->bit_offset != f->bit_offset);
	CHECK(gadget_spec_find_option(&spec, "constant_two") == f);
	CHECK(!gadget_spec_find_option(&spec, "constant_three"));
}

static void reads_little_endian(void)
{
	check_spec("everything.bpf.o", false);
}

static void reads_big_endian(void)
{
	check_spec("be/everything.bpf.o", true);
}

static const struct gadget_program *find_program(const struct gadget_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->program_count; i++)
		if (!strcmp(spec->programs[i].name, name))
			return &spec->programs[i];
	return NULL;
}

static void reads_programs(void)
{
	AUTO_BLOB struct btfpack_blob blob = read_object("everything.bpf.o");
	AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
	const struct gadget_program *program;

	REQUIRE(!gadget_spec_init(&spec, blob.data, blob.size, "everything.bpf.o", NULL, NULL));
	program = find_program(&spec, "switches");
	REQUIRE(program);
	CHECK(program->is_optional && !program->instead_of);
	program = find_program(&spec, "substitute");
	REQUIRE(program);
	CHECK(!program->is_optional);
	CHECK_STRING(program->instead_of, "switches");
}

static void takes_a_named_event(void)
{
	AUTO_BLOB struct btfpack_blob blob = read_object("everything.bpf.o");
	AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
	struct btfpack_error err = { 0 };

	REQUIRE(!gadget_spec_init(&spec, blob.data, blob.size, "x.bpf.o", "point", &err));
	CHECK_INT(spec.columns.count, 2);
	gadget_spec_deinit(&spec);
	CHECK_INT(gadget_spec_init(&spec, blob.data, blob.size, "x.bpf.o", "nothing", &err),
		  -ENOENT);
	CHECK_CONTAINS(err.message, "no struct 'nothing'");
}

/* --- options ------------------------------------------------------------------------- */

static struct btfpack_blob option_object;
static struct gadget_spec option_spec;
static struct gadget_options options;

static void open_options(void)
{
	struct btfpack_error err = { 0 };

	option_object = read_object("everything.bpf.o");
	REQUIRE(!gadget_spec_init(&option_spec, option_object.data, option_object.size,
				  "everything.bpf.o", NULL, &err));
	REQUIRE(!gadget_options_init(&options, &option_spec, &err));
}

static void close_options(void)
{
	gadget_options_deinit(&options);
	gadget_spec_deinit(&option_spec);
	btfpack_blob_free(&option_object);
}

static int set(const char *name, const char *text, struct btfpack_error *err)
{
	return gadget_options_set(&options, gadget_spec_find_option(&option_spec, name), text, err);
}

static uint64_t number(const char *name)
{
	return gadget_options_number(&options, gadget_spec_find_option(&option_spec, name));
}

static void options_begin_with_defaults(void)
{
	open_options();
	CHECK_INT(number("uid"), 4294967295);
	CHECK_INT(number("offset"), -7);
	CHECK_INT(number("colour"), GREEN);
	CHECK_INT(number("min"), 1500000);
	CHECK_INT(number("pid"), 0);
	close_options();
}

static void options_take_values(void)
{
	struct btfpack_error err = { 0 };
	const struct gadget_field *ports, *word;

	open_options();
	CHECK_INT(set("pid", "0x10", &err), 0);
	CHECK_INT(number("pid"), 16);
	CHECK_INT(set("loud", "yes", &err), 0);
	CHECK_INT(number("loud"), 1);
	CHECK_INT(set("colour", "blue", &err), 0);
	CHECK_INT((int32_t)number("colour"), BLUE);
	CHECK_INT(set("min", "0.25", &err), 0);
	CHECK_INT(number("min"), 250000);
	CHECK_INT(set("ports", "80,443", &err), 0);
	ports = gadget_spec_find_option(&option_spec, "ports");
	CHECK_INT(btf_json_bits(options.options, ports->bit_offset + 16, 16, false), 443);
	CHECK_INT(set("say", "hello", &err), 0);
	word = gadget_spec_find_option(&option_spec, "say");
	CHECK_STRING((const char *)options.options + word->bit_offset / 8, "hello");
	CHECK_INT(set("constant-one", "-5", &err), 0);
	CHECK_INT(number("constant-one"), -5);
	CHECK(options.variables_set[gadget_spec_find_option(&option_spec, "constant-one") -
				    option_spec.variables.items]);
	CHECK_INT(set("cgroup", "77", &err), 0);
	CHECK_INT(number("cgroup"), 77);
	close_options();
}

static void options_find_namespaces(void)
{
	struct btfpack_error err = { 0 };
	char self[32];

	open_options();
	snprintf(self, sizeof(self), "pid:%d", getpid());
	CHECK_INT(set("mntns", self, &err), 0);
	CHECK(number("mntns") > 4000000000); /* such are the numbers of namespaces */
	CHECK_INT(set("mntns", "pid:0", &err), -EINVAL);
	CHECK_INT(set("cgroup", "/no/such/group", &err), -EINVAL);
	CHECK_CONTAINS(err.message, "/no/such/group");
	close_options();
}

static void options_know_signals_and_disks(void)
{
	struct btfpack_error err = { 0 };

	open_options();
	CHECK_INT(set("signal", "SIGTERM", &err), 0);
	CHECK_INT(number("signal"), SIGTERM);
	CHECK_INT(set("signal", "KILL", &err), 0);
	CHECK_INT(number("signal"), SIGKILL);
	CHECK_INT(set("signal", "64", &err), 0);
	CHECK_INT(number("signal"), 64);
	CHECK_INT(set("signal", "SIGNOTHING", &err), -EINVAL);
	CHECK_CONTAINS(err.message, "a signal's name or number");
	CHECK_INT(set("disk", "8:17", &err), 0);
	CHECK_INT(number("disk"), 8 << 20 | 17);
	CHECK_INT(set("disk", "8:17x", &err), -EINVAL);
	CHECK_INT(set("disk", "4096:0", &err), -EINVAL);
	CHECK_INT(set("disk", "null", &err), -EINVAL); /* a device, but no disk */
	CHECK_CONTAINS(err.message, "a disk's name, or major:minor");
	CHECK_STRING(gadget_option_word(gadget_spec_find_option(&option_spec, "disk")), "DISK");
	CHECK_STRING(gadget_option_word(gadget_spec_find_option(&option_spec, "pid")), "N");
	CHECK(!gadget_option_word(gadget_spec_find_option(&option_spec, "loud")));
	close_options();
}

static void options_refuse_nonsense(void)
{
	static const struct {
		const char *name, *text, *says;
	} cases[] = {
		{ "pid", "many", "'many' is not a number" },
		{ "pid", "-1", "not a number" },
		{ "pid", "4294967296", "does not fit into 32 bits" },
		{ "loud", "maybe", "not yes or no" },
		{ "colour", "purple", "not one of its values" },
		{ "ports", "1,2,3,4,5", "more than 4 numbers" },
		{ "ports", "70000", "not a number of the right size" },
		{ "say", "too long by far", "longer than 7 bytes" },
		{ "min", "-2", "not a number" },
		{ "where", "1", "cannot be set" },
	};

	open_options();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct btfpack_error err = { 0 };

		CHECK_INT(set(cases[i].name, cases[i].text, &err), -EINVAL);
		CHECK_CONTAINS(err.message, cases[i].says);
	}
	close_options();
}

/* --- disorder -------------------------------------------------------------------------- */

static void refuses_what_is_no_object(void)
{
	struct gadget_spec spec;
	struct btfpack_error err = { 0 };
	char text[128] = "not an object";

	CHECK_INT(gadget_spec_init(&spec, text, sizeof(text), "text", NULL, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "text: not an ELF file");
	CHECK_INT(gadget_spec_init(&spec, text, 0, "empty", NULL, &err), -EBADMSG);
}

/* Cut short, or with any one byte of it changed: refused or read, never a crash. */
static void survives_damage(void)
{
	AUTO_BLOB struct btfpack_blob blob = read_object("everything.bpf.o");
	struct gadget_spec spec;
	struct btfpack_error err;
	uint8_t *bytes = blob.data;

	REQUIRE(blob.size > 1000);
	for (size_t size = 0; size < blob.size; size += 97)
		if (!gadget_spec_init(&spec, bytes, size, "cut", NULL, &err))
			gadget_spec_deinit(&spec);
	for (size_t i = 0; i < blob.size; i += 13) {
		uint8_t saved = bytes[i];

		bytes[i] ^= 0xff;
		if (!gadget_spec_init(&spec, bytes, blob.size, "changed", NULL, &err))
			gadget_spec_deinit(&spec);
		bytes[i] = saved;
	}
}

/* Every gadget that goes into the program: described, and its formats known. */
static void gadgets_are_complete(void)
{
	size_t count = 0;

	for (; gadget_store_name(count); count++) {
		AUTO_BLOB struct btfpack_blob object = { 0 };
		AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
		struct gadget_options its_options;
		struct btfpack_error err = { 0 };
		const char *name = gadget_store_name(count);

		REQUIRE(!gadget_store_find(name, &object, &err));
		REQUIRE(!gadget_spec_init(&spec, object.data, object.size, name, NULL, &err));
		CHECK_STRING(spec.name, name);
		CHECK(*spec.doc);
		CHECK(spec.columns.count || spec.has_histogram);
		CHECK(gadget_spec_find_option(&spec, "pid") || !strcmp(name, "tcprtt"));
		CHECK(!gadget_options_init(&its_options, &spec, &err));
		gadget_options_deinit(&its_options);
		for (size_t i = 0; i < spec.columns.count; i++) {
			const struct gadget_field *f = &spec.columns.items[i];

			CHECK(*f->doc);
			CHECK(!*f->format || value_format_exists(f->format));
		}
		for (size_t i = 0; i < spec.options.count; i++)
			CHECK(*spec.options.items[i].doc);
		CHECK_INT(spec.variables.count, 0); /* no global data before 5.2 */
		if (test_failed)
			printf("# in gadget %s\n", name);
	}
	CHECK(count > 0);
}

TEST_MAIN({ "reads a little-endian object", reads_little_endian },
	  { "reads a big-endian object", reads_big_endian },
	  { "reads which programs are optional", reads_programs },
	  { "takes the struct it is told for the event", takes_a_named_event },
	  { "options begin with their defaults", options_begin_with_defaults },
	  { "options take values of every kind", options_take_values },
	  { "options find namespaces and control groups", options_find_namespaces },
	  { "options know signals and disks", options_know_signals_and_disks },
	  { "options refuse nonsense in one sentence", options_refuse_nonsense },
	  { "refuses what is no BPF object", refuses_what_is_no_object },
	  { "survives damaged objects", survives_damage },
	  { "every bundled gadget is described", gadgets_are_complete })
