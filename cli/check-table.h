/* SPDX-License-Identifier: BSD-2-Clause */
/* What `btfpack check` found: programs × kernels, and the ways to show it. */
#ifndef CLI_CHECK_TABLE_H
#define CLI_CHECK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/check.h>

/* One program on one kernel. */
struct check_cell {
	uint8_t verdict; /* enum btfpack_verdict */
	uint32_t optional;
	uint32_t instruction;
	const char *where; /* lent by the checker's objects: "" or a section */
	char *reason;      /* NULL: it loads */
	char *modules;     /* it needs something of these: "nf_nat nfs"; NULL: none */
};

struct check_program {
	char *object;
	char *program;
	char *section;
};

struct check_kernel {
	char *label;              /* "debian 12 x86_64 6.1.0-50-amd64", or the path of a BTF */
	char *keys[5];            /* distro, release, arch, uname, build_id; NULL: not known */
	bool is_required;         /* a rejection here is a no */
	struct check_cell *cells; /* by program; NULL: the kernel could not be judged */
	const char *failure;      /* then why; lent */
};

struct check_table {
	struct check_program *programs;
	size_t program_count;
	struct check_kernel *kernels;
	size_t kernel_count;
};

void check_table_deinit(struct check_table *table);
void check_cell_deinit(struct check_cell *cell);

/* Is any program rejected on a kernel where that matters? */
bool check_table_has_rejection(const struct check_table *table);

/* A matrix with a legend, then the reasons. @all: also programs that load everywhere. */
void check_table_print(const struct check_table *table, bool all);

/* One JSON object a program and kernel. */
void check_table_print_json(const struct check_table *table);

/* A page for a browser, which needs nothing beside it. It appears whole or not. */
int check_table_write_html(const struct check_table *table, const char *path,
			   struct btfpack_error *err);

#endif
