/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <btfpack/loader.h>

#include "core/buf.h"
#include "core/log.h"
#include "gadget-runner/btf-json.h"
#include "gadget-runner/event-format.h"
#include "gadget-runner/runner.h"
#include "gadget-runner/session.h"

#define LINE_MAXIMUM ((size_t)16 << 20)
#define POLL_MS      100
#define MILLION      UINT64_C(1000000)

struct session {
	const struct session_job *job;
	struct session_settings settings;
	struct gadget_spec spec;
	struct gadget_options options;
	struct event_format format;
	struct buf line;
	struct runner *runner;
	uint64_t events;
	uint64_t lost;   /* as last told */
	uint64_t prints; /* of histograms still wanted; 0: no limit */
	int failed;      /* a negative errno of writing */
};

/* --- settings -------------------------------------------------------------------------- */

/* In the order of SESSION_OPTION_ROWS. */
enum {
	SET_BUNDLE,
	SET_BTF,
	SET_TIME,
	SET_TIMESTAMP,
	SET_PRINT_UID,
	SET_COLUMNS,
	SET_TIMEOUT,
	SET_MAX_EVENTS,
	SET_INTERVAL,
	SET_EVENT_TYPE,
	SET_DUMP_MAPS,
	SET_BUFFER,
};

const struct session_option session_options[] = { SESSION_OPTION_ROWS{ 0 } };

static int set_number(const char *name, const char *text, double unit, uint64_t *ret,
		      struct btfpack_error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0) || value * unit > 1e15)
		return btfpack_error_set(err, -EINVAL, "--%s: '%s' is not a number above 0", name,
					 text);
	*ret = value * unit < 1 ? 1 : value * unit;
	return 0;
}

int session_set(struct session_settings *settings, size_t index, const char *value,
		struct btfpack_error *err)
{
	const char *name = session_options[index].name;

	switch (index) {
	case SET_BUNDLE:
		settings->bundle = value;
		return 0;
	case SET_BTF:
		settings->btf = value;
		return 0;
	case SET_TIME:
		settings->time = true;
		return 0;
	case SET_TIMESTAMP:
		settings->timestamp = true;
		return 0;
	case SET_PRINT_UID:
		settings->print_uid = true;
		return 0;
	case SET_COLUMNS:
		settings->columns = value;
		return 0;
	case SET_TIMEOUT:
		return set_number(name, value, 1000, &settings->timeout_ms, err);
	case SET_MAX_EVENTS:
		return set_number(name, value, 1, &settings->max_events, err);
	case SET_INTERVAL:
		return set_number(name, value, 1000, &settings->interval_ms, err);
	case SET_EVENT_TYPE:
		settings->event_type = value;
		return 0;
	case SET_DUMP_MAPS:
		settings->dump_maps = true;
		return 0;
	default:
		return set_number(name, value, 1024, &settings->buffer_size, err);
	}
}

/* --- output ------------------------------------------------------------------------------- */

static int write_line(struct session *s)
{
	int ret = buf_add_string(&s->line, "\n");

	if (!ret)
		ret = s->job->write((const char *)s->line.data, s->line.size, s->job->arg);
	s->line.size = 0;
	return ret;
}

/* Too large an event for a line is an event lost, not the end. */
static int finish_line(struct session *s, int error)
{
	if (error == -EFBIG) {
		log_warning("%s: an event is too large to print", s->spec.name);
		s->line.size = 0;
		return 0;
	}
	return error ? error : write_line(s);
}

static int on_event(const void *data, size_t size, void *arg)
{
	struct session *s = arg;
	int ret;

	if (s->settings.json)
		ret = event_format_json(&s->format, data, size, &s->line);
	else
		ret = event_format_row(&s->format, data, size, &s->line);
	s->failed = finish_line(s, ret);
	s->events++;
	return s->failed || (s->settings.max_events && s->events >= s->settings.max_events);
}

static int print_header(struct session *s)
{
	if (s->settings.json || s->spec.has_histogram)
		return 0;
	return finish_line(s, event_format_header(&s->format, &s->line));
}

/* --- help ------------------------------------------------------------------------------------ */

