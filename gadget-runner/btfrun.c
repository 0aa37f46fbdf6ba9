/* SPDX-License-Identifier: BSD-2-Clause */
/* btfrun: gadgets, bundle and runner in one static program, for the machine to be looked at. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "gadget-runner/attached-bundle.h"
#include "gadget-runner/gadget-spec.h"
#include "gadget-runner/gadget-store.h"
#include "gadget-runner/host-check.h"
#include "gadget-runner/remote.h"
#include "gadget-runner/session.h"

/* Exit statuses, as btfpack's. */
enum { STATUS_OK = 0, STATUS_NO = 1, STATUS_USAGE = 2, STATUS_BAD_INPUT = 3, STATUS_IO = 4 };

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

/* What was asked of btfrun itself. */
struct request {
	struct session_settings settings;
	const char *over;    /* transport to another machine */
	const char *attach;  /* bundle to put into a copy of this program */
	const char *program; /* file to copy or send instead of this program */
	const char *output;  /* where the copy goes */
	bool until_eof;
	bool doctor;       /* instead of a gadget */
	bool has_settings; /* besides the bundle */
	int verbosity;
	char **argv; /* the operands */
	int argc;
};

enum {
	OPTION_JSON = 256,
	OPTION_VERSION,
	OPTION_OVER,
	OPTION_ATTACH,
	OPTION_PROGRAM,
	OPTION_UNTIL_EOF,
	OPTION_DOCTOR,
	OPTION_SESSION
};

static const struct own_option {
	int value;
	struct session_option option;
} own_options[] = {
	{ 'l', { 'l', "list", NULL, "the gadgets inside, one line each" } },
	{ OPTION_OVER, { 0, "over", "COMMAND", "run on HOST, reached by COMMAND: ssh" } },
	{ OPTION_DOCTOR, { 0, "doctor", NULL, "say what this machine has and lacks for gadgets" } },
	{ OPTION_JSON, { 0, "json", NULL, "events as JSON, one object a line" } },
	{ OPTION_ATTACH, { 0, "attach", "BUNDLE", "write this program with a bundle in it" } },
	{ 'o', { 'o', "output", "FILE", "where --attach writes" } },
	{ OPTION_PROGRAM,
	  { 0, "program", "FILE", "the btfrun to copy or send; a directory: of all" } },
	{ OPTION_UNTIL_EOF, { 0, "until-eof", NULL, "end when standard input does" } },
	{ 'v', { 'v', "verbose", NULL, "say more; twice, much more" } },
	{ OPTION_VERSION, { 0, "version", NULL, "say which btfrun this is" } },
	{ 'h', { 'h', "help", NULL, "this text; after a gadget, that gadget's" } },
};

static void print_option(const struct session_option *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : " ",
		 o->short_name ? o->short_name : ' ', o->short_name ? ", " : "  ", o->name,
		 o->argument ? " " : "", o->argument ? o->argument : "");
	printf("  %-26s %s\n", left, o->help);
}

static int print_help(void)
{
	printf("Usage: btfrun [OPTIONS] GADGET|OBJECT.bpf.o [OPTIONS of the gadget]\n"
	       "       btfrun --over ssh HOST [OPTIONS] GADGET [OPTIONS of the gadget]\n"
	       "       btfrun --attach BUNDLE -o FILE\n\n"
	       "Run a tracing gadget, or any BPF object, on a kernel with or without BTF.\n\n"
	       "Options:\n");
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++)
		print_option(&own_options[i].option);
	for (const struct session_option *o = session_options; o->name; o++)
		print_option(o);
	return STATUS_OK;
}

/* --- running ---------------------------------------------------------------------------- */

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Standard input is a lifeline: SIGIO comes when something happens to it, and all
 * that can happen is its end. */
static void on_input(int signal)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	if (errno != EAGAIN)
		stop = 1;
}

static void watch_input(void)
{
	struct sigaction action = { .sa_handler = on_input };

	sigaction(SIGIO, &action, NULL);
	fcntl(STDIN_FILENO, F_SETOWN, getpid());
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK | O_ASYNC);
	on_input(SIGIO); /* it may have ended before */
}

static int run_here(struct request *r)
{
	AUTO_BLOB struct btfpack_blob object = { 0 };
	AUTO_BLOB struct btfpack_blob bundle = { 0 };
	struct btfpack_error err = { 0 };
	struct session_job job = {
		.name = r->argv[0],
		.argc = r->argc,
		.argv = r->argv,
		.stop = &stop,
		.write = write_out,
	};

	if (gadget_store_open(job.name, &object, &err) < 0 ||
	    attached_bundle_read("/proc/self/exe", &bundle, &err) < 0)
		return fail(&err);
	job.object = object.data;
	job.object_size = object.size;
	r->settings.bundle_data = bundle.data;
	r->settings.bundle_size = bundle.size;
	if (r->until_eof)
		watch_input();
	return session_run(&job, &r->settings, &err) < 0 ? fail(&err) : STATUS_OK;
}

static void print_check(const struct host_check *check, void *arg)
{
	char text[1024];

	host_check_print(check, text, sizeof(text));
	fputs(text, stdout);
}

