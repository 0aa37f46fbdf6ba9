/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "gadget-runner/choice.h"
#include "gadget-runner/map-entries.h"
#include "gadget-runner/rights.h"
#include "gadget-runner/runner.h"
#include "gadget-runner/sampling.h"

#define BUFFER_DEFAULT (1024 * 1024)
#define BTF_MAXIMUM    ((size_t)256 << 20)

/* For maps of others' objects that wait for their tool to size them. */
#define ENTRIES_DEFAULT 10240
#define STACKS_DEFAULT  1024
#define STACK_DEPTH     127

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own; no C library knows it */
#endif

struct runner {
	struct runner_config config;
	struct bpf_object *object;
	struct bpf_link **links;
	size_t link_count;
	size_t attached; /* programs; some have a link for each CPU */
	struct ring_buffer *rings;
	struct perf_buffer **perfs;
	size_t perf_count;
	bool use_ring;      /* perf event arrays become ring buffers */
	struct choice choice;
	uint64_t perf_lost; /* counted by the perf buffers */
	int stop;           /* what on_event returned */
};

/* --- what libbpf says --------------------------------------------------------------- */

/* The first warning of a failing call tells its cause; then comes, in one piece, the
 * verifier's log, whose last line before the statistics, which old kernels leave out,
 * tells the cause of that. One thread runs a runner. */
static __thread char first_warning[160], verdict[160];

static void forget_messages(void)
{
	*first_warning = *verdict = '\0';
}

static void note_verdict(const char *log)
{
	const char *end = strstr(log, "\nprocessed "), *line;

	if (!end)
		end = strstr(log, "\n-- END PROG LOAD LOG");
	if (!end)
		return;
	for (line = end; line > log && line[-1] != '\n';)
		line--;
	snprintf(verdict, sizeof(verdict), "%.*s", (int)(end - line), line);
}

