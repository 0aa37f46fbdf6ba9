/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/kfuncs.h"
#include "core/buf.h"
#include "core/cursor.h"

#define SECTION	      ".BTF_ids"
#define SET_PREFIX    "__BTF_ID__set8__"
#define FUNC_PREFIX   "__BTF_ID__func__"
#define SET_KFUNCS    1u	 /* BTF_SET8_KFUNCS, of a set */
#define FUNC_FASTCALL (1u << 12) /* KF_FASTCALL, of a function */
#define FOUND_MAXIMUM ((size_t)64 << 20)

/* Symbols of the section: sets, and functions with their places. */
struct found_set {
	uint64_t start, end;
};
struct found_func {
	uint64_t address;
	struct kfunc kfunc;
};
struct search {
	const struct elf_section *section;
	bool swap;
	struct buf sets, funcs;
};

/* The words at @address of the section: of a set its count and flags, of a pair the
 * id and flags. The second is given. */
static bool read_flags(const struct search *search, uint64_t address, uint32_t *ret)
{
	const struct elf_section *section = search->section;
	struct cursor c = cursor_init(section->data, section->size, search->swap, SECTION);

	return address >= section->address && cursor_seek(&c, address - section->address) == 0 &&
	       cursor_skip(&c, 4) == 0 && cursor_u32(&c, ret) == 0;
}

/* The function's name stands between the prefix and the last "__". */
static uint32_t name_length(const char *name)
{
	uint32_t length = (uint32_t)strlen(name);

	while (length > 2 && strncmp(name + length, "__", 2))
		length--;
	return length;
}

static int add_symbol(const struct elf_symbol *symbol, void *arg)
{
	struct search *search = arg;
	uint32_t flags;

	if (symbol->section != search->section->index ||
	    !read_flags(search, symbol->value, &flags))
		return 0;
	if (!strncmp(symbol->name, SET_PREFIX, strlen(SET_PREFIX)) && flags & SET_KFUNCS)
		return buf_add(&search->sets,
			       &(struct found_set){ symbol->value, symbol->value + symbol->size },
			       sizeof(struct found_set));
	if (!strncmp(symbol->name, FUNC_PREFIX, strlen(FUNC_PREFIX))) {
		const char *name = symbol->name + strlen(FUNC_PREFIX);
		struct found_func func = {
			symbol->value,
			{ name, name_length(name), flags & FUNC_FASTCALL },
		};

		return buf_add(&search->funcs, &func, sizeof(func));
	}
	return 0;
}

static int compare_sets(const void *a, const void *b)
{
	const struct found_set *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Whether a set covers the address: the last that begins at or before it decides. */
static bool is_covered(const struct search *search, uint64_t address)
{
	const struct found_set *sets = (const void *)search->sets.data;
	size_t low = 0, high = search->sets.size / sizeof(*sets);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sets[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < sets[low - 1].end;
}

static int compare_kfuncs(const void *a, const void *b)
{
	const struct kfunc *x = a, *y = b;
	uint32_t shorter = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->name, y->name, shorter);

	return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* A function may stand in several sets; it is fast if one of them says so. */
static void sort_once(struct kfuncs *kfuncs)
{
	uint32_t kept = 0;

	qsort(kfuncs->funcs, kfuncs->count, sizeof(*kfuncs->funcs), compare_kfuncs);
	for (uint32_t i = 0; i < kfuncs->count; i++) {
		if (kept && !compare_kfuncs(&kfuncs->funcs[kept - 1], &kfuncs->funcs[i]))
			kfuncs->funcs[kept - 1].is_fastcall |= kfuncs->funcs[i].is_fastcall;
		else
			kfuncs->funcs[kept++] = kfuncs->funcs[i];
	}
	kfuncs->count = kept;
}

static int select_covered(struct kfuncs *kfuncs, const struct search *search)
{
	const struct found_func *funcs = (const void *)search->funcs.data;
	size_t count = search->funcs.size / sizeof(*funcs);

	kfuncs->funcs = calloc(count + 1, sizeof(*kfuncs->funcs));
	if (!kfuncs->funcs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (is_covered(search, funcs[i].address))
			kfuncs->funcs[kfuncs->count++] = funcs[i].kfunc;
	if (kfuncs->count)
		sort_once(kfuncs);
	return 0;
}

int kfuncs_init(struct kfuncs *kfuncs, struct elf_image *image, struct btfpack_error *err)
{
	struct elf_section section;
	struct search search = {
		.section = &section,
		.swap = image->other_order,
		.sets = BUF_INIT(FOUND_MAXIMUM),
		.funcs = BUF_INIT(FOUND_MAXIMUM),
	};
	int error;

	*kfuncs = (struct kfuncs){ 0 };
	error = elf_image_section(image, SECTION, &section, err);
	if (error || !section.size)
		return error;
	error = elf_image_symbols(image, add_symbol, &search, err);
	if (!error && search.sets.size) {
		qsort(search.sets.data, search.sets.size / sizeof(struct found_set),
		      sizeof(struct found_set), compare_sets);
		error = select_covered(kfuncs, &search);
	}
	buf_deinit(&search.sets);
	buf_deinit(&search.funcs);
	if (error == -ENOMEM || error == -EFBIG)
		btfpack_error_set(err, error, "%s: cannot list its kfuncs: %s", image->path,
				  strerror(-error));
	return error;
}

void kfuncs_deinit(struct kfuncs *kfuncs)
{
	free(kfuncs->funcs);
	*kfuncs = (struct kfuncs){ 0 };
}

const struct kfunc *kfuncs_find(const struct kfuncs *kfuncs, const char *name)
{
	struct kfunc key = { .name = name, .length = (uint32_t)strlen(name) };

	return kfuncs->count ? bsearch(&key, kfuncs->funcs, kfuncs->count, sizeof(key),
				       compare_kfuncs)
			     : NULL;
}
