/* SPDX-License-Identifier: BSD-2-Clause */
/* Events, laid out by this compiler, decoded by the BTF of a compiled BPF object. */
#include <sys/socket.h>

#include "core/fs.h"
#include "gadget-runner/btf-json.h"
#include "gadget-runner/event-format.h"
#include "tests/bpf/everything.h"
#include "tests/test.h"

static struct btfpack_blob object;
static struct gadget_spec spec;
static struct event_format format;
static struct buf line;

static void begin(void)
{
	const char *build = getenv("BUILD");
	AUTO_FREE char *path = NULL;
	struct btfpack_error err = { 0 };

	if (asprintf(&path, "%s/tests/bpf/everything.bpf.o", build ? build : "build") < 0)
		abort();
	REQUIRE(!fs_read(path, 1 << 24, &object, &err));
	REQUIRE(!gadget_spec_init(&spec, object.data, object.size, path, NULL, &err));
	format = (struct event_format){ .spec = &spec };
	line = BUF_INIT(1 << 16);
}

static void end(void)
{
	buf_deinit(&line);
	gadget_spec_deinit(&spec);
	btfpack_blob_free(&object);
}

static struct everything_event sample(void)
{
	struct everything_event e = {
		.time = 86400ULL * 1000000000 + 1234567,
		.pid = 42,
		.ret = -2,
		.comm = "say \"hi\"\n",
		.raw = { 0xde, 0xad, 0xbe, 0xef },
		.yes = true,
		.port = 65535,
		.colour = GREEN,
		.low = 5,
		.high = 17,
		.negative = -3,
		.address = { .bytes = { 127, 0, 0, 1 }, .family = AF_INET },
		.at = { .x = -1, .y = 2 },
		.corners = { { 1, -2 }, { 3, -4 } },
		.either.whole = 0x01020304,
		.took = 1234567,
		.signal = 15,
		.capability = 21,
		.flags = 0100,
		.mode = 0644,
		.device = 8 << 20 | 1,
		.state = 1,
		.big = -9000000000,
		.args = { .size = 12, .data = "ls\0-l\0a b\0\xff" },
	};

	return e;
}

static void writes_json(void)
{
	struct everything_event e = sample();

	begin();
	CHECK_INT(event_format_json(&format, &e, sizeof(e), &line), 0);
	CHECK_STRING(buf_string(&line),
		     "{\"time\":\"1970-01-02T00:00:00.001234Z\",\"pid\":42,\"ret\":-2,"
		     "\"comm\":\"say \\\"hi\\\"\\u000a\",\"raw\":\"deadbeef\",\"yes\":true,"
		     "\"port\":65535,\"colour\":\"GREEN\",\"low\":5,\"high\":17,\"negative\":-3,"
		     "\"address\":\"127.0.0.1\",\"x\":-1,\"y\":2,"
		     "\"corners\":[{\"x\":1,\"y\":-2},{\"x\":3,\"y\":-4}],"
		     "\"either\":{\"whole\":16909060,\"parts\":\"04030201\"},\"took\":1.234,"
		     "\"signal\":\"SIGTERM\",\"capability\":\"CAP_SYS_ADMIN\","
		     "\"flags\":\"O_RDONLY|O_CREAT\",\"mode\":\"0644\",\"device\":\"8:1\","
		     "\"tcp_state\":\"ESTABLISHED\",\"big\":-9000000000,"
		     "\"args\":[\"ls\",\"-l\",\"a b\",\"\\ufffd\"]}");
	end();
}

static void leaves_out_what_was_not_sent(void)
{
	struct everything_event e = sample();

	begin();
	CHECK_INT(event_format_json(&format, &e, 14, &line), 0);
	CHECK_STRING(buf_string(&line), "{\"time\":\"1970-01-02T00:00:00.001234Z\",\"pid\":42}");
	line.size = 0;
	CHECK_INT(event_format_json(&format, &e, 0, &line), 0);
	CHECK_STRING(buf_string(&line), "{}");
	end();
}

/* The kernel pads events to eight bytes; a liar's size goes no further than the event. */
static void believes_no_size(void)
{
	struct everything_event e = sample();
	size_t args = offsetof(struct everything_event, args);

	begin();
	e.args.size = 0xffffffff;
	CHECK_INT(event_format_json(&format, &e, args + 4 + 3, &line), 0);
	CHECK_CONTAINS(buf_string(&line), "\"args\":[\"ls\"]}");
	line.size = 0;
	e.args.size = 3;
	CHECK_INT(event_format_json(&format, &e, sizeof(e), &line), 0);
	CHECK_CONTAINS(buf_string(&line), "\"args\":[\"ls\"]}");
	end();
}

static void show(const char *first, const char *second)
{
	static bool shown[64];

	memset(shown, 0, sizeof(shown));
	for (size_t i = 0; i < spec.columns.count; i++)
		shown[i] = !strcmp(spec.columns.items[i].name, first) ||
			   !strcmp(spec.columns.items[i].name, second);
	format.shown = shown;
}

static void writes_tables(void)
{
	struct everything_event e = sample();

	begin();
	show("ret", "args");
	CHECK_INT(event_format_header(&format, &line), 0);
	CHECK_STRING(buf_string(&line), "RET     ARGS");
	line.size = 0;
	CHECK_INT(event_format_row(&format, &e, sizeof(e), &line), 0);
	CHECK_STRING(buf_string(&line), "ENOENT  ls -l a b \xff");
	line.size = 0;
	format.quote = true;
	format.max_args = 2;
	CHECK_INT(event_format_row(&format, &e, sizeof(e), &line), 0);
	CHECK_STRING(buf_string(&line), "ENOENT  \"ls\" \"-l\" ...");
	line.size = 0;
	show("comm", "yes"); /* nothing an event says can break the table */
	CHECK_INT(event_format_row(&format, &e, sizeof(e), &line), 0);
	CHECK_STRING(buf_string(&line), "say \"hi\"\\n       yes");
	end();
}