/* A line each: the verifier's log is longer than any message. */
static void tell(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		log_debug("%.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

__attribute__((format(printf, 2, 0))) static int note_message(enum libbpf_print_level level,
							      const char *format, va_list args)
{
	AUTO_FREE char *text = NULL;
	size_t length;

	if (vasprintf(&text, format, args) < 0)
		return 0;
	length = strlen(text);
	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
	tell(text);
	if (level != LIBBPF_WARN)
		return 0;
	if (strstr(text, "BEGIN PROG LOAD LOG"))
		note_verdict(text);
	else if (!*first_warning)
		snprintf(first_warning, sizeof(first_warning), "%.150s",
			 strncmp(text, "libbpf: ", 8) ? text : text + 8);
	return 0;
}

static const char *error_words(int code)
{
	return code == ENOTSUPP ? "Not supported by this kernel" : strerror(code);
}

/* The kernel's word for a refusal as ours: its EINVAL is nobody's wrong usage. */
static int translate(int code)
{
	switch (code) {
	case -EPERM:
	case -EACCES:
	case -ENOENT:
	case -ENOMEM:
	case -EINTR:
		return code;
	default:
		return -EIO;
	}
}

static int fail(const struct runner *runner, int code, const char *what, struct btfpack_error *err)
{
	const char *name = runner->config.spec->name;
	bool is_refusal = code == -EPERM || code == -EACCES;
	char advice[200];

	if (!*rights_advise(code, advice, sizeof(advice)) && code == -ENOENT)
		strcpy(advice, "; doctor says what this kernel lacks");
	/* libbpf's way to say so: for kfuncs it does not take the BTF that we give it. */
	if (strstr(first_warning, "failed to find valid kernel BTF"))
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: cannot %s: it calls functions of the kernel's or the "
					 "like, for which the kernel must have BTF of its own",
					 name, what);
	if (*first_warning && !(is_refusal && *advice))
		return btfpack_error_set(err, translate(code), "%s: cannot %s: %s%s%s%s", name,
					 what, first_warning, *verdict ? ": " : "", verdict,
					 advice);
	return btfpack_error_set(err, translate(code), "%s: cannot %s: %s%s", name, what,
				 error_words(-code), advice);
}

/* --- ring buffers --------------------------------------------------------------------- */

static bool has_struct(const struct btf_view *btf, const char *name)
{
	for (uint32_t id = btf->first_id; id < btf->end_id; id++) {
		const struct btf_type *t = btf_view_type(btf, id);

		if (btf_type_kind(t) == BTF_KIND_STRUCT && !strcmp(btf_view_name(btf, t), name))
			return true;
	}
	return false;
}

static bool kernel_has_ring(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, NULL, 0, 0, getpagesize(), NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/*
 * The programs pick their helper by whether the BTF has struct bpf_ringbuf; the
 * map must be of the kind they will find. So the same BTF is asked, and the
 * kernel, which has the last word, too.
 */
static bool wants_ring(const struct runner_config *config)
{
	const char *path = config->btf_path ? config->btf_path : "/sys/kernel/btf/vmlinux";
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_BTF_VIEW struct btf_view btf = { 0 };

	return has_struct(&config->spec->btf, "bpf_ringbuf") && kernel_has_ring() &&
	       !fs_read(path, BTF_MAXIMUM, &blob, NULL) &&
	       !btf_view_init(&btf, blob.data, blob.size, NULL, path, NULL) &&
	       has_struct(&btf, "bpf_ringbuf");
}

/* --- opening, loading ------------------------------------------------------------------------ */

static size_t round_up(size_t size, size_t unit)
{
	size_t ret = unit;

	while (ret < size && ret < (size_t)1 << 30)
		ret *= 2;
	return ret;
}

static size_t buffer_size(const struct runner *runner)
{
	size_t size = runner->config.buffer_size ? runner->config.buffer_size : BUFFER_DEFAULT;

	return round_up(size, getpagesize());
}

/* What the tool of somebody's object would set before loading. */
static void size_map(struct runner *runner, struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);
	bool is_stack = type == BPF_MAP_TYPE_STACK_TRACE;

	if (is_stack && !bpf_map__value_size(map))
		bpf_map__set_value_size(map, STACK_DEPTH * sizeof(uint64_t));
	if (bpf_map__max_entries(map) || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return;
	if (type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF)
		bpf_map__set_max_entries(map, buffer_size(runner));
	else
		bpf_map__set_max_entries(map, is_stack ? STACKS_DEFAULT : ENTRIES_DEFAULT);
}

static void prepare_maps(struct runner *runner)
{
	struct bpf_map *map;

	runner->use_ring = wants_ring(&runner->config);
	bpf_object__for_each_map(map, runner->object) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY && runner->use_ring) {
			bpf_map__set_type(map, BPF_MAP_TYPE_RINGBUF);
			bpf_map__set_key_size(map, 0);
			bpf_map__set_value_size(map, 0);
			bpf_map__set_max_entries(map, buffer_size(runner));
		} else if (!choice_is_gadget(&runner->choice)) {
			size_map(runner, map);
		}
	}
}

static bool is_rodata(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	size_t length = strlen(name);

	return length >= 7 && !strcmp(name + length - 7, ".rodata");
}

/* The constants of .rodata that were given, over those the object came with. */
static int set_constants(struct runner *runner, struct bpf_map *map, struct btfpack_error *err)
{
	const struct gadget_options *options = runner->config.options;
	const struct gadget_fields *variables = &runner->config.spec->variables;
	size_t size = 0;
	const void *initial = bpf_map__initial_value(map, &size);
	AUTO_FREE uint8_t *bytes = malloc(size + 1);

	if (!bytes || !initial)
		return fail(runner, -ENOMEM, "set its constants", err);
	memcpy(bytes, initial, size);
	for (size_t i = 0; i < variables->count; i++) {
		const struct gadget_field *field = &variables->items[i];
		size_t start = field->bit_offset / 8, count = field->bit_size / 8;

		if (!options->variables_set[i])
			continue;
		if (start + count > size)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: variable %s lies outside .rodata",
						 runner->config.spec->name, field->variable);
		memcpy(bytes + start, options->variables + start, count);
	}
	if (bpf_map__set_initial_value(map, bytes, size) < 0)
		return fail(runner, -errno, "set its constants", err);
	return 0;
}

static int set_variables(struct runner *runner, struct btfpack_error *err)
{
	struct bpf_map *map;
	int ret = 0;

	bpf_object__for_each_map(map, runner->object)
	{
		if (!ret && is_rodata(map))
			ret = set_constants(runner, map, err);
	}
	return ret;
}

