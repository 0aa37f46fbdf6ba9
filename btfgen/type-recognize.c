/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the DIEs of a unit to classes. For each type: its shallow token, which
 * asks only what lies behind pointers, modifiers and typedefs; its full token,
 * which asks the full tokens of what it embeds; then one look into the table.
 * Both recursions keep their answers in the type, so each is computed once, and
 * both have a depth: input decides how deep they go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/btf.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btfgen/type-pool.h"
#include "btfgen/type-table.h"
#include "core/grow.h"

#define DEPTH_MAXIMUM      512 /* of types inside types; kernels stay below 40 */

#define DIMENSIONS_MAXIMUM 64 /* of an array whose size is asked for */

enum { TOKEN_NEW, TOKEN_BUSY, TOKEN_DONE };

/* The first word of what is hashed, so that kinds never meet. */
enum { WORD_FULL = 1 << 16, WORD_NAMED = 2 << 16, WORD_SHALLOW = 3 << 16 };

static int find_full(struct recognizer *r, struct die_type *type, unsigned int depth);
static int find_shallow(struct recognizer *r, struct die_type *type, unsigned int depth);
static int hash_shallow(struct recognizer *r, struct die_type *type, struct die_type *target,
			unsigned int depth);

void recognizer_deinit(struct recognizer *r)
{
	free(r->scratch);
	class_list_deinit(&r->classes);
	*r = (struct recognizer){ 0 };
}

static type_token hash_words(const uint64_t *words, size_t count)
{
	type_token token = XXH3_64bits(words, count * sizeof(*words));

	return token ? token : 1; /* 0 is void */
}

static int fail(struct recognizer *r, const struct die_type *type, const char *problem)
{
	r->problem = problem;
	r->problem_at = type->offset;
	return -EBADMSG;
}

/* The type that @reader calls @ref, and the reader it is in; NULL for void and for
 * what has no place in BTF (a C++ member pointer, say), which counts as void. */
static struct die_type *find_from(const struct recognizer *r, const struct unit_reader *reader,
				  uint32_t ref, const struct unit_reader **owner)
{
	*owner = reader;
	if (ref == REF_NONE)
		return NULL;
	if (!(ref & REF_FOREIGN))
		return unit_reader_find(reader, ref);
	return type_pool_find(r->pool, &reader->foreign[ref & ~REF_FOREIGN], owner);
}

static struct die_type *find_type(const struct recognizer *r, uint32_t ref)
{
	const struct unit_reader *owner;

	return find_from(r, r->reader, ref, &owner);
}

void recognize_note_stray(struct recognizer *r, uint32_t ref)
{
	if (ref != REF_NONE &&
	    (ref & REF_FOREIGN ||
	     r->reader->limit - r->reader->base != r->reader->unit->end - r->reader->unit->offset))
		r->has_strays = true;
}

/* A reference that leads out of the unit, or nowhere. */
static __attribute__((noinline)) struct die_type *find_far(struct recognizer *r, uint32_t ref)
{
	struct die_type *type = find_type(r, ref);

	if (!type)
		recognize_note_stray(r, ref);
	return type;
}

/* What stands in the millions of times is inlined: see CONTRIBUTING.md. */
#define HOT static inline __attribute__((always_inline))

/* The type that a type or item refers to. */
HOT struct die_type *find_target(struct recognizer *r, uint32_t ref)
{
	struct die_type *type = unit_reader_find(r->reader, ref); /* NULL for REF_FOREIGN */

	return __builtin_expect(type != NULL, 1) ? type : find_far(r, ref);
}

HOT int full_of(struct recognizer *r, uint32_t ref, unsigned int depth, type_token *ret,
		uint8_t *flags)
{
	struct die_type *type = find_target(r, ref);
	int error = 0;

	*ret = 0;
	if (!type)
		return 0;
	if (type->full_state != TOKEN_DONE)
		error = find_full(r, type, depth + 1);
	*ret = type->full;
	*flags |= type->flags & TYPE_WEAK;
	return error;
}

