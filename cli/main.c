/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack: global options, the command table, exit status. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "core/log.h"

#ifndef BTFPACK_VERSION
#define BTFPACK_VERSION "unknown"
#endif

static void print_help(void)
{
	printf("Usage: btfpack COMMAND [OPTIONS] ...\n\n"
	       "Makes eBPF programs run on kernels without BTF.\n\nCommands:\n");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n  --version  say which btfpack this is\n"
	       "  --help     this text; after a command, that command's\n\n"
	       "Exit status: 0 done; 1 the answer is no; 2 wrong usage; 3 bad input;\n"
	       "4 network or input/output. See btfpack(1).\n");
}

/* The commands and their options for programs, tab-separated: what scripts/completions
 * and tests/check-docs.sh read. */
static void print_table(void)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct cmd *cmd = commands[i];

		printf("command\t%s\t%s\t%s\n", cmd->name, cmd->arguments, cmd->summary);
		for (const struct cmd_option *o = cmd->options; o && o->name; o++)
			printf("option\t%s\t%.1s\t%s\t%s\t%s\n", cmd->name,
			       o->short_name ? (char[]){ o->short_name, 0 } : "-", o->name,
			       o->argument ? o->argument : "-", o->help);
	}
}

static void say_on_stderr(enum log_level level, const char *message, void *arg)
{
	static const char *const prefixes[] = { "error: ", "warning: ", "", "" };

	(void)arg;
	output_say("%s%s", prefixes[level], message);
}

static const struct cmd *find_command(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* Where a standard descriptor is closed, the next file that is opened would get its number,
 * and with it what is printed. This one takes it, and can be neither read nor written. */
static void occupy_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/", O_RDONLY | O_DIRECTORY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static char help[] = "--help";
	const struct cmd *cmd;
	int status;

	occupy_standard_descriptors();
	/* A reader that goes away is an error of write(2), reported like any other. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* nor is a limit on the size of files a crash */
	if (argc < 2) {
		fprintf(stderr, "btfpack: which command? `btfpack --help` lists them\n");
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		cmd = argc > 2 ? find_command(argv[2]) : NULL;
		if (cmd) /* `help convert` is `convert --help` */
			return output_finish(cmd->run(cmd, 2, (char *[]){ argv[2], help, NULL }));
		if (argc > 2 && !strcmp(argv[2], "--table"))
			print_table();
		else
			print_help();
		return output_finish(CMD_OK);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("btfpack %s\n", BTFPACK_VERSION);
		return output_finish(CMD_OK);
	}
	cmd = find_command(argv[1]);
	if (!cmd) {
		fprintf(stderr, "btfpack: no command '%s'; `btfpack --help` lists them\n", argv[1]);
		return CMD_USAGE;
	}
	log_set(say_on_stderr, LOG_WARNING, NULL);
	status = cmd->run(cmd, argc - 1, argv + 1);
	return output_finish(status);
}
