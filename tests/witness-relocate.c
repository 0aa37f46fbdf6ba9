/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libbpf itself makes of an object's CO-RE relocations, without a kernel.
 *
 *	witness-relocate [--module NAME=FILE|DIR ...] OBJECT FULL.btf [OTHER.btf ...]
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
 * With modules, FULL.btf stands for /sys/kernel/btf/vmlinux, and the modules for
 * those the kernel lists; libbpf then searches both. OTHER.btf are the custom BTF
 * that replaces all of them.
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

#include "btfgen/core-kernel.h"
#include "btfgen/kernel-files.h"

static const struct core_object *witnessed; /* what our own parser made of the object */
static const struct core_result *results;   /* on FULL.btf */
static uint8_t *is_seen;		    /* by use: libbpf loaded its function */
static bool is_full;
static uint64_t compared, differing, skipped;
static bool is_verbose;
static struct kernel_files files; /* FULL.btf and the modules */
static struct core_kernel kernel;

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

/* Ids of a module's types are libbpf's in that module alone. */
static uint32_t own_id(uint32_t id)
{
	return core_kernel_module(&kernel, id) == CORE_NO_MODULE
		       ? id
		       : btf_stack_own_id(&kernel.stack, id);
}

static void compare_use(uint32_t index, const struct bpf_insn *theirs)
{
	const struct core_use *use = &witnessed->uses[index];
	struct bpf_insn ours[2];
	bool is_wide;

	core_use_patch(witnessed, use, &results[index], ours);
	if (is_full && use->relo->kind == BPF_CORE_TYPE_ID_TARGET && results[index].root)
		ours[0].imm = (int32_t)own_id(results[index].root);
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

/* Modules are BTF objects with the ids 1, 2, ...; a descriptor of one is a memfd of
 * its bytes whose position is that id. */
static long open_module(uint32_t id)
{
	long fd = new_descriptor();

	if (fd >= 0 && lseek((int)fd, (off_t)id, SEEK_SET) < 0)
		return -1;
	return fd;
}

static void copy_text(uint64_t to, uint32_t room, const char *text)
{
	if (room)
		snprintf((char *)(uintptr_t)to, room, "%s", text);
}

static int describe_module(const union bpf_attr *attr)
{
	struct bpf_btf_info *info = (void *)(uintptr_t)attr->info.info;
	off_t id = lseek((int)attr->info.bpf_fd, 0, SEEK_CUR);
	const struct btfpack_module_btf *m;

	if (id < 1 || (size_t)id > files.module_count)
		return 0;
	m = &files.modules[id - 1];
	if (info->btf)
		memcpy((void *)(uintptr_t)info->btf, m->btf.data,
		       info->btf_size < m->btf.size ? info->btf_size : m->btf.size);
	copy_text(info->name, info->name_len, m->name);
	info->btf_size = (uint32_t)m->btf.size;
	info->id = (uint32_t)id;
	info->kernel_btf = 1;
	return 0;
}

static long next_module(union bpf_attr *attr)
{
	if (attr->start_id >= files.module_count) {
		errno = ENOENT;
		return -1;
	}
	attr->next_id = attr->start_id + 1;
	return 0;
}

struct btf *btf__new(const void *data, uint32_t size); /* bpf/btf.h and our view share names */
struct btf *__wrap_btf__load_vmlinux_btf(void);
struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	return btf__new(files.btf.data, (uint32_t)files.btf.size);
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
	case BPF_OBJ_PIN:
		return 0;
	case BPF_OBJ_GET_INFO_BY_FD:
		return describe_module(&attr);
	case BPF_BTF_GET_NEXT_ID:
		return next_module((union bpf_attr *)(uintptr_t)given);
	case BPF_BTF_GET_FD_BY_ID:
		return open_module(attr.btf_id);
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

/* 0, or libbpf's error. Without @btf_path it looks for the kernel's. */
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
	error = load(object, is_full && files.module_count ? NULL : btf);
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

/* The options; the number of arguments they take. */
static int load_modules(int argc, char **argv, struct btfpack_error *err)
{
	int i = 1;

	for (; i + 1 < argc && !strcmp(argv[i], "--module"); i += 2)
		if (kernel_files_add(&files, argv[i + 1], err) < 0)
			return -1;
	return i - 1;
}

static int prepare(struct core_set *set, struct core_run *run, char **argv,
		   struct btfpack_error *err)
{
	struct bpf_object *object;
	struct core_parts parts = { .btf = &files.btf,
				    .modules = files.modules,
				    .module_count = files.module_count,
				    .name = argv[2] };

	core_set_init(set);
	if (bpf_object_open(argv[1], (void *)&object, err) < 0 ||
	    core_set_add(set, (void *)object, err) < 0 ||
	    kernel_files_load(&files, argv[2], err) < 0 ||
	    core_kernel_init(&kernel, set, &parts, NULL, err) < 0 ||
	    core_run_init(run, set, kernel.view, NULL, NULL) < 0)
		return -1;
	witnessed = set->objects[0];
	results = run->results;
	is_seen = calloc(witnessed->use_count + 1, 1);
	return is_seen ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct core_set set;
	struct core_run run = { 0 };
	struct btfpack_error err = { 0 };
	int failures = 0, options = load_modules(argc, argv, &err);

	is_verbose = getenv("V");
	if (options >= 0 && argc - options < 3)
		return 2;
	if (options < 0 || prepare(&set, &run, argv + options, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 3;
	}
	libbpf_set_print(print);
	for (int i = 2; i + options < argc; i++) {
		is_full = i == 2;
		failures += witness(argv[options + 1], argv[options + i]) != 0;
	}
	printf("%s: %llu compared, %llu differ, %llu skipped\n", argv[options + 1],
	       (unsigned long long)compared, (unsigned long long)differing,
	       (unsigned long long)skipped);
	free(is_seen);
	core_run_deinit(&run);
	core_kernel_deinit(&kernel);
	kernel_files_deinit(&files);
	core_set_deinit(&set);
	return differing ? 1 : failures ? 77 : 0;
}
