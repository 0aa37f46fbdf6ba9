/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command is: a row of words and a function. The words serve `--help`,
 * the man pages' check and the shell completions, so they are said once.
 *
 * To add a command: write cli/cmd-<verb>.c with a `const struct cmd cmd_<verb>`,
 * name it in the table of cli/commands.c and in this header, write
 * man/btfpack-<verb>.1. tests/check-docs.sh holds you to the last.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Exit statuses; scripts rely on them. */
enum cmd_status {
	CMD_OK = 0,
	CMD_NO = 1,        /* the answer is no: no match, differs, not covered */
	CMD_USAGE = 2,     /* wrong usage */
	CMD_BAD_INPUT = 3, /* a file or an answer that is damaged or not supported */
	CMD_IO = 4,        /* network or input/output */
};

/* An option. Its index in the command's table is what cmd_next_option() returns. */
struct cmd_option {
	char short_name;      /* 0: none */
	const char *name;     /* without the dashes */
	const char *argument; /* NULL: takes none */
	const char *help;     /* one line */
};

struct cmd {
	const char *name;
	const char *summary;              /* one line, as in the man page's NAME */
	const char *arguments;            /* what follows the options in the usage line */
	const struct cmd_option *options; /* ends with a row without name; NULL: none */
	bool options_end_early; /* at the first operand: what follows is not ours */
	int (*run)(const struct cmd *cmd, int argc, char **argv); /* gives a cmd_status */
};

/* Options every command understands, set before the command sees its own. */
struct cmd_common {
	bool json;     /* --json: results as JSON, one object a line */
	int verbosity; /* -q: -1, -v: 1, -vv: 2 */
};
extern struct cmd_common cmd_common;

/*
 * Go through the command line: returns the index of the next option in
 * cmd->options, with its argument in @value_ret; CMD_OPTIONS_END when only
 * operands are left (then argv[*operand_ret ..] are they, in order); and
 * CMD_OPTIONS_EXIT when the command must return *status_ret at once (--help, or
 * a wrong option, which has been said). --json, -q, -v and --help never show.
 */
#define CMD_OPTIONS_END  -1
#define CMD_OPTIONS_EXIT -2
struct cmd_parser {
	const struct cmd *cmd;
	int argc;
	char **argv;
	const char *value; /* the argument of the option just returned */
	int operand;       /* at the end: index of the first operand */
	int status;        /* on CMD_OPTIONS_EXIT */
	void *state;
};
struct cmd_parser cmd_parser_init(const struct cmd *cmd, int argc, char **argv);
int cmd_next_option(struct cmd_parser *parser);

/* Say what is wrong with the usage and where help is; returns CMD_USAGE. */
__attribute__((format(printf, 2, 3))) int cmd_usage(const struct cmd *cmd, const char *format, ...);

/* Say @err's sentence; returns the exit status its code stands for: -EINVAL 2,
 * corrupt or unsupported or too large 3, all else 4. A command whose question
 * was answered "no such entry" returns CMD_NO itself. */
int cmd_fail(const struct btfpack_error *err);

/* A whole decimal number of at most @maximum. False and a sentence if not. */
bool cmd_number(const struct cmd *cmd, const char *option, const char *text, unsigned long maximum,
		unsigned long *ret);

extern const struct cmd cmd_run, cmd_gadgets, cmd_doctor;

/* All commands, in the order of the flow; ends with NULL. */
extern const struct cmd *const commands[];
extern const struct cmd cmd_list;
extern const struct cmd cmd_fetch;
extern const struct cmd cmd_diff;
extern const struct cmd cmd_header;

extern const struct cmd cmd_convert;
extern const struct cmd cmd_minify;
extern const struct cmd cmd_check;
extern const struct cmd cmd_build;
extern const struct cmd cmd_add, cmd_import, cmd_export, cmd_merge;
extern const struct cmd cmd_ls, cmd_show, cmd_rm, cmd_verify, cmd_gc, cmd_stats;
extern const struct cmd cmd_publish, cmd_pull;
extern const struct cmd cmd_bundle;
extern const struct cmd cmd_select;

#endif
