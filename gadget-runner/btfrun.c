/* SPDX-License-Identifier: BSD-2-Clause */
/* btfrun: gadgets, bundle and runner in one static program, for the machine to be looked at. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "gadget-runner/gadget-spec.h"
#include "gadget-runner/gadget-store.h"
#include "gadget-runner/session.h"

/* Exit statuses, as btfpack's. */
enum { STATUS_OK = 0, STATUS_USAGE = 2, STATUS_BAD_INPUT = 3, STATUS_IO = 4 };

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = 1;
}

static void say(enum log_level level, const char *message, void *arg)
{
	fprintf(stderr, "btfrun: %s%s\n", level == LOG_WARNING ? "warning: " : "", message);
}

static int fail(const struct btfpack_error *err)
{
	fprintf(stderr, "btfrun: %s\n", err->message);
	return err->code == -EINVAL ? STATUS_USAGE
	       : err->code == -EBADMSG || err->code == -EOPNOTSUPP || err->code == -EFBIG
		       ? STATUS_BAD_INPUT
		       : STATUS_IO;
}

static int write_out(const char *text, size_t size, void *arg)
{
	return fs_write_fd(STDOUT_FILENO, text, size);
}

static int list_gadgets(void)
{
	for (size_t i = 0; gadget_store_name(i); i++) {
		const char *name = gadget_store_name(i);
		AUTO_BLOB struct btfpack_blob object = { 0 };
		AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
		struct btfpack_error err;

		if (gadget_store_find(name, &object, &err) < 0 ||
		    gadget_spec_init(&spec, object.data, object.size, name, NULL, &err) < 0)
			return fail(&err);
		printf("%-12s %s\n", name, spec.doc);
	}
	return STATUS_OK;
}

static void print_help(void)
{
	printf("Usage: btfrun [OPTIONS] GADGET|OBJECT.bpf.o [OPTIONS of the gadget]\n\n"
	       "Run a tracing gadget, or any BPF object, on a kernel with or without BTF.\n\n"
	       "Options:\n"
	       "  -l, --list                 the gadgets inside, one line each\n"
	       "      --json                 events as JSON, one object a line\n"
	       "  -v, --verbose              say more; twice, much more\n"
	       "      --version              say which btfrun this is\n"
	       "  -h, --help                 this text; after a gadget, that gadget's\n");
	for (const struct session_option *o = session_options; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : " ",
			 o->short_name ? o->short_name : ' ', o->short_name ? ", " : "  ", o->name,
			 o->argument ? " " : "", o->argument ? o->argument : "");
		printf("  %-26s %s\n", left, o->help);
	}
}

static int run_gadget(const char *name, int argc, char **argv,
		      const struct session_settings *settings)
{
	AUTO_BLOB struct btfpack_blob object = { 0 };
	struct btfpack_error err = { 0 };
	struct session_job job = {
		.name = name,
		.argc = argc,
		.argv = argv,
		.stop = &stop,
		.write = write_out,
	};
	struct sigaction action = { .sa_handler = on_signal };

	if (gadget_store_open(name, &object, &err) < 0)
		return fail(&err);
	job.object = object.data;
	job.object_size = object.size;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return session_run(&job, settings, &err) < 0 ? fail(&err) : STATUS_OK;
}

enum { OPTION_JSON = 256, OPTION_VERSION, OPTION_SESSION };

static size_t fill_options(struct option *longs, char *shorts)
{
	static const struct option own[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "version", no_argument, NULL, OPTION_VERSION },
	};
	size_t count = sizeof(own) / sizeof(own[0]);

	memcpy(longs, own, sizeof(own));
	strcpy(shorts, "+lvh");
	for (size_t i = 0; session_options[i].name; i++) {
		const struct session_option *o = &session_options[i];

		longs[count++] =
			(struct option){ o->name, !!o->argument, NULL, OPTION_SESSION + (int)i };
		if (o->short_name)
			strncat(shorts, &o->short_name, 1);
	}
	return count;
}

static int session_index(int c)
{
	if (c >= OPTION_SESSION)
		return c - OPTION_SESSION;
	for (int i = 0; session_options[i].name; i++)
		if (session_options[i].short_name == c)
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	struct session_settings settings = { 0 };
	struct option longs[32] = { 0 };
	struct btfpack_error err = { 0 };
	char shorts[32];
	int c, verbosity = 0;

	fill_options(longs, shorts);
	log_set(say, LOG_WARNING, NULL);
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			return list_gadgets();
		case 'v':
			log_set_level(++verbosity > 1 ? LOG_DEBUG : LOG_INFO);
			break;
		case 'h':
			print_help();
			return STATUS_OK;
		case OPTION_JSON:
			settings.json = true;
			break;
		case OPTION_VERSION:
			printf("btfrun %s\n", BTFPACK_VERSION);
			return STATUS_OK;
		case '?':
			fprintf(stderr, "btfrun: `btfrun --help` lists the options\n");
			return STATUS_USAGE;
		default:
			if (session_set(&settings, session_index(c), optarg, &err) < 0)
				return fail(&err);
		}
	}
	if (optind == argc) {
		fprintf(stderr, "btfrun: which gadget? `btfrun --list` lists them\n");
		return STATUS_USAGE;
	}
	return run_gadget(argv[optind], argc - optind, argv + optind, &settings);
}