static void writes_times(void)
{
	struct everything_event e = sample();

	setenv("TZ", "UTC", 1);
	begin();
	show("pid", "pid");
	format.show_time = format.show_timestamp = true;
	format.start = e.time - 2500000000;
	format.clock_offset = 3600 * 1000000000ULL;
	CHECK_INT(event_format_header(&format, &line), 0);
	CHECK_STRING(buf_string(&line), "TIME      SECONDS      PID");
	line.size = 0;
	CHECK_INT(event_format_row(&format, &e, sizeof(e), &line), 0);
	CHECK_STRING(buf_string(&line), "01:00:00  2.500000     42");
	end();
}

static void names_what_it_can(void)
{
	static const struct {
		uint32_t flags;
		const char *text;
	} cases[] = {
		{ 0, "O_RDONLY" },
		{ 01, "O_WRONLY" },
		{ 02 | 0100 | 0200, "O_RDWR|O_CREAT|O_EXCL" },
		{ 04010000, "O_RDONLY|O_SYNC" },
		{ 0x80000000, "O_RDONLY|0x80000000" },
	};
	struct everything_event e = sample();

#ifdef __x86_64__
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		show("flags", "flags");
		e.flags = cases[i].flags;
		CHECK_INT(event_format_row(&format, &e, sizeof(e), &line), 0);
		CHECK_STRING(buf_string(&line), cases[i].text);
		end();
	}
#else
	(void)cases;
#endif
	begin();
	show("signal", "tcp_state");
	e.signal = 99;
	e.state = 99;
	CHECK_INT(event_format_row(&format, &e, sizeof(e), &line), 0);
	CHECK_STRING(buf_string(&line), "99        99");
	end();
}

static void writes_any_utf8(void)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
		{ "\xc3", "\"\\ufffd\"" },
		{ "\xc0\x80", "\"\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf0\x9f\x90\x9d", "\"\xf0\x9f\x90\x9d\"" },
		{ "\\\t", "\"\\\\\\u0009\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		line = BUF_INIT(1 << 10);
		CHECK_INT(btf_json_string(cases[i].text, strlen(cases[i].text), &line), 0);
		CHECK_STRING(buf_string(&line), cases[i].json);
		buf_deinit(&line);
	}
}

static void reads_numbers_of_any_width(void)
{
	uint64_t word = 0xfedcba9876543210;

	CHECK_INT(btf_json_bits(&word, 0, 64, false), 0xfedcba9876543210);
	CHECK_INT(btf_json_bits(&word, 32, 32, true), (int32_t)0xfedcba98);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	CHECK_INT(btf_json_bits(&word, 4, 8, false), 0x21);
	CHECK_INT(btf_json_bits(&word, 60, 4, true), -1);
#endif
	CHECK_INT(btf_json_bits(&word, 0, 65, false), 0);
	CHECK_INT(btf_json_bits(&word, 0, 0, false), 0);
}

static void draws_histograms(void)
{
	static const uint64_t slots[] = { 1, 0, 4, 2, 0, 0 };

	line = BUF_INIT(1 << 12);
	CHECK_INT(event_format_histogram(slots, 6, "usecs", &line), 0);
	CHECK_STRING(
		buf_string(&line),
		"               usecs : count    distribution\n"
		"        0 -> 1       : 1        |**********                              |\n"
		"        2 -> 3       : 0        |                                        |\n"
		"        4 -> 7       : 4        |****************************************|\n"
		"        8 -> 15      : 2        |********************                    |\n");
	buf_deinit(&line);
}

static void writes_keys(void)
{
	const uint32_t key[2] = { 259 << 20 | 3, 0 };

	begin();
	CHECK_INT(event_format_text_key(&format, key, &line), 0);
	CHECK_STRING(buf_string(&line), "device = 259:3");
	line.size = 0;
	CHECK_INT(event_format_json_key(&format, key, &line), 0);
	CHECK_STRING(buf_string(&line), "\"device\":\"259:3\"");
	end();
}

/* Without a type for its events an object's bytes are shown as they are. */
static void shows_bytes_when_nobody_knows(void)
{
	struct gadget_spec ignorant = { 0 };

	begin();
	format.spec = &ignorant;
	CHECK_INT(event_format_json(&format, "\x01\xab", 2, &line), 0);
	CHECK_STRING(buf_string(&line), "{\"data\":\"01ab\"}");
	end();
}

TEST_MAIN({ "writes every kind of value as JSON", writes_json },
	  { "leaves out columns that were not sent", leaves_out_what_was_not_sent },
	  { "believes no size an event claims", believes_no_size },
	  { "writes tables", writes_tables }, { "writes times", writes_times },
	  { "names flags and numbers it knows", names_what_it_can },
	  { "writes valid UTF-8 whatever comes", writes_any_utf8 },
	  { "reads numbers of any width", reads_numbers_of_any_width },
	  { "draws histograms", draws_histograms },
	  { "writes the keys of histograms", writes_keys },
	  { "shows bytes when nobody knows better", shows_bytes_when_nobody_knows })
