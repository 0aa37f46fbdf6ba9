/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/btf.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btfgen/dwarf-funcs.h"
#include "btfgen/dwarf-location.h"
#include "btfgen/type-pool.h"
#include "core/grow.h"
#include "core/cleanup.h"

/* --- the symbol table ------------------------------------------------------------------------------- */

struct symbol_list {
	struct found {
		const char *name;
		uint64_t address;
		uint32_t length; /* without suffix */
		bool is_optimized;
	} * found;
	size_t count, room;
};

static bool has_suffix(const char *suffixes, const char *suffix)
{
	const char *at = strstr(suffixes, suffix);

	return at && (at[strlen(suffix)] == '\0' || at[strlen(suffix)] == '.');
}

static int add_symbol(const struct elf_symbol *symbol, void *arg)
{
	struct symbol_list *list = arg;
	const char *dot = strchr(symbol->name, '.');
	size_t length = dot ? (size_t)(dot - symbol->name) : strlen(symbol->name);

	if (symbol->type != STT_FUNC || symbol->section == SHN_UNDEF || !symbol->name[0])
		return 0;
	if (dot && (has_suffix(dot, ".cold") || has_suffix(dot, ".part")))
		return 0;
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 4096;
		struct found *bigger = reallocarray(list->found, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		list->found = bigger;
		list->room = room;
	}
	list->found[list->count++] = (struct found){
		.name = symbol->name,
		/* In a relocatable file each section begins at 0. */
		.address = symbol->value ^ (uint64_t)symbol->section << 40,
		.length = (uint32_t)length,
		.is_optimized = dot && (has_suffix(dot, ".isra") || has_suffix(dot, ".constprop")),
	};
	return 0;
}

/* The slot of a name, or the free one for it; @hash is of the name. */
static uint64_t *name_slot(const struct func_symbols *symbols, uint64_t hash, const char *name,
			   uint32_t length)
{
	for (uint32_t i = (uint32_t)hash;; i++) {
		uint64_t *slot = &symbols->slots[i & (symbols->slot_count - 1)];
		const struct func_name *there;

		if (!*slot)
			return slot;
		if ((*slot ^ hash) >> 32) /* mostly told without a look at the name */
			continue;
		there = &symbols->names[(uint32_t)*slot - 1];
		if (there->length == length && !memcmp(there->name, name, length))
			return slot;
	}
}

/* The name of a symbol, added when it is the first of that. */
static struct func_name *take_name(struct func_symbols *symbols, const struct found *found)
{
	uint64_t hash = XXH3_64bits(found->name, found->length);
	uint64_t *slot = name_slot(symbols, hash, found->name, found->length);

	if (*slot)
		return &symbols->names[(uint32_t)*slot - 1];
	symbols->names[symbols->name_count++] = (struct func_name){
		.name = found->name,
		.length = found->length,
		.address = found->address,
	};
	*slot = (hash & ~UINT64_C(0xffffffff)) | symbols->name_count;
	return &symbols->names[symbols->name_count - 1];
}

/* Names, each with what its symbols say, and a hash over them. */
static int index_symbols(struct func_symbols *symbols, const struct symbol_list *list)
{
	symbols->slot_count = 1024;
	while (symbols->slot_count < list->count * 2)
		symbols->slot_count *= 2;
	symbols->slots = calloc(symbols->slot_count, sizeof(*symbols->slots));
	symbols->names = calloc(list->count + 1, sizeof(*symbols->names));
	if (!symbols->slots || !symbols->names)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const struct found *found = &list->found[i];
		struct func_name *name = take_name(symbols, found);

		if (found->address != name->address)
			name->is_ambiguous = true;
		if (found->is_optimized)
			name->is_optimized = true;
	}
	return 0;
}

int func_symbols_init(struct func_symbols *symbols, struct elf_image *image,
		      struct btfpack_error *err)
{
	struct symbol_list list = { 0 };
	int error;

	*symbols = (struct func_symbols){ 0 };
	error = elf_image_symbols(image, add_symbol, &list, err);
	if (!error)
		error = index_symbols(symbols, &list);
	free(list.found);
	if (error)
		func_symbols_deinit(symbols);
	if (error == -ENOMEM)
		return btfpack_error_set(err, error, "%s: out of memory", image->path);
	return error;
}

void func_symbols_deinit(struct func_symbols *symbols)
{
	free(symbols->names);
	free(symbols->slots);
	*symbols = (struct func_symbols){ 0 };
}