HOT int shallow_of(struct recognizer *r, uint32_t ref, unsigned int depth, type_token *ret)
{
	struct die_type *type = find_target(r, ref);
	int error = 0;

	*ret = 0;
	if (!type)
		return 0;
	if (type->shallow_state != TOKEN_DONE)
		error = find_shallow(r, type, depth + 1);
	*ret = type->shallow;
	return error;
}

/* Room for @count words, beside those of the structs being recognised further out. Good
 * until the next recursion: parts are recognised before the whole is gathered. */
static uint64_t *get_scratch(struct recognizer *r, size_t count)
{
	size_t needed = r->scratch_used + count;

	if (needed > r->scratch_room) {
		uint64_t *bigger = reallocarray(r->scratch, needed * 2, sizeof(*bigger));

		if (!bigger)
			return NULL;
		r->scratch = bigger;
		r->scratch_room = needed * 2;
	}
	return r->scratch + r->scratch_used;
}

#define FOR_EACH_ITEM(r, type, item)                                                    \
	for (struct die_item *item = (type)->first_item == ITEM_END                     \
					     ? NULL                                     \
					     : &(r)->reader->items[(type)->first_item]; \
	     item; item = item->next == ITEM_END ? NULL : &(r)->reader->items[item->next])

/* What orders classes: where the type stands in .debug_info. */
static uint64_t first_of(const struct recognizer *r, const struct die_type *type)
{
	return r->first_bias + r->reader->base + type->offset;
}

/* --- pointers ----------------------------------------------------------------------------------- */

/* A type tag is part of the pointer before it: it sees as little of the type behind
 * it as that, so one token does for both. */
static type_token tag_token(const struct die_item *tag, type_token behind)
{
	return hash_words((uint64_t[]){ WORD_SHALLOW | BTF_KIND_TYPE_TAG, tag->name, behind }, 3);
}

/* The shallow token of what a type leads to, with the type tags of a pointer. */
static type_token shallow_target(struct recognizer *r, const struct die_type *type,
				 const struct die_type *target)
{
	type_token token = target ? target->shallow : 0;

	FOR_EACH_ITEM(r, type, tag)
	token = tag_token(tag, token);
	return token;
}

/* --- adding classes ----------------------------------------------------------------------------- */

/* What is hashed of a struct, union or enum: a head, and for each item its name, its
 * token, its value. */
enum { COMPOSITE_HEAD = 3, ITEM_WORDS = 3 };

/* Fill in a class for a type without items but one reference. */
static int add_reference_class(struct recognizer *r, struct die_type *type, type_token full,
			       type_token shallow, uint32_t size, type_token target,
			       bool is_shallow)
{
	struct type_class class = {
		.full = full,
		.shallow = shallow,
		.first = first_of(r, type),
		.name = type->name,
		.size = size,
		.item_count = 1,
		.kind = type->kind,
		.flags = type->flags,
	};
	struct class_item *items;

	if (!type_table_add(r->table, &class, &items))
		return -ENOMEM;
	items[0] = (struct class_item){ .token = target, .is_shallow = is_shallow };
	return 0;
}

/* @words are those that were hashed. */
static int add_composite_class(struct recognizer *r, struct die_type *type, const uint64_t *words)
{
	struct type_class class = {
		.full = type->full,
		.shallow = type->shallow,
		.first = first_of(r, type),
		.name = type->name,
		.size = type->size,
		.item_count = type->flags & TYPE_DECLARATION ? 0 : type->item_count,
		.kind = type->kind,
		.flags = type->flags,
	};
	struct class_item *items;

	if (!type_table_add(r->table, &class, &items))
		return -ENOMEM;
	if (!class.item_count)
		return 0;
	words += COMPOSITE_HEAD;
	FOR_EACH_ITEM(r, type, item)
	{
		*items++ = (struct class_item){
			.name = item->name,
			.token = type->kind == BTF_KIND_ENUM ? 0 : words[1],
			.value = item->value,
			.bits = item->bits,
			.is_negative = item->flags & ITEM_NEGATIVE,
		};
		words += ITEM_WORDS;
	}
	return 0;
}

