/* SPDX-License-Identifier: BSD-2-Clause */
/* The command table, in the order of the flow. */
#include "cli/cmd.h"

const struct cmd *const commands[] = {
	&cmd_list,
	&cmd_fetch,
	&cmd_convert,
	&cmd_minify,
	&cmd_check,
	&cmd_diff,
	&cmd_header,
	&cmd_build,
	&cmd_add,
	&cmd_import,
	&cmd_export,
	&cmd_merge,
	&cmd_publish,
	&cmd_pull,
	&cmd_ls,
	&cmd_show,
	&cmd_rm,
	&cmd_verify,
	&cmd_gc,
	&cmd_stats,
	&cmd_bundle,
	&cmd_select,
	&cmd_run,
	&cmd_gadgets,
	&cmd_doctor,
	NULL,
};