static void help_option(struct buf *buf, char short_name, const char *name, const char *argument,
			const char *help)
{
	char left[80];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", short_name ? "-" : " ",
		 short_name ? short_name : ' ', short_name ? ", " : "  ", name, argument ? " " : "",
		 argument ? argument : "");
	buf_add_format(buf, "  %-26s %s\n", left, help);
}

static void help_fields(struct buf *buf, const struct gadget_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		help_option(buf, fields->items[i].short_name, fields->items[i].name,
			    gadget_option_word(&fields->items[i]), fields->items[i].doc);
}

static bool is_short_taken(const struct gadget_spec *spec, char letter)
{
	for (size_t i = 0; i < spec->options.count; i++)
		if (letter && spec->options.items[i].short_name == letter)
			return true;
	return false;
}

static int print_help(struct session *s)
{
	struct buf *buf = &s->line;
	const struct gadget_fields *columns = &s->spec.columns;

	buf_add_format(buf, "%s%s%s\n\nIts options:\n", s->spec.name, *s->spec.doc ? ": " : "",
		       s->spec.doc);
	help_fields(buf, &s->spec.options);
	help_fields(buf, &s->spec.variables);
	buf_add_string(buf, "\nOptions of every gadget:\n");
	for (const struct session_option *o = session_options; o->name; o++)
		help_option(buf, is_short_taken(&s->spec, o->short_name) ? 0 : o->short_name,
			    o->name, o->argument, o->help);
	if (columns->count)
		buf_add_string(buf, "\nColumns:\n");
	for (size_t i = 0; i < columns->count; i++)
		buf_add_format(buf, "  %-26s %s\n", columns->items[i].name, columns->items[i].doc);
	return s->job->write((const char *)buf->data, buf->size, s->job->arg);
}

/* --- the command line of a gadget -------------------------------------------------------------- */

/* getopt_long() values. */
enum {
	VALUE_OPTION = 1024,
	VALUE_VARIABLE = 2048,
	VALUE_SESSION = 3072,
	VALUE_HELP = 4096,
	VALUE_JSON,
};

struct table {
	struct option *longs;
	char *shorts;
	size_t count, short_count;
	int by_letter[128]; /* the value a letter stands for */
};

static void add_long(struct table *t, const char *name, char letter, bool takes_value, int value)
{
	/* The first owner of a name or letter keeps it. */
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->longs[i].name, name))
			return;
	t->longs[t->count++] = (struct option){ name, takes_value, NULL, value };
	if (letter > ' ' && !t->by_letter[(unsigned char)letter % 128]) {
		t->by_letter[(unsigned char)letter % 128] = value;
		t->shorts[t->short_count++] = letter;
		if (takes_value)
			t->shorts[t->short_count++] = ':';
	}
}

static int table_init(struct table *t, const struct gadget_spec *spec)
{
	size_t room = spec->options.count + spec->variables.count +
		      sizeof(session_options) / sizeof(session_options[0]) + 4;

	*t = (struct table){
		.longs = calloc(room, sizeof(*t->longs)),
		.shorts = calloc(room + 1, 2),
	};
	if (!t->longs || !t->shorts)
		return -ENOMEM;
	t->shorts[t->short_count++] = ':'; /* tell a missing value from a wrong option */
	for (size_t i = 0; i < spec->options.count; i++)
		add_long(t, spec->options.items[i].name, spec->options.items[i].short_name,
			 gadget_option_takes_value(&spec->options.items[i]), VALUE_OPTION + i);
	for (size_t i = 0; i < spec->variables.count; i++)
		add_long(t, spec->variables.items[i].name, spec->variables.items[i].short_name,
			 gadget_option_takes_value(&spec->variables.items[i]), VALUE_VARIABLE + i);
	for (size_t i = 0; session_options[i].name; i++)
		add_long(t, session_options[i].name, session_options[i].short_name,
			 session_options[i].argument, VALUE_SESSION + i);
	add_long(t, "json", 0, false, VALUE_JSON);
	add_long(t, "help", 'h', false, VALUE_HELP);
	return 0;
}

