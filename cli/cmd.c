/* SPDX-License-Identifier: BSD-2-Clause */
/* Options and errors, the same for every command. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "core/log.h"

struct cmd_common cmd_common;

/* getopt_long() values: a command's own options by index, the common ones after. */
enum { OWN_FIRST = 256, COMMON_FIRST = 512, COMMON_JSON = COMMON_FIRST, COMMON_HELP };
#define OPTIONS_MAXIMUM 48

struct parser_state {
	struct option longs[OPTIONS_MAXIMUM + 5];
	char shorts[2 * OPTIONS_MAXIMUM + 9];
};

static void print_command_help(const struct cmd *cmd)
{
	printf("Usage: btfpack %s [OPTIONS] %s\n\n%s\n\nOptions:\n", cmd->name, cmd->arguments,
	       cmd->summary);
	for (const struct cmd_option *o = cmd->options; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : " ",
			 o->short_name ? o->short_name : ' ', o->short_name ? ", " : "  ", o->name,
			 o->argument ? " " : "", o->argument ? o->argument : "");
		printf("  %-26s %s\n", left, o->help);
	}
	printf("      --json                 results as JSON, one object a line\n"
	       "  -q, --quiet                only errors on stderr\n"
	       "  -v, --verbose              say more; twice, much more\n"
	       "  -h, --help                 this text\n\n"
	       "The manual: man btfpack-%s\n",
	       cmd->name);
}

struct cmd_parser cmd_parser_init(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = { .cmd = cmd, .argc = argc, .argv = argv };
	static struct parser_state the_state; /* getopt has but one, too */
	struct parser_state *state = &the_state;
	size_t n = 0, s = 0;

	memset(state, 0, sizeof(*state));
	if (cmd->options_end_early)
		state->shorts[s++] = '+';
	for (const struct cmd_option *o = cmd->options; o && o->name && n < OPTIONS_MAXIMUM; o++) {
		state->longs[n] = (struct option){
			.name = o->name,
			.has_arg = o->argument ? required_argument : no_argument,
			.val = OWN_FIRST + (int)n,
		};
		n++;
		if (o->short_name) {
			state->shorts[s++] = o->short_name;
			if (o->argument)
				state->shorts[s++] = ':';
		}
	}
	state->longs[n++] = (struct option){ "json", no_argument, NULL, COMMON_JSON };
	state->longs[n++] = (struct option){ "quiet", no_argument, NULL, 'q' };
	state->longs[n++] = (struct option){ "verbose", no_argument, NULL, 'v' };
	state->longs[n++] = (struct option){ "help", no_argument, NULL, COMMON_HELP };
	strcpy(state->shorts + s, "qvh");
	parser.state = state;
	optind = 1;
	return parser;
}

static int end_parsing(struct cmd_parser *parser, int status)
{
	parser->status = status;
	return status == CMD_OK && parser->operand ? CMD_OPTIONS_END : CMD_OPTIONS_EXIT;
}

static void set_verbosity(int verbosity)
{
	cmd_common.verbosity = verbosity;
	log_set_level(verbosity < 0 ? LOG_ERROR : (enum log_level)(LOG_WARNING + verbosity));
}

int cmd_next_option(struct cmd_parser *parser)
{
	struct parser_state *state = parser->state;

	for (;;) {
		int c = getopt_long(parser->argc, parser->argv, state->shorts, state->longs, NULL);

		switch (c) {
		case -1:
			parser->operand = optind;
			return end_parsing(parser, CMD_OK);
		case '?': /* getopt has said what is wrong */
			fprintf(stderr, "btfpack: `btfpack %s --help` lists the options\n",
				parser->cmd->name);
			return end_parsing(parser, CMD_USAGE);
		case 'h':
		case COMMON_HELP:
			print_command_help(parser->cmd);
			return end_parsing(parser, CMD_OK);
		case COMMON_JSON:
			cmd_common.json = true;
			continue;
		case 'q':
			set_verbosity(-1);
			continue;
		case 'v':
			set_verbosity(cmd_common.verbosity < 2 ? cmd_common.verbosity + 1 : 2);
			continue;
		}
		parser->value = optarg;
		if (c >= OWN_FIRST)
			return c - OWN_FIRST;
		for (int i = 0; parser->cmd->options[i].name; i++)
			if (parser->cmd->options[i].short_name == c)
				return i;
	}
}

int cmd_usage(const struct cmd *cmd, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "btfpack %s: ", cmd->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; `btfpack %s --help` tells more\n", cmd->name);
	return CMD_USAGE;
}

int cmd_fail(const struct btfpack_error *err)
{
	output_say("%s", err->message);
	switch (err->code) {
	case -EINVAL:
		return CMD_USAGE;
	case -EBADMSG:
	case -EOPNOTSUPP:
	case -EFBIG:
		return CMD_BAD_INPUT;
	default:
		return CMD_IO;
	}
}

bool cmd_number(const struct cmd *cmd, const char *option, const char *text, unsigned long maximum,
		unsigned long *ret)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value > maximum) {
		cmd_usage(cmd, "--%s takes a number from 0 to %lu, not '%s'", option, maximum,
			  text);
		return false;
	}
	*ret = value;
	return true;
}