/* What has more parameters is no function of a kernel's; C promises room for 127. */
#define PARAMETERS_MAXIMUM 1024

/* --- one function ------------------------------------------------------------------------------------- */

/* In which registers a convention passes the first parameters, by DWARF number. A
 * machine that is not here has none checked: i386 kernels pass three in registers,
 * but not those of every function. */
static const struct convention {
	uint16_t machine;
	uint8_t count;
	bool one_word;       /* what is larger than one register goes to memory */
	int8_t registers[8]; /* -1: not checked */
} conventions[] = {
	{ EM_X86_64, 6, false, { 5, 4, 1, 2, 8, 9, -1, -1 } },
	{ EM_AARCH64, 8, false, { 0, 1, 2, 3, 4, 5, 6, 7 } },
	{ EM_S390, 5, true, { 2, 3, 4, 5, 6, -1, -1, -1 } },
	{ EM_ARM, 4, false, { 0, 1, 2, 3, -1, -1, -1, -1 } },
	{ EM_PPC64, 8, false, { 3, 4, 5, 6, 7, 8, 9, 10 } },
	{ EM_RISCV, 8, false, { 10, 11, 12, 13, 14, 15, 16, 17 } },
};

static const struct convention *find_convention(const struct elf_image *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(conventions); i++)
		if (conventions[i].machine == image->machine)
			return &conventions[i];
	return NULL;
}

/* A function's abstract origin or declaration, in whichever unit it stands. */
struct origin {
	const struct die_func *func; /* NULL: none */
	const struct unit_reader *reader;
};

static struct origin find_origin(struct recognizer *r, const struct unit_reader *reader,
				 const struct die_func *func)
{
	struct origin origin;

	origin.func = type_pool_find_func(r->pool, reader, func->origin, &origin.reader);
	if (!origin.func)
		recognize_note_stray(r, func->origin);
	return origin;
}

/* Whether @param, of @reader, says that it stands for @there, of the origin. */
static bool is_origin(const struct unit_reader *reader, const struct die_item *param,
		      const struct unit_reader *origin_reader, const struct die_item *there)
{
	uint64_t offset = reader->base + param->value;

	if (param->value & REF_FOREIGN)
		offset = reader->foreign[param->value & ~REF_FOREIGN].value;
	return !(there->flags & ITEM_ORIGIN) && origin_reader->base + there->value == offset;
}

/* A parameter with what its abstract origin knows; and which of that one's it is. */
static struct die_item complete_parameter(struct unit_reader *reader, struct origin origin,
					  const struct die_item *param, uint32_t *number)
{
	struct die_item whole = *param;
	uint32_t i, at = 0;

	if (!(param->flags & ITEM_ORIGIN) || !origin.func ||
	    origin.func->item_count > PARAMETERS_MAXIMUM)
		return whole;
	for (i = origin.func->first_item; i != ITEM_END; i = origin.reader->items[i].next, at++) {
		const struct die_item *there = &origin.reader->items[i];

		if (!is_origin(reader, param, origin.reader, there))
			continue;
		if (!whole.name)
			whole.name = there->name;
		if (whole.ref == REF_NONE)
			whole.ref = unit_reader_translate(reader, origin.reader, there->ref);
		*number = at;
		break;
	}
	return whole;
}

/* Follow abstract origins and specifications to what a function does not say itself. */
static struct die_func complete_function(struct recognizer *r, const struct die_func *func,
					 struct origin *origin_ret)
{
	struct origin at = { .func = func, .reader = r->reader };
	struct die_func whole = *func;

	*origin_ret = (struct origin){ 0 };
	for (int i = 0; i < 4; i++) {
		at = find_origin(r, at.reader, at.func);
		if (!at.func)
			break;
		if (!origin_ret->func)
			*origin_ret = at;
		if (!whole.name)
			whole.name = at.func->name;
		if (whole.ref == REF_NONE)
			whole.ref = unit_reader_translate(r->reader, at.reader, at.func->ref);
		whole.flags |= at.func->flags & (FUNC_VARARGS | FUNC_EXTERNAL | FUNC_NOCALL);
	}
	return whole;
}