/* As `btfpack doctor`, with the bundle that is inside. */
static int doctor(const struct request *r)
{
	AUTO_BLOB struct btfpack_blob bundle = { 0 };
	struct host_check_input input = { .bundle = r->settings.bundle };
	struct btfpack_error err = { 0 };

	if (attached_bundle_read("/proc/self/exe", &bundle, &err) < 0)
		return fail(&err);
	input.bundle_data = bundle.data;
	input.bundle_size = bundle.size;
	return host_check_all(&input, print_check, NULL) == HOST_MISSING ? STATUS_NO : STATUS_OK;
}

/* Everything but what this side alone understands goes along. */
static int run_over(const struct request *r, char **all, int count)
{
	struct remote remote = {
		.transport = r->over,
		.host = r->argv[0],
		.bundle_path = r->settings.bundle,
		.program = r->program,
		.argv = all,
		.stop = &stop,
	};
	struct btfpack_error err = { 0 };
	int status;

	if (r->has_settings) {
		fprintf(stderr, "btfrun: with --over, the gadget's options go after the host\n");
		return STATUS_USAGE;
	}
	remote.argc = count;
	status = remote_run(&remote, &err);
	return status < 0 ? fail(&err) : status;
}

static int attach(const struct request *r)
{
	AUTO_BLOB struct btfpack_blob program = { 0 };
	struct fs_output out = FS_OUTPUT_INIT;
	struct btfpack_error err = { 0 };
	int error;

	if (!r->output || r->argc) {
		fprintf(stderr, "btfrun: --attach BUNDLE takes -o FILE and no operands\n");
		return STATUS_USAGE;
	}
	error = attached_bundle_compose(r->program ? r->program : "/proc/self/exe", r->attach,
					&program, &err);
	if (!error)
		error = fs_output_init(&out, r->output, &err);
	if (!error)
		error = fs_output_write(&out, program.data, program.size, &err);
	if (!error && fchmod(out.fd, 0755) < 0)
		error = btfpack_error_set(&err, -errno, "%s: cannot make it executable: %s",
					  r->output, strerror(errno));
	if (!error)
		error = fs_output_commit(&out, &err);
	fs_output_deinit(&out);
	return error < 0 ? fail(&err) : STATUS_OK;
}

/* --- the command line ----------------------------------------------------------------------- */

static void fill_options(struct option *longs, char *shorts)
{
	size_t n = 0;

	strcpy(shorts, "+");
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++) {
		const struct session_option *o = &own_options[i].option;

		longs[n++] = (struct option){ o->name, !!o->argument, NULL, own_options[i].value };
		if (o->short_name)
			sprintf(shorts + strlen(shorts), "%c%s", o->short_name,
				o->argument ? ":" : "");
	}
	for (int i = 0; session_options[i].name; i++) {
		const struct session_option *o = &session_options[i];

		longs[n++] = (struct option){ o->name, !!o->argument, NULL, OPTION_SESSION + i };
		if (o->short_name)
			sprintf(shorts + strlen(shorts), "%c%s", o->short_name,
				o->argument ? ":" : "");
	}
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

/* -1 to go on, or a status to end with. */
static int take_option(struct request *r, int c)
{
	struct btfpack_error err = { 0 };

	switch (c) {
	case 'l':
		return list_gadgets();
	case 'v':
		log_set_level(++r->verbosity > 1 ? LOG_DEBUG : LOG_INFO);
		return -1;
	case 'h':
		return print_help();
	case 'o':
		r->output = optarg;
		return -1;
	case OPTION_JSON:
		r->settings.json = r->has_settings = true;
		return -1;
	case OPTION_OVER:
		r->over = optarg;
		return -1;
	case OPTION_ATTACH:
		r->attach = optarg;
		return -1;
	case OPTION_PROGRAM:
		r->program = optarg;
		return -1;
	case OPTION_UNTIL_EOF:
		r->until_eof = true;
		return -1;
	case OPTION_DOCTOR:
		r->doctor = true;
		return -1;
	case OPTION_VERSION:
		printf("btfrun %s\n", BTFPACK_VERSION);
		return STATUS_OK;
	case '?':
		fprintf(stderr, "btfrun: `btfrun --help` lists the options\n");
		return STATUS_USAGE;
	default:
		r->has_settings |= strcmp(session_options[session_index(c)].name, "bundle") != 0;
		return session_set(&r->settings, session_index(c), optarg, &err) < 0 ? fail(&err)
										     : -1;
	}
}

/* Options up to the first operand. */
static int parse(struct request *r, int argc, char **argv)
{
	struct option longs[40] = { 0 };
	char shorts[64];
	int c, status = -1;

	fill_options(longs, shorts);
	optind = 0;
	while (status < 0 && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		status = take_option(r, c);
	r->argv = argv + optind;
	r->argc = argc - optind;
	return status;
}

int main(int argc, char **argv)
{
	struct request r = { 0 };
	int status;

	log_set(say, LOG_WARNING, NULL);
	status = parse(&r, argc, argv);
	if (status >= 0)
		return status;
	catch_signals();
	if (r.attach)
		return attach(&r);
	if (r.doctor && !r.over)
		return doctor(&r);
	if (!r.argc) {
		fprintf(stderr, r.over ? "btfrun: --over COMMAND which HOST?\n"
				       : "btfrun: which gadget? `btfrun --list` lists them\n");
		return STATUS_USAGE;
	}
	return r.over ? run_over(&r, r.argv + 1, r.argc - 1) : run_here(&r);
}