static int set_options(struct runner *runner, struct btfpack_error *err)
{
	struct bpf_map *map = bpf_object__find_map_by_name(runner->object, "options");
	uint32_t zero = 0;

	if (!map || !runner->config.spec->options.count ||
	    bpf_map__value_size(map) != runner->config.spec->options.size)
		return 0;
	if (bpf_map_update_elem(bpf_map__fd(map), &zero, runner->config.options->options, 0) < 0)
		return fail(runner, -errno, "set its options", err);
	return 0;
}

static int load(struct runner *runner, struct btfpack_error *err)
{
	const struct runner_config *config = &runner->config;
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = config->spec->name,
		    .btf_custom_path = config->btf_path);
	int ret;

	runner->object = bpf_object__open_mem(config->object, config->object_size, &opts);
	if (!runner->object)
		return btfpack_error_set(err, -EBADMSG, "%s: cannot be opened: %s",
					 config->spec->name,
					 *first_warning ? first_warning : strerror(errno));
	ret = choice_make(&runner->choice, runner->object, err);
	if (!ret)
		ret = set_variables(runner, err);
	if (ret < 0)
		return ret;
	prepare_maps(runner);
	forget_messages();
	ret = bpf_object__load(runner->object);
	if (ret < 0)
		return fail(runner, ret, "be loaded", err);
	return set_options(runner, err);
}

/* --- attaching ----------------------------------------------------------------------------------- */

static int add_link(struct runner *runner, struct bpf_link *link)
{
	struct bpf_link **links;

	links = realloc(runner->links, (runner->link_count + 1) * sizeof(struct bpf_link *));
	if (!links) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	runner->links = links;
	links[runner->link_count++] = link;
	return 0;
}

/* The only perf_event program of an object samples; of several we cannot know what each
 * is to count. */
static bool is_sampler(const struct runner *runner, const struct bpf_program *prog)
{
	struct bpf_program *other;

	if (bpf_program__type(prog) != BPF_PROG_TYPE_PERF_EVENT)
		return false;
	bpf_object__for_each_program(other, runner->object)
		if (other != prog && bpf_program__type(other) == BPF_PROG_TYPE_PERF_EVENT)
			return false;
	return true;
}

static int attach_sampler(struct runner *runner, const struct bpf_program *prog)
{
	int cpus = libbpf_num_possible_cpus(), ret = 0;
	size_t before = runner->link_count;

	for (int cpu = 0; cpu < cpus && !ret; cpu++) {
		struct bpf_link *link = sampling_attach(prog, cpu);

		if (link)
			ret = add_link(runner, link);
		else if (errno != ENODEV) /* a CPU that is off */
			ret = -errno;
	}
	return ret ? ret : runner->link_count > before ? 0 : -ENODEV;
}

static int attach_by_section(struct runner *runner, const struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach(prog);

	return link ? add_link(runner, link) : -errno;
}

/* libbpf begins with "prog 'name': ", which is told anyway. */
static const char *without_program(const char *warning)
{
	const char *colon = strstr(warning, "': ");

	return strncmp(warning, "prog '", 6) || !colon ? warning : colon + 3;
}

static void tell_unattached(struct runner *runner, const struct bpf_program *prog, int code)
{
	const char *section = bpf_program__section_name(prog);

	if (code != -EOPNOTSUPP)
		choice_tell(&runner->choice, prog, "it cannot be attached: %s",
			    *first_warning ? without_program(first_warning) : error_words(-code));
	else if (bpf_program__type(prog) == BPF_PROG_TYPE_PERF_EVENT)
		choice_tell(&runner->choice, prog,
			    "several programs want perf events, and do not say which");
	else if (strchr(section, '/'))
		choice_tell(&runner->choice, prog, "programs of its kind are attached by their tool");
	else
		choice_tell(&runner->choice, prog,
			    "it does not say where it belongs; its own tool does");
}

/* What cannot be attached is told and left, but for a program that has another in its place:
 * then it all begins anew with that (-EAGAIN). */
static int attach_program(struct runner *runner, struct bpf_program *prog,
			  struct btfpack_error *err)
{
	const char *name = bpf_program__name(prog);
	int ret;

	forget_messages();
	ret = is_sampler(runner, prog) ? attach_sampler(runner, prog)
				       : attach_by_section(runner, prog);
	if (!ret) {
		runner->attached++;
		return 0;
	}
	if (choice_is_gadget(&runner->choice) || ret == -EPERM || ret == -ENOMEM) {
		char what[128];

		snprintf(what, sizeof(what), "attach %s", bpf_program__section_name(prog));
		return fail(runner, ret, what, err);
	}
	if (choice_has_other(&runner->choice, runner->object, prog) &&
	    choice_refuse(&runner->choice, name, error_words(-ret)) > 0)
		return -EAGAIN;
	tell_unattached(runner, prog, ret);
	return 0;
}