/* See whether the parameters are where their types say they are passed. */
static void check_registers(const struct recognizer *r, const struct die_item *params,
			    uint32_t count, struct func_def *def)
{
	const struct unit_reader *reader = r->reader;
	const struct convention *convention = find_convention(reader->file->image);
	uint64_t word = reader->unit->encoding.address_size;
	bool has_struct = false, displaced = false;
	unsigned int next = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct die_item *param = &params[i];
		struct recognized_size size = recognize_size(r, param->ref, (unsigned int)word);
		bool in_memory = convention && size.bytes > (convention->one_word ? 1 : 2) * word;
		unsigned int slots = size.bytes && !in_memory
					     ? (unsigned int)((size.bytes + word - 1) / word)
					     : 1;
		int at;

		has_struct = has_struct || size.is_struct;
		if (!(param->flags & ITEM_LOCATION)) {
			def->is_optimized = true;
			next += slots;
			continue;
		}
		if (!convention || next >= convention->count)
			continue;
		at = dwarf_location_register(reader, &reader->locations[param->location],
					     size.bytes);
		if (at < 0)
			def->is_optimized = true;
		else if (at != convention->registers[next] &&
			 !(reader->clang && slots == 2 && next + 1 < convention->count &&
			   at == convention->registers[next + 1]))
			displaced = true;
		next += slots;
	}
	/* A struct may be spread over registers in ways that throw the count off. */
	def->is_displaced = displaced && !has_struct;
}

/* 0, 1 when they stand in another order than in the source, -ENOENT when one has no
 * name. */
static int gather_parameters(struct unit_reader *reader, const struct die_func *func,
			     struct origin origin, struct die_item *ret)
{
	uint32_t count = 0;
	bool moved = false;

	for (uint32_t i = func->first_item; i != ITEM_END; i = reader->items[i].next) {
		uint32_t number = count;

		ret[count] = complete_parameter(reader, origin, &reader->items[i], &number);
		moved = moved || number != count;
		if (!ret[count++].name)
			return -ENOENT;
	}
	return moved;
}

static int find_protos(struct recognizer *r, const struct die_func *func, struct die_item *params,
		       struct func_def *def)
{
	bool varargs = func->flags & FUNC_VARARGS;
	int error = recognize_proto(r, func->ref, params, func->item_count, varargs, def->offset,
				    &def->proto);

	if (!error)
		error = recognize_shape(r, func->ref, params, func->item_count, varargs,
					&def->shape);
	return error;
}

static int add_def(struct func_defs *defs, const struct func_def *def)
{
	if (grow_array((void **)&defs->defs, &defs->room, defs->count + 1ull, sizeof(*def)) < 0)
		return -ENOMEM;
	defs->defs[defs->count++] = *def;
	return 0;
}

/* A function that may count, if the symbol table has it. */
struct candidate {
	const struct die_func *func;
	struct die_func whole; /* with what its origin knows */
	struct origin origin;
	const char *name; /* "" when it has none */
	char packed[8];   /* where @name may lie */
	uint64_t hash;    /* of the name */
	uint32_t length;
	const struct func_name *guess; /* NULL: there is none */
};

/*
 * Each look for a symbol goes through five places in memory, all of them far away and
 * each known only from the one before. So functions come by the batch, and one step is
 * taken for all of them before the next: what it touches is on its way by then.
 */
#define BATCH 32

static uint64_t *symbol_slot(const struct func_symbols *symbols, const struct candidate *c)
{
	return &symbols->slots[(uint32_t)c->hash & (symbols->slot_count - 1)];
}

static void prepare_batch(const struct func_symbols *symbols, const struct dwarf_file *file,
			  struct candidate *batch, uint32_t count)
{
	for (struct candidate *c = batch; c < batch + count; c++) {
		c->name = dwarf_string(file, c->whole.name, c->packed);
		c->length = (uint32_t)strlen(c->name);
		c->hash = XXH3_64bits(c->name, c->length);
		__builtin_prefetch(symbol_slot(symbols, c));
	}
	for (struct candidate *c = batch; c < batch + count; c++) {
		uint32_t found = (uint32_t)*symbol_slot(symbols, c);

		c->guess = found ? &symbols->names[found - 1] : NULL;
		__builtin_prefetch(c->guess);
	}
	for (struct candidate *c = batch; c < batch + count; c++)
		__builtin_prefetch(c->guess ? c->guess->name : NULL);
}

/* The index of the candidate's name, or UINT32_MAX. */
static uint32_t find_name(const struct func_symbols *symbols, const struct candidate *c)
{
	uint64_t slot = *name_slot(symbols, c->hash, c->name, c->length);

	return slot && c->length ? (uint32_t)slot - 1 : UINT32_MAX;
}

