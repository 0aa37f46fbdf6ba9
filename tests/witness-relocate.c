/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libbpf itself makes of an object's CO-RE relocations, without a kernel.
 *
 *	witness-relocate OBJECT FULL.btf [OTHER.btf ...]
 *
 * libbpf relocates at load time, in user space, and then hands the finished
 * instructions to bpf(2). This program is linked with --wrap=syscall and so stands
 * between libbpf and that call: whatever libbpf asks is granted from here (a memfd stands for
 * every map, program and BTF), and the instructions of BPF_PROG_LOAD are looked
 * at on the way. Nothing reaches the kernel, no privilege is needed.
 *
 * func_info of the same call says which function each part of a loaded program
 * is, also for subprograms, which libbpf has appended. So every relocation finds
 * its instruction, and it is compared with what btfpack's engine makes of it on
 * FULL.btf: for FULL.btf itself, and for each of OTHER.btf, the minimized ones,
 * which must give the same (but for ids of kernel types, which they renumber).
 *
 * The last line says "OBJECT: N compared, N differ, N skipped"; skipped are
 * relocations in functions that libbpf did not load. Exit status 1 with
 * differences, 77 when libbpf cannot load the object for other reasons.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "btfgen/btf-file.h"
#include "btfgen/core-set.h"

static const struct core_object *witnessed; /* what our own parser made of the object */
static const struct core_result *results;   /* on FULL.btf */
static uint8_t *is_seen;		    /* by use: libbpf loaded its function */
static bool is_full;
static uint64_t compared, differing, skipped;
static bool is_verbose;

/* --- comparing ---------------------------------------------------------------------------------- */

static bool is_same_instruction(const struct core_use *use, const struct bpf_insn *ours,
				const struct bpf_insn *theirs)
{
	bool is_id = use->relo->kind == BPF_CORE_TYPE_ID_TARGET;
	struct bpf_insn a = *ours, b = *theirs;

	if (is_id && !is_full) /* renumbered; 0, for none, must stay 0 */
		a.imm = !!a.imm, b.imm = !!b.imm;
	return !memcmp(&a, &b, sizeof(a));
}

static void compare_use(uint32_t index, const struct bpf_insn *theirs)
{
	const struct core_use *use = &witnessed->uses[index];
	struct bpf_insn ours[2];
	bool is_wide;

	core_use_patch(witnessed, use, &results[index], ours);
	is_wide = ours[0].code == (BPF_LD | BPF_IMM | BPF_DW);
	is_seen[index] = 1;
	compared++;
	if (is_same_instruction(use, &ours[0], &theirs[0]) &&
	    (!is_wide || ours[1].imm == theirs[1].imm))
		return;
	differing++;
	printf("# %s: section %s, instruction %u, %s: libbpf has code %#x off %d imm %d, we %#x "
	       "%d %d\n",
	       witnessed->object->name, witnessed->object->sections[use->relo->section].name,
	       use->relo->instruction, core_kind_name(use->relo->kind), theirs->code, theirs->off,
	       theirs->imm, ours->code, ours->off, ours->imm);
}

static int32_t find_function(const char *name)
{
	for (size_t i = 0; i < witnessed->object->function_count; i++)
		if (!strcmp(witnessed->object->functions[i].name, name))
			return (int32_t)i;
	return -1;
}

static void compare_function(const char *name, const struct bpf_insn *instructions, uint32_t count)
{
	int32_t number = find_function(name);
	const struct bpf_object_function *f;

	if (number < 0)
		return;
	f = &witnessed->object->functions[number];
	if (f->count != count) /* one of libbpf's probes, which number types their own way */
		return;
	for (uint32_t i = 0; i < witnessed->use_count; i++) {
		const struct bpf_object_relo *relo = witnessed->uses[i].relo;

		if (relo->function == number)
			compare_use(i, instructions + (relo->instruction - f->first));
	}
}

/* A program as it was about to be loaded. */
static void look_at_program(const union bpf_attr *attr)
{
	const struct bpf_insn *instructions = (const void *)(uintptr_t)attr->insns;
	const struct btf_view *view = &witnessed->object->btf;
	const uint8_t *info = (const void *)(uintptr_t)attr->func_info;

	for (uint32_t i = 0; i < attr->func_info_cnt; i++) {
		struct bpf_func_info here, next = { .insn_off = attr->insn_cnt };

		memcpy(&here, info + (size_t)i * attr->func_info_rec_size, sizeof(here));
		if (i + 1 < attr->func_info_cnt)
			memcpy(&next, info + (size_t)(i + 1) * attr->func_info_rec_size,
			       sizeof(next));
		compare_function(btf_view_name(view, btf_view_type(view, here.type_id)),
				 instructions + here.insn_off, next.insn_off - here.insn_off);
	}
}

/* --- standing in for the kernel ----------------------------------------------------------------- */

static long new_descriptor(void)
{
	int fd = memfd_create("stand-in", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, 1L << 30) < 0) /* maps are mapped; sparse */
		return -1;
	return fd;
}