/* @words: of a struct, union or enum that is complete. */
static int add_class_of(struct recognizer *r, struct die_type *type, type_token target,
			bool is_shallow, const uint64_t *words)
{
	uint32_t found = type_table_find_after(r->table, &r->last_class, type->full);
	int error = 0;

	if (found == UINT32_MAX) {
		switch (type->kind) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
			error = add_composite_class(r, type, words);
			break;
		default:
			if (type->kind == BTF_KIND_PTR)
				target = shallow_target(r, type, find_target(r, type->ref));
			error = add_reference_class(r, type, type->full, type->shallow, type->size,
						    target, is_shallow);
			break;
		}
		found = r->table->class_count - 1;
	}
	type->class_index = found;
	return error ? error : class_list_add(&r->classes, found);
}

static int add_class(struct recognizer *r, struct die_type *type, type_token target,
		     bool is_shallow)
{
	return add_class_of(r, type, target, is_shallow, NULL);
}

/* Add the classes of a pointer's type tags. */
static int add_type_tags(struct recognizer *r, struct die_type *pointer, unsigned int depth)
{
	type_token behind;
	int error = shallow_of(r, pointer->ref, depth, &behind);

	FOR_EACH_ITEM(r, pointer, tag)
	{
		struct die_type type = {
			.offset = pointer->offset,
			.kind = BTF_KIND_TYPE_TAG,
			.name = tag->name,
			.full = tag_token(tag, behind),
		};

		type.shallow = type.full;
		if (!error)
			error = add_class(r, &type, behind, true);
		tag->value = type.class_index;
		behind = type.full;
	}
	return error;
}

/* --- full tokens -------------------------------------------------------------------------------- */

static int find_reference(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	struct die_type *target = find_target(r, type->ref);
	uint64_t words[4] = { WORD_FULL | type->kind, type->name };
	int error = target ? find_full(r, target, depth + 1) : 0;

	if (!error && type->shallow_state != TOKEN_DONE)
		error = hash_shallow(r, type, target, depth);
	if (error)
		return error;
	words[2] = target ? target->full : 0;
	type->flags |= target ? target->flags & TYPE_WEAK : 0;
	words[3] = (uint64_t)type->size << 8 | (type->flags & TYPE_WEAK);
	type->full = hash_words(words, 4);
	return add_class(r, type, words[2], false);
}

/* All that a pointer sees of its target is the shallow token, so it needs but one. */
static int find_pointer(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	int error = find_shallow(r, type, depth + 1);

	if (!error && type->item_count)
		error = add_type_tags(r, type, depth);
	if (error)
		return error;
	type->full = type->shallow;
	return add_class(r, type, 0, true);
}

/* An array of several dimensions is an array of arrays; the inner ones are classes
 * too. Elements of each dimension are @value of the items, outermost first. */
static int find_array(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	uint32_t dimensions = type->item_count ? type->item_count : 1;
	uint64_t *elements, words[4] = { WORD_FULL | BTF_KIND_ARRAY };
	type_token target, shallow_target;
	uint32_t count = 0;
	int error = full_of(r, type->ref, depth, &target, &type->flags);

	if (!error)
		error = shallow_of(r, type->ref, depth, &shallow_target);
	elements = error ? NULL : get_scratch(r, dimensions);
	if (!elements)
		return error ? error : -ENOMEM;
	elements[0] = 0;
	FOR_EACH_ITEM(r, type, item)
	elements[count++] = item->value;
	words[3] = type->flags & TYPE_WEAK;
	while (dimensions--) {
		words[1] = elements[dimensions];
		words[2] = target;
		type->full = hash_words(words, 4);
		words[0] = WORD_SHALLOW | BTF_KIND_ARRAY;
		words[2] = shallow_target;
		type->shallow = target == shallow_target ? type->full : hash_words(words, 3);
		words[0] = WORD_FULL | BTF_KIND_ARRAY;
		type->size = (uint32_t)elements[dimensions];
		if (add_class(r, type, target, false) < 0)
			return -ENOMEM;
		target = type->full;
		shallow_target = type->shallow;
	}
	type->shallow_state = TOKEN_DONE;
	return 0;
}