static int collect_function(struct func_defs *defs, const struct func_symbols *symbols,
			    struct recognizer *r, const struct candidate *candidate, uint32_t unit)
{
	struct unit_reader *reader = r->reader;
	const struct die_func *func = candidate->func;
	struct origin origin = candidate->origin;
	AUTO_FREE struct die_item *params = NULL;
	struct func_def def = {
		.offset = reader->base + func->offset,
		.unit = unit,
		.is_folded = !(func->flags & FUNC_HAS_PC),
		/* clang changes static functions in place. gcc says so by the symbol. */
		.is_changed = reader->clang && candidate->whole.flags & FUNC_NOCALL,
		.dwarf_name = candidate->whole.name,
	};
	uint32_t found = find_name(symbols, candidate);
	int error, moved;

	if (found == UINT32_MAX || func->item_count > PARAMETERS_MAXIMUM)
		return 0;
	def.name = found;
	params = calloc(func->item_count + 1ull, sizeof(*params));
	if (!params)
		return -ENOMEM;
	moved = gather_parameters(reader, func, origin, params);
	if (moved < 0)
		return 0;
	error = find_protos(r, &candidate->whole, params, &def);
	if (!error)
		error = decl_tags_add(&defs->tags, &def.tags, reader, func->first_tag);
	if (!error && origin.func)
		error = decl_tags_add(&defs->tags, &def.tags, origin.reader,
				      origin.func->first_tag);
	if (error)
		return error;
	if (!def.is_folded)
		check_registers(r, params, func->item_count, &def);
	def.is_displaced = def.is_displaced || moved;
	return add_def(defs, &def);
}

void func_defs_deinit(struct func_defs *defs)
{
	free(defs->defs);
	decl_tags_deinit(&defs->tags);
	*defs = (struct func_defs){ 0 };
}

/* Neither a declaration, nor an inline function without code of its own. */
static bool is_candidate(const struct die_func *func)
{
	uint32_t excluded =
		func->flags & FUNC_HAS_PC ? FUNC_DECLARATION : FUNC_DECLARATION | FUNC_INLINE;

	return !(func->flags & excluded);
}

/* Collect what is in the batch, and empty it. */
static int collect_batch(struct func_defs *defs, const struct func_symbols *symbols,
			 struct recognizer *r, struct candidate *batch, uint32_t *count,
			 uint32_t unit)
{
	int error = 0;

	prepare_batch(symbols, r->reader->file, batch, *count);
	for (uint32_t i = 0; i < *count && !error; i++)
		error = collect_function(defs, symbols, r, &batch[i], unit);
	*count = 0;
	return error;
}

int func_defs_collect(struct func_defs *defs, const struct func_symbols *symbols,
		      struct recognizer *r, uint32_t first, uint32_t end, uint32_t unit)
{
	const struct dwarf_file *file = r->reader->file;
	struct candidate batch[BATCH];
	uint32_t count = 0;
	int error = 0;

	for (uint32_t i = first; i < end && !error; i++) {
		const struct die_func *func = &r->reader->funcs[i];
		struct candidate *c = &batch[count];

		if (!is_candidate(func))
			continue;
		c->func = func;
		c->whole = complete_function(r, func, &c->origin);
		dwarf_string_prefetch(file, c->whole.name);
		if (++count == BATCH)
			error = collect_batch(defs, symbols, r, batch, &count, unit);
	}
	return error ? error : collect_batch(defs, symbols, r, batch, &count, unit);
}

int func_defs_merge(struct func_defs *defs, struct func_defs *other)
{
	uint32_t shift;
	int error = decl_tags_merge(&defs->tags, &other->tags, &shift);

	for (uint32_t i = 0; i < other->count && !error; i++) {
		other->defs[i].tags.first += shift;
		error = add_def(defs, &other->defs[i]);
	}
	func_defs_deinit(other);
	return error;
}

/* --- choosing ------------------------------------------------------------------------------------------- */

/* A name that some function has. */
struct used_name {
	uint64_t start; /* its first eight bytes, as a number that sorts like them */
	const struct func_name *name;
};

static uint64_t start_of(const char *name, size_t length)
{
	uint8_t bytes[8] = { 0 };
	uint64_t number;

	memcpy(bytes, name, length < sizeof(bytes) ? length : sizeof(bytes));
	memcpy(&number, bytes, sizeof(number));
	return be64toh(number);
}

