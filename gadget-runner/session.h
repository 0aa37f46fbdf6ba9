/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of a gadget from the first word of its command line to the last event:
 * what `btfpack run` and `btfrun` share. Text goes to the caller's function,
 * words for people to core/log.
 */
#ifndef GADGET_RUNNER_SESSION_H
#define GADGET_RUNNER_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

/* Options that every gadget has, besides its own. Ends with a row without name. */
struct session_option {
	char short_name; /* 0: none */
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
};
extern const struct session_option session_options[];
#define SESSION_OPTION_ROWS                                                                  \
	{ 'b', "bundle", "FILE", "find the BTF of a kernel that has none in this bundle" },  \
		{ 0, "btf", "FILE", "BTF of this kernel, instead of its own" },              \
		{ 'T', "time", NULL, "print the time of day" },                              \
		{ 't', "timestamp", NULL, "print seconds since the start" },                 \
		{ 'U', "print-uid", NULL, "print the user id" },                             \
		{ 0, "columns", "LIST", "columns to print; +NAME: besides the usual ones" }, \
		{ 'd', "timeout", "SECONDS", "end after so long" },                            \
		{ 0, "max-events", "N", "end after so many events" },                        \
		{ 'i', "interval", "SECONDS", "print histograms so often" },                   \
		{ 0, "event-type", "STRUCT", "type of the events of a foreign object" },     \
		{ 0, "dump-maps", NULL, "at the end, print what its maps hold" },            \
		{ 0, "buffer", "KIB", "size of the event buffer" },

/* What they are set to. The strings are borrowed. */
struct session_settings {
	const char *bundle;      /* file to find the BTF in when the kernel has none */
	const void *bundle_data; /* else a bundle in memory; NULL: none */
	size_t bundle_size;
	const char *btf;        /* file to use instead of the kernel's own */
	const char *event_type; /* struct of the events of a foreign object */
	const char *columns;    /* "pid,comm" these; "+uid" these besides */
	bool json;
	bool time;
	bool timestamp;
	bool print_uid;
	bool dump_maps;
	uint64_t timeout_ms;  /* 0: none */
	uint64_t max_events;  /* 0: no limit */
	uint64_t interval_ms; /* of histograms; 0: once, at the end */
	uint64_t buffer_size; /* bytes; 0: the runner's default */
};

/* Set session_options[@index] to @value. -EINVAL and a sentence. */
int session_set(struct session_settings *settings, size_t index, const char *value,
		struct btfpack_error *err);

/* A piece of output; non-zero, a negative errno, ends the run with it. */
typedef int (*session_write_fn)(const char *text, size_t size, void *arg);

struct session_job {
	const void *object; /* bytes of the BPF object */
	size_t object_size;
	const char *name; /* its name or path */
	/* The words after it; argv[0] is ignored. They may hold the gadget's options,
	 * those of session_options, --help, and for histograms interval and count. */
	int argc;
	char **argv;
	const volatile sig_atomic_t *stop; /* becomes non-zero: end; NULL: never */
	session_write_fn write;
	void *arg;
};

/*
 * Run to the end: a timeout, a number of events, *stop. 0 when done, also when
 * all that was asked for was --help. -EINVAL wrong usage, and what
 * gadget_spec_init(), btfpack_loader_open() and runner_open() fail with.
 */
int session_run(const struct session_job *job, const struct session_settings *settings,
		struct btfpack_error *err);

#endif
