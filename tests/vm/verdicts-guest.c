/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the guest of tests/vm/check-verdicts. It lets this kernel judge
 * every program of every object in /objects: each alone, by libbpf, loaded and, where
 * its section says to what, attached. On the console, one a line:
 *
 *	@btf own|given		whose BTF relocates: the kernel's own, or /kernel.btf
 *	@object {...}		an object that libbpf does not open, and its words
 *	@program {...}		a program: loaded, attached (null: nothing to attach to),
 *				error (errno of what failed), timeout, words
 *	@end			all was tried; then the machine restarts, which ends qemu
 *
 * What a tool's own code would set before loading is set here to something small: maps
 * without a size get one, and where the kernel says that a program wants a ring buffer,
 * its perf buffers become such.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define LOAD_SECONDS  240 /* under emulation verification is slow */
#define WORDS	      700 /* of libbpf and of the verifier, each: their last ones */
#define VERIFIER_SIZE (1 << 24)

static char words[4096]; /* libbpf's warnings; the oldest go first */
static char *verifier_log;

/* --- words -------------------------------------------------------------------------------------- */

static int take_words(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];
	size_t used = strlen(words), size;

	if (level > LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	size = strlen(line);
	if (used + size >= sizeof(words)) {
		size_t dropped = used + size + 1 - sizeof(words);

		memmove(words, words + dropped, used + 1 - dropped);
		used -= dropped;
	}
	memcpy(words + used, line, size + 1);
	return 0;
}

static void print_json(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static const char *last_of(const char *text)
{
	size_t size = strlen(text);

	return size > WORDS ? text + size - WORDS : text;
}

/* --- one program -------------------------------------------------------------------------------- */

static const char *own_or_given(void)
{
	return access("/sys/kernel/btf/vmlinux", F_OK) ? "/kernel.btf" : NULL;
}

static struct bpf_object *open_object(const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = own_or_given());

	return bpf_object__open_file(path, &opts);
}

static void print_head(const char *kind, const char *object)
{
	printf("\n@%s {\"object\":", kind);
	print_json(object);
}

static void print_result(const char *object, const struct bpf_program *program, bool loaded,
			 const char *attached, int error)
{
	print_head("program", object);
	printf(",\"program\":");
	print_json(bpf_program__name(program));
	printf(",\"section\":");
	print_json(bpf_program__section_name(program));
	printf(",\"loaded\":%s,\"attached\":%s,\"error\":%d,\"timeout\":false,\"words\":",
	       loaded ? "true" : "false", attached, error);
	print_json(error ? last_of(words) : "");
	printf(",\"verifier\":");
	print_json(error && !loaded && verifier_log ? last_of(verifier_log) : "");
	printf("}\n");
	fflush(stdout);
}

/* Alone among its object's. */
static struct bpf_program *choose_program(struct bpf_object *object, int number)
{
	struct bpf_program *program, *chosen = NULL;
	int i = 0;

	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, i == number);
		if (i++ == number)
			chosen = program;
	}
	return chosen;
}

static void make_ring(struct bpf_map *map)
{
	bpf_map__set_type(map, BPF_MAP_TYPE_RINGBUF);
	bpf_map__set_key_size(map, 0);
	bpf_map__set_value_size(map, 0);
	bpf_map__set_max_entries(map, 0);
}

static void size_maps(struct bpf_object *object, bool with_rings)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		enum bpf_map_type type = bpf_map__type(map);
		bool is_ring = type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF;

		if (type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && with_rings) {
			make_ring(map);
			type = BPF_MAP_TYPE_RINGBUF;
			is_ring = true;
		}

		if (!bpf_map__max_entries(map) && type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			bpf_map__set_max_entries(map, is_ring ? 4096 : 64);
		if (!bpf_map__value_size(map) && type == BPF_MAP_TYPE_STACK_TRACE)
			bpf_map__set_value_size(map, 127 * sizeof(long long));
	}
}

/* Open and load; the object is the caller's also when that fails. */
static int load(const char *path, int number, bool with_rings, struct bpf_object **object,
		struct bpf_program **program)
{
	*object = open_object(path);
	*program = *object ? choose_program(*object, number) : NULL;
	if (!*program)
		die(path);
	size_maps(*object, with_rings);
	*words = '\0';
	if (verifier_log) {
		*verifier_log = '\0';
		bpf_program__set_log_buf(*program, verifier_log, VERIFIER_SIZE);
	}
	return bpf_object__load(*object);
}

static bool wants_ring(void)
{
	return verifier_log &&
	       strstr(verifier_log, "cannot pass map_type 4 into func bpf_ringbuf_output");
}

static void try_program(const char *path, const char *name, int number)
{
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_link *link;
	int error;

	verifier_log = calloc(1, VERIFIER_SIZE);
	error = load(path, number, false, &object, &program);
	if (error && wants_ring()) {
		bpf_object__close(object);
		error = load(path, number, true, &object, &program);
	}
	if (error) {
		print_result(name, program, false, "null", -error);
		return;
	}
	link = bpf_program__attach(program);
	error = link ? 0 : errno;
	if (error == EOPNOTSUPP && !strstr(words, "failed"))
		print_result(name, program, true, "null", 0);
	else
		print_result(name, program, true, link ? "true" : "false", error);
	bpf_link__destroy(link);
	bpf_object__close(object);
}

/* --- all of them -------------------------------------------------------------------------------- */

/* Something for each program, also when its process did not come to say it. */
static void try_apart(const char *path, const char *name, struct bpf_program *program, int number)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		alarm(LOAD_SECONDS);
		try_program(path, name, number);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	print_head("program", name);
	printf(",\"program\":");
	print_json(bpf_program__name(program));
	printf(",\"loaded\":false,\"attached\":null,\"error\":0,\"timeout\":%s,\"words\":\"signal "
	       "%d\",\"verifier\":\"\"}\n",
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "true" : "false",
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void try_object(const char *name)
{
	struct bpf_program *program;
	struct bpf_object *object;
	char path[512];
	int number = 0;

	snprintf(path, sizeof(path), "/objects/%s", name);
	*words = '\0';
	object = open_object(path);
	if (!object) {
		int error = errno;

		print_head("object", name);
		printf(",\"error\":%d,\"words\":", error);
		print_json(last_of(words));
		printf("}\n");
		return;
	}
	*words = '\0';
	bpf_object__for_each_program(program, object)
		try_apart(path, name, program, number++);
	bpf_object__close(object);
}

int main(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct dirent **entries;
	int count;

	mount_all();
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_print(take_words);
	printf("\n@btf %s\n", own_or_given() ? "given" : "own");
	count = scandir("/objects", &entries, NULL, alphasort);
	if (count < 0)
		die("/objects");
	for (int i = 0; i < count; i++)
		if (entries[i]->d_name[0] != '.')
			try_object(entries[i]->d_name);
	end();
}