static int compare_used(const void *a, const void *b)
{
	const struct used_name *x = a, *y = b;
	uint32_t shorter = x->name->length < y->name->length ? x->name->length : y->name->length;
	int order;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	order = memcmp(x->name->name, y->name->name, shorter);
	return order ? order
		     : (x->name->length > y->name->length) - (x->name->length < y->name->length);
}

/* Number the names that functions have in their order: ranks[i] is of name i, from 0;
 * *@count_ret of them. */
static int rank_names(const struct func_defs *defs, const struct func_symbols *symbols,
		      uint32_t *ranks, uint32_t *count_ret)
{
	AUTO_FREE struct used_name *used = calloc(symbols->name_count + 1ull, sizeof(*used));
	uint32_t count = 0;

	if (!used)
		return -ENOMEM;
	for (uint32_t i = 0; i < defs->count; i++) {
		const struct func_name *name = &symbols->names[defs->defs[i].name];

		if (!ranks[defs->defs[i].name]++)
			used[count++] = (struct used_name){ start_of(name->name, name->length),
							    name };
	}
	if (count)
		qsort(used, count, sizeof(*used), compare_used);
	for (uint32_t i = 0; i < count; i++)
		ranks[used[i].name - symbols->names] = i;
	*count_ret = count;
	return 0;
}

static int compare_defs(const void *a, const void *b)
{
	const struct func_def *x = a, *y = b;

	if (x->is_folded != y->is_folded) /* behind those with code */
		return x->is_folded - y->is_folded;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Put functions in the order of their names, by counting: most have one. */
static int sort_defs(struct func_defs *defs, const struct func_symbols *symbols)
{
	AUTO_FREE uint32_t *ranks = calloc(symbols->name_count + 1ull, sizeof(*ranks));
	AUTO_FREE uint32_t *ends = calloc(symbols->name_count + 1ull, sizeof(*ends));
	struct func_def *sorted = NULL;
	uint32_t count;

	if (!ranks || !ends || rank_names(defs, symbols, ranks, &count) < 0)
		return -ENOMEM;
	sorted = malloc((defs->count + 1ull) * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < defs->count; i++)
		ends[ranks[defs->defs[i].name] + 1]++;
	for (uint32_t n = 0; n < count; n++)
		ends[n + 1] += ends[n];
	for (uint32_t i = 0; i < defs->count; i++) /* what were starts become ends */
		sorted[ends[ranks[defs->defs[i].name]]++] = defs->defs[i];
	for (uint32_t n = 0, start = 0; n < count; start = ends[n++])
		if (ends[n] - start > 1)
			qsort(sorted + start, ends[n] - start, sizeof(*sorted), compare_defs);
	free(defs->defs);
	defs->defs = sorted;
	defs->room = defs->count + 1;
	return 0;
}

/* Whether what stands at the name is a copy with other parameters than these. */
static bool is_specialised(const struct func_symbols *symbols, const struct func_def *def)
{
	return def->is_optimized && (def->is_changed || symbols->names[def->name].is_optimized);
}

/* Of functions of one name the one to take; NULL when there is none. Addresses are
 * not compared: where a name has one address, that is what it means. (DWARF's low_pc
 * need not be the symbol's: on arm64 it counts the NOPs before the entry.) */
static const struct func_def *choose(const struct func_symbols *symbols,
				     const struct func_def *defs, uint32_t count)
{
	const struct func_def *chosen = NULL;

	if (symbols->names[defs->name].is_ambiguous)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (defs[i].is_folded && !defs[0].is_folded)
			break;
		if (defs[i].is_displaced || defs[i].shape != defs[0].shape)
			return NULL;
		if (!chosen && !is_specialised(symbols, &defs[i]))
			chosen = &defs[i];
	}
	return chosen;
}

int func_defs_choose(struct func_defs *defs, const struct func_symbols *symbols)
{
	uint32_t kept = 0;

	if (sort_defs(defs, symbols) < 0)
		return -ENOMEM;
	for (uint32_t i = 0, end; i < defs->count; i = end) {
		const struct func_def *chosen;

		for (end = i + 1; end < defs->count && defs->defs[end].name == defs->defs[i].name;)
			end++;
		chosen = choose(symbols, &defs->defs[i], end - i);
		if (chosen)
			defs->defs[kept++] = *chosen;
	}
	defs->count = kept;
	return 0;
}