static long stand_in(int command, const void *given, size_t size)
{
	union bpf_attr attr = { 0 };

	memcpy(&attr, given, size < sizeof(attr) ? size : sizeof(attr));
	switch (command) {
	case BPF_PROG_LOAD:
		if (attr.func_info && witnessed) /* probes for features have none */
			look_at_program(&attr);
		return new_descriptor();
	case BPF_MAP_CREATE:
	case BPF_BTF_LOAD:
		return new_descriptor();
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_FREEZE:
	case BPF_PROG_BIND_MAP:
	case BPF_OBJ_GET_INFO_BY_FD:
	case BPF_OBJ_PIN:
		return 0;
	case BPF_OBJ_GET: /* no map is pinned yet */
		errno = ENOENT;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list args;
	long a[6];

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf)
		return stand_in((int)a[0], (const void *)a[1], (size_t)a[2]);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- loading ------------------------------------------------------------------------------------ */

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	return is_verbose && level <= LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* Programs whose type needs the kernel's own BTF become ones that do not: what is
 * attached to what does not matter here. libbpf before 1.2 wants that BTF even so;
 * there they are left out. */
static void prepare_program(struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(program);
	bool needs_btf = type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
			 type == BPF_PROG_TYPE_EXT || type == BPF_PROG_TYPE_UNSPEC;
	bool is_old = libbpf_major_version() == 1 && libbpf_minor_version() < 2;

	if (needs_btf)
		bpf_program__set_type(program, BPF_PROG_TYPE_RAW_TRACEPOINT);
	bpf_program__set_autoload(program, !needs_btf || !is_old);
}

/* 0, or libbpf's error. */
static int load(const char *path, const char *btf_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path,
		    .kconfig = "CONFIG_HZ=250\nCONFIG_X86_64=y\n");
	struct bpf_object *object = (void *)bpf_object__open_file(path, (void *)&opts);
	struct bpf_program *program;
	struct bpf_map *map;
	int error;

	if (!object)
		return -errno;
	bpf_object__for_each_program(program, object)
		prepare_program(program);
	bpf_object__for_each_map(map, object)
		if (!bpf_map__max_entries(map))
			bpf_map__set_max_entries(map, 1);
	error = bpf_object__load(object);
	bpf_object__close(object);
	return error;
}

static bool must_be_refused(void)
{
	for (uint32_t i = 0; i < witnessed->use_count; i++) {
		struct bpf_insn ignored[2];

		if (core_use_patch(witnessed, &witnessed->uses[i], &results[i], ignored).state ==
		    CORE_REFUSED)
			return true;
	}
	return false;
}

static int witness(const char *object, const char *btf)
{
	int error;

	memset(is_seen, 0, witnessed->use_count);
	error = load(object, btf);
	if (must_be_refused()) {
		compared++;
		differing += !error;
		if (!error)
			printf("# %s on %s: libbpf loads it, we say it refuses\n", object, btf);
		return 0;
	}
	if (error) {
		printf("# %s on %s: libbpf does not load it: %s\n", object, btf, strerror(-error));
		return error;
	}
	for (uint32_t i = 0; i < witnessed->use_count; i++)
		skipped += !is_seen[i];
	return 0;
}

static int check(struct btfpack_error *err, int error)
{
	if (error < 0)
		fprintf(stderr, "%s\n", err->message);
	return error;
}

int main(int argc, char **argv)
{
	static struct core_set set;
	struct btfpack_blob blob;
	struct btf_view view;
	struct core_run run;
	struct bpf_object *object;
	struct btfpack_error err = { 0 };
	int failures = 0;

	is_verbose = getenv("V");
	if (argc < 3)
		return 2;
	core_set_init(&set);
	if (check(&err, bpf_object_open(argv[1], (void *)&object, &err)) < 0 ||
	    check(&err, core_set_add(&set, (void *)object, &err)) < 0 ||
	    check(&err, btf_file_load(argv[2], &blob, &err)) < 0 ||
	    check(&err, btf_view_init(&view, blob.data, blob.size, NULL, argv[2], &err)) < 0 ||
	    core_run_init(&run, &set, &view, NULL, NULL) < 0)
		return 3;
	witnessed = set.objects[0];
	results = run.results;
	is_seen = calloc(witnessed->use_count + 1, 1);
	libbpf_set_print(print);
	for (int i = 2; i < argc; i++) {
		is_full = i == 2;
		failures += witness(argv[1], argv[i]) != 0;
	}
	printf("%s: %llu compared, %llu differ, %llu skipped\n", argv[1],
	       (unsigned long long)compared, (unsigned long long)differing,
	       (unsigned long long)skipped);
	free(is_seen);
	core_run_deinit(&run);
	btf_view_deinit(&view);
	btfpack_blob_free(&blob);
	core_set_deinit(&set);
	return differing ? 1 : failures ? 77 : 0;
}