static int attach(struct runner *runner, struct btfpack_error *err)
{
	struct bpf_program *prog;
	char advice[200];
	int ret = 0;

	bpf_object__for_each_program(prog, runner->object)
		if (!ret && bpf_program__autoload(prog))
			ret = attach_program(runner, prog, err);
	if (ret || runner->attached)
		return ret;
	return btfpack_error_set(err, -EOPNOTSUPP, "%s: none of its programs can run here: %s%s",
				 runner->config.spec->name, runner->choice.first_reason,
				 rights_advise(-ENOENT, advice, sizeof(advice)));
}

/* --- events --------------------------------------------------------------------------------- */

static int on_ring(void *arg, void *data, size_t size)
{
	struct runner *runner = arg;

	if (!runner->stop)
		runner->stop = runner->config.on_event(data, size, runner->config.arg);
	return 0;
}

static void on_perf(void *arg, int cpu, void *data, uint32_t size)
{
	on_ring(arg, data, size);
}

static void on_perf_lost(void *arg, int cpu, __u64 count)
{
	struct runner *runner = arg;

	runner->perf_lost += count;
}

static int add_ring(struct runner *runner, int fd)
{
	if (runner->rings)
		return ring_buffer__add(runner->rings, fd, on_ring, runner);
	runner->rings = ring_buffer__new(fd, on_ring, runner, NULL);
	return runner->rings ? 0 : -errno;
}

static int add_perf(struct runner *runner, int fd)
{
	int cpus = libbpf_num_possible_cpus();
	size_t pages = round_up(buffer_size(runner) / (cpus > 0 ? cpus : 1), 8 * getpagesize()) /
		       getpagesize();
	struct perf_buffer **perfs;

	perfs = realloc(runner->perfs, (runner->perf_count + 1) * sizeof(struct perf_buffer *));
	if (!perfs)
		return -ENOMEM;
	runner->perfs = perfs;
	perfs[runner->perf_count] =
		perf_buffer__new(fd, pages, on_perf, on_perf_lost, runner, NULL);
	if (!perfs[runner->perf_count])
		return -errno;
	runner->perf_count++;
	return 0;
}

static int open_buffers(struct runner *runner, struct btfpack_error *err)
{
	struct bpf_map *map;

	forget_messages();
	bpf_object__for_each_map(map, runner->object)
	{
		enum bpf_map_type type = bpf_map__type(map);
		int ret = type == BPF_MAP_TYPE_RINGBUF ? add_ring(runner, bpf_map__fd(map))
			  : type == BPF_MAP_TYPE_PERF_EVENT_ARRAY
				  ? add_perf(runner, bpf_map__fd(map))
				  : 0;

		if (ret < 0)
			return fail(runner, ret, "open its event buffers", err);
	}
	return 0;
}

int runner_poll(struct runner *runner, int timeout_ms, struct btfpack_error *err)
{
	size_t sources = runner->perf_count + !!runner->rings;
	int ret = 0, wait = sources > 1 ? 0 : timeout_ms;

	runner->stop = 0;
	if (runner->rings)
		ret = ring_buffer__poll(runner->rings, wait);
	for (size_t i = 0; i < runner->perf_count && ret >= 0; i++)
		ret = perf_buffer__poll(runner->perfs[i], wait);
	if (ret >= 0 && sources != 1 && usleep(timeout_ms * 1000) < 0)
		ret = -errno;
	if (runner->stop)
		return runner->stop;
	if (ret >= 0 || ret == -EINTR)
		return ret < 0 ? ret : 0;
	return fail(runner, ret, "read its events", err);
}

static void detach(struct runner *runner)
{
	for (size_t i = 0; i < runner->link_count; i++)
		bpf_link__destroy(runner->links[i]);
	free(runner->links);
	runner->links = NULL;
	runner->link_count = runner->attached = 0;
}

int runner_finish(struct runner *runner, struct btfpack_error *err)
{
	int ret = 0;

	detach(runner); /* else events might come for ever */
	runner->stop = 0;
	if (runner->rings)
		ret = ring_buffer__consume(runner->rings);
	for (size_t i = 0; i < runner->perf_count && ret >= 0; i++)
		ret = perf_buffer__consume(runner->perfs[i]);
	if (runner->stop || ret >= 0)
		return runner->stop;
	return fail(runner, ret, "read its last events", err);
}