/* The token of a member's type. An enumerator has no type, a member no sign. */
HOT int item_token(struct recognizer *r, const struct die_type *type, struct die_item *item,
		   unsigned int depth, uint64_t *ret)
{
	uint8_t flags = 0;
	int error;

	if (type->kind == BTF_KIND_ENUM) {
		*ret = item->flags & ITEM_NEGATIVE;
		return 0;
	}
	error = full_of(r, item->ref, depth, ret, &flags);
	if (__builtin_expect(item->flags & ITEM_OLD_BITS, 0)) {
		item->value += 8 * recognize_size(r, item->ref, 8).bytes;
		item->flags &= (uint16_t)~ITEM_OLD_BITS;
	}
	return error;
}

/* Gather what is hashed from @start of the scratch words on; a member may be a struct
 * whose own come behind meanwhile. */
static int gather_composite(struct recognizer *r, struct die_type *type, unsigned int depth,
			    size_t start)
{
	size_t at = start + COMPOSITE_HEAD;

	FOR_EACH_ITEM(r, type, item)
	{
		uint64_t token;
		int error = item_token(r, type, item, depth, &token);

		if (error)
			return error;
		r->scratch[at++] = item->name;
		r->scratch[at++] = token;
		/* No member that BTF can say lies 2^48 bits in. */
		r->scratch[at++] = item->value ^ (uint64_t)item->bits << 48;
	}
	r->scratch[start] = WORD_FULL | type->kind;
	r->scratch[start + 1] = type->name;
	r->scratch[start + 2] = (uint64_t)type->size << 8 | (type->flags & TYPE_SIGNED);
	return 0;
}

static int find_complete(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	size_t start = r->scratch_used;
	size_t count = COMPOSITE_HEAD + ITEM_WORDS * (size_t)type->item_count;
	int error = get_scratch(r, count) ? 0 : -ENOMEM;

	r->scratch_used += count;
	if (!error)
		error = gather_composite(r, type, depth, start);
	r->scratch_used = start;
	if (error)
		return error;
	type->full = hash_words(r->scratch + start, count);
	if (!type->name)
		type->shallow = type->full;
	type->shallow_state = TOKEN_DONE;
	return add_class_of(r, type, 0, false, r->scratch + start);
}

static int find_composite(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	int error = 0;

	if (type->name) /* known by its name before its members are looked at */
		error = find_shallow(r, type, depth + 1);
	if (error || !(type->flags & TYPE_DECLARATION))
		return error ? error : find_complete(r, type, depth);
	type->flags |= TYPE_WEAK;
	type->full =
		hash_words((uint64_t[]){ WORD_FULL | BTF_KIND_FWD, type->kind, type->name }, 3);
	if (!type->name)
		type->shallow = type->full;
	type->shallow_state = TOKEN_DONE;
	return add_class(r, type, 0, false);
}

static int find_scalar(struct recognizer *r, struct die_type *type)
{
	type->full = hash_words((uint64_t[]){ WORD_FULL | type->kind, type->name,
					      (uint64_t)type->size << 8 | type->flags },
				3);
	type->shallow = type->full;
	type->shallow_state = TOKEN_DONE;
	return add_class(r, type, 0, false);
}

/* Find or add the class of a prototype whose return type and parameters have the
 * shallow tokens that follow the header in @words: (name, token) pairs. */
static int add_proto(struct recognizer *r, const uint64_t *words, uint32_t pairs, bool varargs,
		     uint64_t first, type_token *ret)
{
	struct type_class class = {
		.full = hash_words(words, 1 + 2 * (size_t)pairs),
		.first = first,
		.item_count = pairs,
		.kind = BTF_KIND_FUNC_PROTO,
		.flags = varargs ? TYPE_VARARGS : 0,
	};
	struct class_item *items;
	uint32_t found;

	*ret = class.shallow = class.full;
	found = type_table_find_after(r->table, &r->last_class, class.full);
	if (found != UINT32_MAX)
		return class_list_add(&r->classes, found);
	if (!type_table_add(r->table, &class, &items))
		return -ENOMEM;
	for (uint32_t i = 0; i < pairs; i++)
		items[i] = (struct class_item){
			.name = words[1 + 2 * i],
			.token = words[2 + 2 * i],
			.is_shallow = true,
		};
	return class_list_add(&r->classes, r->table->class_count - 1);
}