static void table_deinit(struct table *t)
{
	free(t->longs);
	free(t->shorts);
}

static int apply(struct session *s, int value, const char *text, struct btfpack_error *err)
{
	const struct gadget_field *field;

	if (value == VALUE_JSON) {
		s->settings.json = true;
		return 0;
	}
	if (value >= VALUE_SESSION)
		return session_set(&s->settings, value - VALUE_SESSION, text, err);
	field = value >= VALUE_VARIABLE ? &s->spec.variables.items[value - VALUE_VARIABLE]
					: &s->spec.options.items[value - VALUE_OPTION];
	return gadget_options_set(&s->options, field, text ? text : "yes", err);
}

/* Histograms take an interval in seconds and a count of them, as their namesakes do. */
static int apply_operands(struct session *s, char **words, int count, struct btfpack_error *err)
{
	int ret = 0;

	if (count > (s->spec.has_histogram ? 2 : 0))
		return btfpack_error_set(err, -EINVAL, "%s: what is '%s'? --help lists its options",
					 s->spec.name, words[count - 1]);
	if (count > 0)
		ret = set_number("interval", words[0], 1000, &s->settings.interval_ms, err);
	if (!ret && count > 1)
		ret = set_number("count", words[1], 1, &s->prints, err);
	return ret;
}