/* --- maps ------------------------------------------------------------------------------------ */

int runner_each_entry(struct runner *runner, const char *name, bool clear, map_entry_fn fn,
		      void *arg, struct btfpack_error *err)
{
	struct bpf_map *map = bpf_object__find_map_by_name(runner->object, name);
	AUTO_MAP_ENTRIES struct map_entries entries = { 0 };
	int ret;

	if (!map)
		return btfpack_error_set(err, -ENOENT, "%s: has no map '%s'",
					 runner->config.spec->name, name);
	ret = map_entries_init(&entries, map);
	if (ret < 0)
		return fail(runner, ret, "read a map", err);
	return map_entries_each(&entries, clear, fn, arg);
}

const char *runner_map(struct runner *runner, size_t index, uint32_t *key_type_ret,
		       uint32_t *value_type_ret, uint32_t *key_size_ret)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, runner->object)
	{
		if (index--)
			continue;
		*key_type_ret = bpf_map__btf_key_type_id(map);
		*value_type_ret = bpf_map__btf_value_type_id(map);
		*key_size_ret = bpf_map__key_size(map);
		return bpf_map__name(map);
	}
	return NULL;
}

static int add_count(const void *key, const void *value, size_t size, int cpu, void *arg)
{
	uint64_t count = 0, *sum = arg;

	memcpy(&count, value, size < sizeof(count) ? size : sizeof(count));
	*sum += count;
	return 0;
}

/* Perf buffers count what they lose; for ring buffers the gadget does, in "lost". */
uint64_t runner_lost(const struct runner *runner)
{
	struct bpf_map *map = bpf_object__find_map_by_name(runner->object, "lost");
	uint64_t ret = runner->perf_lost;

	if (map && runner->use_ring)
		runner_each_entry((struct runner *)runner, "lost", false, add_count, &ret, NULL);
	return ret;
}

size_t runner_attached(const struct runner *runner)
{
	return runner->attached;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* As far as it got. */
static void take_down(struct runner *runner)
{
	detach(runner);
	ring_buffer__free(runner->rings);
	runner->rings = NULL;
	for (size_t i = 0; i < runner->perf_count; i++)
		perf_buffer__free(runner->perfs[i]);
	free(runner->perfs);
	runner->perfs = NULL;
	runner->perf_count = 0;
	bpf_object__close(runner->object);
	runner->object = NULL;
}

static int set_up(struct runner *runner, struct btfpack_error *err)
{
	int ret = load(runner, err);

	if (!ret)
		ret = open_buffers(runner, err); /* before the first event can come */
	if (!ret)
		ret = attach(runner, err);
	return ret;
}

/* Is there a point in doing it once more, without the program that libbpf's first warning
 * names? Without rights there is not. */
static bool is_to_be_tried_again(struct runner *runner, int error)
{
	char name[128], why[sizeof(first_warning) + sizeof(verdict) + 4];

	if (error == -EAGAIN)
		return true;
	if (error == -EPERM || sscanf(first_warning, "prog '%127[^']'", name) != 1)
		return false;
	snprintf(why, sizeof(why), "%s%s%s", without_program(first_warning), *verdict ? ": " : "",
		 verdict);
	return choice_refuse(&runner->choice, name, why) > 0;
}

int runner_open(const struct runner_config *config, struct runner **ret, struct btfpack_error *err)
{
	struct runner *runner = calloc(1, sizeof(*runner));
	int error;

	if (!runner)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", config->spec->name);
	runner->config = *config;
	runner->choice = (struct choice){
		.spec = config->spec,
		.has_own_btf = !access("/sys/kernel/btf/vmlinux", R_OK),
	};
	libbpf_set_print(note_message);
	do {
		take_down(runner);
		forget_messages();
		if (err)
			err->code = 0;
		error = set_up(runner, err);
	} while (error && is_to_be_tried_again(runner, error));
	if (error) {
		runner_close(runner);
		return error;
	}
	*ret = runner;
	return 0;
}

void runner_close(struct runner *runner)
{
	if (!runner)
		return;
	take_down(runner);
	choice_deinit(&runner->choice);
	free(runner);
}