static int find_proto(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	bool varargs = type->flags & TYPE_VARARGS;
	type_token token;
	uint64_t *words;
	size_t n = 0;
	int error = shallow_of(r, type->ref, depth, &token);

	FOR_EACH_ITEM(r, type, item)
	if (!error)
		error = shallow_of(r, item->ref, depth, &token);
	if (error)
		return error;
	words = get_scratch(r, 3 + 2 * (size_t)type->item_count);
	if (!words)
		return -ENOMEM;
	words[n++] = WORD_FULL | BTF_KIND_FUNC_PROTO | (varargs ? 0x100 : 0);
	words[n++] = 0;
	shallow_of(r, type->ref, depth, &words[n++]); /* ready now: no recursion */
	FOR_EACH_ITEM(r, type, item)
	{
		words[n++] = item->name;
		shallow_of(r, item->ref, depth, &words[n++]);
	}
	error = add_proto(r, words, 1 + type->item_count, varargs, first_of(r, type), &type->full);
	type->shallow = type->full;
	type->shallow_state = TOKEN_DONE;
	type->class_index = r->last_class; /* add_proto() found or added it */
	return error;
}

/* _Atomic and the like: no class of its own. */
static int find_alias(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	struct die_type *target = find_type(r, type->ref);
	int error = target ? find_full(r, target, depth + 1) : 0;

	if (!error && target)
		error = find_shallow(r, target, depth + 1);
	if (error)
		return error;
	type->full = target ? target->full : 0;
	type->shallow = target ? target->shallow : 0;
	type->flags |= target ? target->flags & TYPE_WEAK : 0;
	type->size = target ? target->size : 0;
	type->shallow_state = TOKEN_DONE;
	type->class_index = target ? target->class_index : UINT32_MAX;
	return 0;
}

static int find_full(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	int error;

	if (type->full_state == TOKEN_DONE)
		return 0;
	if (type->full_state == TOKEN_BUSY)
		return fail(r, type, "a type that contains itself");
	if (depth > DEPTH_MAXIMUM)
		return fail(r, type, "types nested more than 512 deep");
	type->full_state = TOKEN_BUSY;
	switch (type->kind) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		error = find_scalar(r, type);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
		error = find_composite(r, type, depth);
		break;
	case BTF_KIND_ARRAY:
		error = find_array(r, type, depth);
		break;
	case BTF_KIND_FUNC_PROTO:
		error = find_proto(r, type, depth);
		break;
	case KIND_ALIAS:
		error = find_alias(r, type, depth);
		break;
	case KIND_VOID:
		type->class_index = UINT32_MAX;
		error = 0;
		break;
	case BTF_KIND_PTR:
		error = find_pointer(r, type, depth);
		break;
	default:
		error = find_reference(r, type, depth);
		break;
	}
	type->full_state = TOKEN_DONE;
	return error;
}

/* --- shallow tokens ----------------------------------------------------------------------------- */

static int hash_shallow(struct recognizer *r, struct die_type *type, struct die_type *target,
			unsigned int depth)
{
	uint64_t words[4] = { WORD_SHALLOW | type->kind, type->name };
	int error;

	type->shallow_state = TOKEN_BUSY;
	error = target ? find_shallow(r, target, depth + 1) : 0;
	words[2] = shallow_target(r, type, target);
	words[3] = type->size; /* the component of a tag */
	type->shallow = hash_words(words, 4);
	type->shallow_state = error ? TOKEN_NEW : TOKEN_DONE;
	return error;
}

static int find_shallow(struct recognizer *r, struct die_type *type, unsigned int depth)
{
	uint64_t words[2] = { WORD_NAMED | type->kind, type->name };

	if (type->shallow_state == TOKEN_DONE)
		return 0;
	if (type->shallow_state == TOKEN_BUSY)
		return fail(r, type, "a type that refers to itself without a name");
	if (depth > DEPTH_MAXIMUM)
		return fail(r, type, "types nested more than 512 deep");
	switch (type->kind) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
		if (type->name) {
			type->shallow = hash_words(words, 2);
			type->shallow_state = TOKEN_DONE;
			return 0;
		}
		break;
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_PTR:
		return hash_shallow(r, type, find_target(r, type->ref), depth);
	}
	/* For the others the full token is the shallow one, or sets it on its way. */
	return find_full(r, type, depth);
}