/* 1: --help was asked for. */
static int parse_words(struct session *s, struct table *t, struct btfpack_error *err)
{
	const struct session_job *job = s->job;
	int c, ret;

	optind = 0; /* glibc's and musl's way to begin anew */
	opterr = 0;
	while ((c = getopt_long(job->argc, job->argv, t->shorts, t->longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return btfpack_error_set(
				err, -EINVAL, "%s: %s '%s'; --help lists its options", s->spec.name,
				c == ':' ? "a value is missing after" : "there is no option",
				job->argv[optind - 1]);
		if (c < 128)
			c = t->by_letter[c];
		if (c == VALUE_HELP)
			return 1;
		ret = apply(s, c, optarg, err);
		if (ret < 0)
			return ret;
	}
	return apply_operands(s, job->argv + optind, job->argc - optind, err);
}

static int parse_command_line(struct session *s, struct btfpack_error *err)
{
	struct table t;
	int ret = table_init(&t, &s->spec);

	if (ret < 0)
		ret = btfpack_error_set(err, ret, "%s: out of memory", s->spec.name);
	else if (s->job->argc > 0)
		ret = parse_words(s, &t, err);
	table_deinit(&t);
	return ret;
}

/* --- columns ------------------------------------------------------------------------------------ */

/* Was the option that a column depends on given? */
static bool is_given(const struct session *s, const char *option)
{
	const struct gadget_field *field = gadget_spec_find_option(&s->spec, option);

	if (!strcmp(option, "print-uid"))
		return s->settings.print_uid;
	return field && gadget_options_number(&s->options, field);
}

static int show_column(struct session *s, const char *name, size_t length,
		       struct btfpack_error *err)
{
	for (size_t i = 0; i < s->spec.columns.count; i++) {
		const char *column = s->spec.columns.items[i].name;

		if (strlen(column) == length && !strncmp(column, name, length)) {
			s->format.shown[i] = true;
			return 0;
		}
	}
	return btfpack_error_set(err, -EINVAL,
				 "--columns: %s has no column '%.*s'; --help lists them",
				 s->spec.name, (int)length, name);
}

static int choose_columns(struct session *s, struct btfpack_error *err)
{
	const char *list = s->settings.columns;
	int ret = 0;

	s->format.shown = calloc(s->spec.columns.count + 1, sizeof(bool));
	s->format.keys_shown = calloc(s->spec.keys.count + 1, sizeof(bool));
	if (!s->format.shown || !s->format.keys_shown)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", s->spec.name);
	for (size_t i = 0; i < s->spec.columns.count; i++) {
		const char *with = s->spec.columns.items[i].with;

		if (!list || *list == '+')
			s->format.shown[i] = !with || is_given(s, with);
	}
	for (size_t i = 0; i < s->spec.keys.count; i++) {
		const char *with = s->spec.keys.items[i].with;

		s->format.keys_shown[i] = !with || is_given(s, with);
	}
	while (list && *list && !ret) {
		size_t length = strcspn(list, ",");
		size_t plus = *list == '+';

		ret = show_column(s, list + plus, length - plus, err);
		list += length + (list[length] == ',');
	}
	return ret;
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 * MILLION + now.tv_nsec;
}

static int prepare_format(struct session *s, struct btfpack_error *err)
{
	const struct gadget_field *quote = gadget_spec_find_option(&s->spec, "quote");
	const struct gadget_field *max_args = gadget_spec_find_option(&s->spec, "max-args");

	s->format.spec = &s->spec;
	s->format.start = read_clock(CLOCK_MONOTONIC);
	s->format.clock_offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
	s->format.show_time = s->settings.time;
	s->format.show_timestamp = s->settings.timestamp;
	s->format.quote = quote && gadget_options_number(&s->options, quote);
	s->format.max_args = max_args ? gadget_options_number(&s->options, max_args) : 0;
	return choose_columns(s, err);
}

/* --- histograms and maps
 * ----------------------------------------------------------------------------- */

static uint64_t slot(const struct session *s, const void *value, size_t size, size_t index)
{
	uint32_t bits = size / s->spec.histogram_slots * 8;

	return btf_json_bits(value, index * bits, bits > 64 ? 64 : bits, false);
}

static const char *unit(const struct session *s)
{
	for (size_t i = 0; i < s->spec.options.count; i++)
		if (s->spec.options.items[i].unit &&
		    gadget_options_number(&s->options, &s->spec.options.items[i]))
			return s->spec.options.items[i].unit;
	return s->spec.histogram_unit;
}

static int json_histogram(struct session *s, const void *key, const uint64_t *slots)
{
	int ret = buf_add_string(&s->line, "{");
	size_t start = s->line.size;

	if (!ret)
		ret = event_format_json_key(&s->format, key, &s->line);
	if (!ret)
		ret = buf_add_format(&s->line, "%s\"unit\":\"%s\",\"slots\":[",
				     s->line.size > start ? "," : "", unit(s));
	for (size_t i = 0; i < s->spec.histogram_slots && !ret; i++)
		ret = buf_add_format(&s->line, "%s%llu", i ? "," : "",
				     (unsigned long long)slots[i]);
	if (!ret)
		ret = buf_add_string(&s->line, "]}");
	return finish_line(s, ret);
}

static int draw_histogram(struct session *s, const void *key, const uint64_t *slots)
{
	size_t start = s->line.size;
	int ret = event_format_text_key(&s->format, key, &s->line);

	if (!ret && s->line.size > start)
		ret = buf_add_string(&s->line, "\n");
	if (!ret)
		ret = event_format_histogram(slots, s->spec.histogram_slots, unit(s), &s->line);
	return finish_line(s, ret);
}

static int print_histogram(const void *key, const void *value, size_t size, int cpu, void *arg)
{
	struct session *s = arg;
	uint64_t slots[64];

	for (size_t i = 0; i < s->spec.histogram_slots; i++)
		slots[i] = slot(s, value, size, i);
	s->events++;
	return s->settings.json ? json_histogram(s, key, slots) : draw_histogram(s, key, slots);
}

static int print_time(struct session *s)
{
	struct tm tm;
	time_t now = time(NULL);
	char text[16];

	if (s->settings.json || !s->settings.time || !localtime_r(&now, &tm))
		return 0;
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	return finish_line(s, buf_add_string(&s->line, text));
}

static int print_histograms(struct session *s, struct btfpack_error *err)
{
	int ret = print_time(s);

	if (!ret)
		ret = runner_each_entry(s->runner, "histogram", true, print_histogram, s, err);
	return ret;
}

struct dump {
	struct session *session;
	const char *name;
	uint32_t key_type, value_type, key_size;
};

static int dump_value(struct session *s, uint32_t type, const void *data, size_t size)
{
	int ret;

	if (type && type < s->spec.btf.end_id)
		return btf_json_value(&s->spec.btf, type, data, size, &s->line);
	ret = buf_add_string(&s->line, "\"");
	for (size_t i = 0; i < size && !ret; i++)
		ret = buf_add_format(&s->line, "%02x", ((const uint8_t *)data)[i]);
	return ret ? ret : buf_add_string(&s->line, "\"");
}

static int dump_entry(const void *key, const void *value, size_t size, int cpu, void *arg)
{
	struct dump *dump = arg;
	struct session *s = dump->session;
	int ret = buf_add_format(&s->line, "{\"map\":\"%s\",\"cpu\":%d,\"key\":", dump->name, cpu);

	if (!ret)
		ret = dump_value(s, dump->key_type, key, dump->key_size);
	if (!ret)
		ret = buf_add_string(&s->line, ",\"value\":");
	if (!ret)
		ret = dump_value(s, dump->value_type, value, size);
	if (!ret)
		ret = buf_add_string(&s->line, "}");
	return finish_line(s, ret);
}

static int dump_maps(struct session *s, struct btfpack_error *err)
{
	struct dump dump = { .session = s };
	int ret = 0;

	for (size_t i = 0; !ret; i++) {
		dump.name =
			runner_map(s->runner, i, &dump.key_type, &dump.value_type, &dump.key_size);
		if (!dump.name)
			break;
		ret = runner_each_entry(s->runner, dump.name, false, dump_entry, &dump, err);
	}
	return ret;
}

/* --- the run
 * -------------------------------------------------------------------------------------------- */

static void tell_lost(struct session *s)
{
	uint64_t lost = runner_lost(s->runner);

	if (lost > s->lost)
		log_warning("%s: %llu events lost, %llu in all; --buffer makes room", s->spec.name,
			    (unsigned long long)(lost - s->lost), (unsigned long long)lost);
	s->lost = lost;
}

static bool is_stopped(const struct session *s)
{
	return s->job->stop && *s->job->stop;
}

static bool has_enough(const struct session *s)
{
	return s->settings.max_events && s->events >= s->settings.max_events;
}

/* Milliseconds until @deadline, at most POLL_MS; 0: it has come. */
static int time_left(uint64_t now, uint64_t deadline)
{
	return deadline <= now                      ? 0
	       : deadline - now < POLL_MS * MILLION ? (int)((deadline - now) / MILLION) + 1
						    : POLL_MS;
}

static int loop(struct session *s, struct btfpack_error *err)
{
	uint64_t begin = read_clock(CLOCK_MONOTONIC), now = begin;
	uint64_t interval = s->settings.interval_ms * MILLION, next = begin + interval;
	uint64_t end =
		s->settings.timeout_ms ? begin + s->settings.timeout_ms * MILLION : UINT64_MAX;
	int ret = 0;

	while (!ret && !is_stopped(s) && !has_enough(s) && now < end) {
		uint64_t deadline = interval && s->spec.has_histogram && next < end ? next : end;

		ret = runner_poll(s->runner, time_left(now, deadline), err);
		if (ret == -EINTR || ret > 0)
			ret = 0;
		if (s->failed)
			return s->failed;
		now = read_clock(CLOCK_MONOTONIC);
		if (deadline != next || now < next || ret)
			continue;
		next += interval;
		tell_lost(s);
		ret = print_histograms(s, err);
		if (!ret && s->prints && !--s->prints)
			return 0;
	}
	if (!ret && !has_enough(s))
		ret = runner_finish(s->runner, err);
	if (!ret || ret > 0)
		ret = s->failed;
	if (!ret && s->spec.has_histogram)
		ret = print_histograms(s, err);
	return ret;
}

/* Lines of a story, one log message each. */
static void tell_lines(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		log_info("%.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static void add_advice(struct btfpack_error *err, const char *advice)
{
	size_t used = strlen(err->message);

	snprintf(err->message + used, sizeof(err->message) - used, "%s", advice);
}

/* Find the BTF: the file that was named, the kernel's own, a bundle. An object without
 * CO-RE relocations needs none. */
static int find_btf(struct session *s, struct btfpack_loader **ret, struct btfpack_error *err)
{
	const struct session_settings *settings = &s->settings;
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .btf_file = settings->btf };
	int error;

	*ret = NULL;
	if (settings->bundle || !settings->bundle_data)
		error = btfpack_loader_open(settings->bundle, &opts, ret, err);
	else
		error = btfpack_loader_open_mem(settings->bundle_data, settings->bundle_size, &opts,
						ret, err);
	if (error == -ENOENT && !settings->btf && !s->spec.needs_kernel_btf)
		return 0;
	if (error == -ENOENT && err && !strncmp(err->message, "no BTF", 6))
		add_advice(err, settings->bundle || settings->bundle_data
					? "; doctor says what to do"
					: "; --bundle names one, `btfpack bundle` writes it");
	if (!error)
		tell_lines(btfpack_loader_reason(*ret));
	return error;
}

/* The first word of a file's name: "execsnoop" of "gadgets/execsnoop.bpf.o". */
static size_t stem(const char **name)
{
	const char *slash = strrchr(*name, '/');

	*name = slash ? slash + 1 : *name;
	return strcspn(*name, ".");
}

/* It did not load: what the maker of the bundle knew about that. */
static void tell_verdicts(const struct session *s, const struct btfpack_loader *loader)
{
	const char *name = s->job->name;
	size_t size = stem(&name);

	for (size_t i = 0; i < btfpack_loader_count_programs(loader); i++) {
		const struct btfpack_program *p = btfpack_loader_program(loader, i);
		const char *object = p->object;

		if (p->loads == BTFPACK_LOADS_NOT && stem(&object) == size &&
		    !memcmp(object, name, size))
			log_warning("%s: by the bundle, program %s of %s cannot load on this "
				    "kernel: %s",
				    s->job->name, p->program, p->object, p->reason);
	}
}

static int open_runner(struct session *s, struct btfpack_error *err)
{
	struct runner_config config = {
		.object = s->job->object,
		.object_size = s->job->object_size,
		.spec = &s->spec,
		.options = &s->options,
		.buffer_size = s->settings.buffer_size,
		.on_event = on_event,
		.arg = s,
	};
	struct btfpack_loader *loader;
	int ret = find_btf(s, &loader, err);

	if (ret < 0)
		return ret;
	config.btf_path = loader ? btfpack_loader_btf_path(loader) : NULL;
	ret = runner_open(&config, &s->runner, err);
	if (ret < 0 && loader)
		tell_verdicts(s, loader);
	btfpack_loader_close(loader);
	return ret;
}

static int run(struct session *s, struct btfpack_error *err)
{
	int ret = open_runner(s, err);

	if (ret < 0)
		return ret;
	log_info("%s: running, %zu programs attached", s->spec.name, runner_attached(s->runner));
	ret = print_header(s);
	if (!ret)
		ret = loop(s, err);
	tell_lost(s);
	if (!ret && s->settings.dump_maps)
		ret = dump_maps(s, err);
	runner_close(s->runner);
	return ret;
}

static void deinit(struct session *s)
{
	free(s->format.shown);
	free(s->format.keys_shown);
	gadget_options_deinit(&s->options);
	gadget_spec_deinit(&s->spec);
	buf_deinit(&s->line);
}

int session_run(const struct session_job *job, const struct session_settings *settings,
		struct btfpack_error *err)
{
	struct session s = {
		.job = job,
		.settings = *settings,
		.line = BUF_INIT(LINE_MAXIMUM),
	};
	int ret = gadget_spec_init(&s.spec, job->object, job->object_size, job->name,
				   settings->event_type, err);

	if (!ret)
		ret = gadget_options_init(&s.options, &s.spec, err);
	if (!ret)
		ret = parse_command_line(&s, err);
	if (ret > 0) {
		ret = print_help(&s);
	} else if (!ret) {
		ret = prepare_format(&s, err);
		if (!ret)
			ret = run(&s, err);
	}
	deinit(&s);
	if (ret < 0 && err && !err->code)
		btfpack_error_set(err, ret, "%s: cannot write its output: %s", job->name,
				  strerror(-ret));
	return ret;
}
