/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/dwarf-vars.h"
#include "btfgen/type-pool.h"
#include "core/grow.h"

static int add_symbol(const struct elf_symbol *symbol, void *arg)
{
	struct percpu_section *section = arg;

	if (symbol->type != STT_OBJECT || symbol->section != section->index)
		return 0;
	if (section->symbol_count == section->symbol_room) {
		size_t room = section->symbol_room ? section->symbol_room * 2 : 512;
		struct percpu_symbol *bigger =
			reallocarray(section->symbols, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		section->symbols = bigger;
		section->symbol_room = room;
	}
	section->symbols[section->symbol_count++] =
		(struct percpu_symbol){ symbol->value, symbol->name };
	return 0;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct percpu_symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return strcmp(x->name, y->name);
}

int percpu_section_init(struct percpu_section *section, struct elf_image *image,
			struct btfpack_error *err)
{
	struct elf_section found;
	int error;

	*section = (struct percpu_section){ 0 };
	error = elf_image_section(image, PERCPU_NAME, &found, err);
	if (error || !found.index)
		return error;
	section->address = found.address;
	section->size = found.size;
	section->index = found.index;
	error = elf_image_symbols(image, add_symbol, section, err);
	if (error == -ENOMEM)
		btfpack_error_set(err, error, "%s: out of memory", image->path);
	if (error)
		percpu_section_deinit(section);
	else if (section->symbol_count)
		qsort(section->symbols, section->symbol_count, sizeof(*section->symbols),
		      compare_symbols);
	return error;
}

void percpu_section_deinit(struct percpu_section *section)
{
	free(section->symbols);
	*section = (struct percpu_section){ 0 };
}

void var_defs_deinit(struct var_defs *defs)
{
	free(defs->defs);
	decl_tags_deinit(&defs->tags);
	*defs = (struct var_defs){ 0 };
}

/* Whether a symbol of this name stands at this address of the section. */
static bool has_symbol(const struct percpu_section *section, uint64_t address, const char *name)
{
	struct percpu_symbol key = { address, name };

	return section->symbol_count &&
	       bsearch(&key, section->symbols, section->symbol_count, sizeof(key), compare_symbols);
}

static int add_def(struct var_defs *defs, const struct var_def *def)
{
	if (grow_array((void **)&defs->defs, &defs->room, defs->count + 1ull, sizeof(*def)) < 0)
		return -ENOMEM;
	defs->defs[defs->count++] = *def;
	return 0;
}

static int collect_variable(struct var_defs *defs, const struct percpu_section *section,
			    struct recognizer *r, const struct die_var *var, uint32_t unit)
{
	struct unit_reader *reader = r->reader;
	const struct unit_reader *owner;
	const struct die_var *declared = type_pool_find_var(r->pool, reader, var->origin, &owner);
	struct die_var whole = *var;
	struct recognized_size size;
	struct var_def def;
	char packed[8];
	int error;

	if (!declared)
		recognize_note_stray(r, var->origin);
	if (declared) {
		whole.name = whole.name ? whole.name : declared->name;
		if (whole.ref == REF_NONE)
			whole.ref = unit_reader_translate(reader, owner, declared->ref);
		whole.flags |= declared->flags & VAR_EXTERNAL;
	}
	size = recognize_size(r, whole.ref, reader->unit->encoding.address_size);
	if (!whole.name || !size.bytes || size.bytes > UINT32_MAX ||
	    !has_symbol(section, var->address, dwarf_string(reader->file, whole.name, packed)))
		return 0;
	def = (struct var_def){
		.offset = reader->base + var->offset,
		.name = whole.name,
		.unit = unit,
		.position = (uint32_t)(var->address - section->address),
		.size = (uint32_t)size.bytes,
		.is_global = whole.flags & VAR_EXTERNAL,
	};
	error = recognize_full(r, whole.ref, &def.type);
	if (!error)
		error = decl_tags_add(&defs->tags, &def.tags, reader, var->first_tag);
	if (!error && declared)
		error = decl_tags_add(&defs->tags, &def.tags, owner, declared->first_tag);
	return error ? error : add_def(defs, &def);
}

int var_defs_collect(struct var_defs *defs, const struct percpu_section *section,
		     struct recognizer *r, uint32_t first, uint32_t end, uint32_t unit)
{
	int error = 0;

	for (uint32_t i = first; i < end && !error; i++) {
		const struct die_var *var = &r->reader->vars[i];

		if (var->flags & VAR_HAS_ADDRESS && var->address - section->address < section->size)
			error = collect_variable(defs, section, r, var, unit);
	}
	return error;
}

int var_defs_merge(struct var_defs *defs, struct var_defs *other)
{
	uint32_t shift;
	int error = decl_tags_merge(&defs->tags, &other->tags, &shift);

	for (uint32_t i = 0; i < other->count && !error; i++) {
		other->defs[i].tags.first += shift;
		error = add_def(defs, &other->defs[i]);
	}
	var_defs_deinit(other);
	return error;
}

static int compare_defs(const void *a, const void *b)
{
	const struct var_def *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

void var_defs_sort(struct var_defs *defs)
{
	uint32_t kept = 0;

	if (defs->count)
		qsort(defs->defs, defs->count, sizeof(*defs->defs), compare_defs);
	for (uint32_t i = 0; i < defs->count; i++)
		if (!kept || defs->defs[i].position != defs->defs[kept - 1].position)
			defs->defs[kept++] = defs->defs[i];
	defs->count = kept;
}