/* --- a unit ------------------------------------------------------------------------------------- */

int recognize_types(struct recognizer *r)
{
	class_list_empty(&r->classes);
	for (uint32_t i = 0; i < r->reader->type_count; i++) {
		int error = find_full(r, &r->reader->types[i], 0);

		if (error)
			return error;
	}
	return 0;
}

int recognize_full(struct recognizer *r, uint32_t ref, type_token *ret)
{
	uint8_t flags = 0;

	return full_of(r, ref, 0, ret, &flags);
}

/* The words of a prototype; names are left out on demand. All types have their
 * tokens by now, so that nothing recurses. */
static uint64_t *proto_words(struct recognizer *r, uint32_t ret_ref, const struct die_item *params,
			     uint32_t count, bool varargs, bool names)
{
	uint64_t *words = get_scratch(r, 3 + 2 * (size_t)count);
	size_t n = 0;

	if (!words)
		return NULL;
	words[n++] = WORD_FULL | BTF_KIND_FUNC_PROTO | (varargs ? 0x100 : 0);
	words[n++] = 0;
	shallow_of(r, ret_ref, 0, &words[n++]);
	for (uint32_t i = 0; i < count; i++) {
		words[n++] = names ? params[i].name : 0;
		shallow_of(r, params[i].ref, 0, &words[n++]);
	}
	return words;
}

int recognize_proto(struct recognizer *r, uint32_t ret_ref, const struct die_item *params,
		    uint32_t count, bool varargs, uint64_t first, type_token *ret)
{
	const uint64_t *words = proto_words(r, ret_ref, params, count, varargs, true);

	return words ? add_proto(r, words, 1 + count, varargs, first, ret) : -ENOMEM;
}

int recognize_shape(struct recognizer *r, uint32_t ret_ref, const struct die_item *params,
		    uint32_t count, bool varargs, type_token *ret)
{
	const uint64_t *words = proto_words(r, ret_ref, params, count, varargs, false);

	if (!words)
		return -ENOMEM;
	*ret = hash_words(words, 3 + 2 * (size_t)count);
	return 0;
}

struct recognized_size recognize_size(const struct recognizer *r, uint32_t ref,
				      unsigned int pointer_size)
{
	const struct unit_reader *reader = r->reader;
	struct recognized_size size = { 0 };
	uint64_t elements = 1;

	for (int i = 0; i < 64; i++) {
		const struct die_type *type = find_from(r, reader, ref, &reader);

		if (!type)
			return size;
		switch (type->kind) {
		case BTF_KIND_PTR:
			size.bytes = elements * pointer_size;
			return size;
		case BTF_KIND_ARRAY:
			if (type->item_count > DIMENSIONS_MAXIMUM)
				return size;
			for (uint32_t k = type->first_item; k != ITEM_END;
			     k = reader->items[k].next)
				if (__builtin_mul_overflow(elements, reader->items[k].value,
							   &elements))
					return size;
			break;
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPEDEF:
		case KIND_ALIAS:
			break;
		default:
			size.is_struct = type->kind == BTF_KIND_STRUCT;
			if (__builtin_mul_overflow(elements, type->size, &size.bytes))
				size.bytes = 0;
			return size;
		}
		ref = type->ref;
	}
	return size;
}

int recognize_list(struct recognizer *r, const struct unit_reader *owner,
		   const struct die_type *type)
{
	uint32_t index = type->class_index;

	if (type->kind == BTF_KIND_PTR) /* its type tags */
		for (uint32_t i = type->first_item; i != ITEM_END; i = owner->items[i].next)
			if (class_list_add(&r->classes, (uint32_t)owner->items[i].value) < 0)
				return -ENOMEM;

	/* An array of arrays is several classes. */
	while (index != UINT32_MAX) {
		const struct type_class *class = &r->table->classes[index];

		if (class_list_add(&r->classes, index) < 0)
			return -ENOMEM;
		if (class->kind != BTF_KIND_ARRAY)
			break;
		index = type_table_find(r->table, r->table->items[class->first_item].token);
		if (index != UINT32_MAX && r->table->classes[index].kind != BTF_KIND_ARRAY)
			break;
	}
	return 0;
}
