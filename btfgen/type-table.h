/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types recognised by what they are. This is what stands in place of "collect
 * everything, deduplicate at the end": every unit of a kernel repeats the same
 * few thousand types, so each type is reduced, as it is read, to a 64-bit token
 * of its content, and only the first of a token is kept.
 *
 * Two tokens a type:
 *
 *   full     everything about it: names, sizes, members with their offsets, and
 *            the full tokens of what is embedded. What a pointer points at goes
 *            in by its shallow token, so the recursion ends where C's does.
 *   shallow  the same, but a struct, union or enum that has a name counts by its
 *            name alone, complete or not. A "struct foo *" of a unit that sees
 *            only "struct foo;" is the same pointer as elsewhere.
 *
 * A pointer's type tags (btf_type_tag) are classes of their own between it and its
 * target, which they see as it does; a btf_decl_tag of a type is a class that refers
 * to it, as a typedef does.
 *
 * A *class* is all types of one full token; a *group* all classes of one shallow
 * token. Most groups have one class. A group has several when the same name means
 * different things in different units (then pointers into the group need telling
 * apart, which type-graph does), or when one of them is *weak*: a declaration, or
 * a const, typedef or array of one, which gives way to the complete one.
 *
 * Tokens are XXH3 over the content, so two different types collide with
 * probability about n²/2⁶⁵: for the 200,000 classes of a kernel, 1 in 10⁹.
 */
#ifndef BTFGEN_TYPE_TABLE_H
#define BTFGEN_TYPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btfgen/dwarf-unit.h"

typedef uint64_t type_token; /* 0 is void */

struct type_class {
	type_token full, shallow;
	uint64_t first; /* lowest offset in .debug_info at which it stands */
	dwarf_name name;
	uint32_t size;       /* bytes; elements of an array */
	uint32_t first_item; /* index into the table's items */
	uint32_t item_count;
	uint8_t kind;      /* BTF_KIND_* */
	uint8_t flags;     /* TYPE_* */
};

/* What a class refers to, in order: its members, parameters (the return type
 * first), enumerators; one item for a pointer, modifier, typedef or array. */
struct class_item {
	dwarf_name name;
	type_token token; /* full, or shallow when @is_shallow */
	uint64_t value;   /* bit offset; the enumerator */
	uint16_t bits;    /* width of a bitfield */
	bool is_shallow;
	bool is_negative; /* enumerator below zero */
};

/* What type_table_find_after() looks at: small, so that a run of guesses stays in few
 * cache lines. The followers are the two classes asked for after this one last. */
struct type_probe {
	type_token full;
	uint32_t follower, other_follower;
};

struct type_table {
	struct type_class *classes;
	struct type_probe *probes; /* one a class */
	uint32_t class_count, class_room;
	struct class_item *items;
	uint32_t item_count, item_room;
	uint64_t *slots; /* by hash: upper half of the token and index + 1; 0 is free */
	uint32_t slot_count;
};

void type_table_deinit(struct type_table *table);

/* The class of @full; UINT32_MAX when there is none. */
uint32_t type_table_find(const struct type_table *table, type_token full);

/* The same, asked for right after the class *@last, which the answer replaces. Units
 * include the same headers, so what came after a class mostly comes after it again:
 * a guess that costs one look, in memory that is read in order. */
uint32_t type_table_find_after_slow(struct type_table *table, uint32_t *last, type_token full);
static inline uint32_t type_table_find_after(struct type_table *table, uint32_t *last,
					     type_token full)
{
	if (*last < table->class_count) {
		uint32_t found = table->probes[*last].follower;

		if (found < table->class_count && table->probes[found].full == full)
			return *last = found;
	}
	return type_table_find_after_slow(table, last, full);
}

/* Add a class that is not there, with room for its items (which the caller fills
 * at once). NULL when out of memory. */
struct type_class *type_table_add(struct type_table *table, const struct type_class *class,
				  struct class_item **items_ret);

/* Add to @table all classes of @other; class i of @other becomes *(map + i). */
int type_table_merge(struct type_table *table, const struct type_table *other, uint32_t *map);

/* --- lists of classes ----------------------------------------------------------------------------- */

/* The classes of a unit, table indices in order, repeats included. Units repeat the same
 * headers, and so the same classes in the same order: runs of 7 on average. */
struct class_run {
	uint32_t first, count;
};

struct class_list {
	struct class_run *runs;
	uint32_t run_count, run_room;
	uint64_t count; /* of classes */
};

/* Append a class, a run. 0 or -ENOMEM. */
int class_list_add_run(struct class_list *list, struct class_run run);
static inline int class_list_add(struct class_list *list, uint32_t class_index)
{
	struct class_run *last = list->run_count ? &list->runs[list->run_count - 1] : NULL;

	if (!last || last->first + last->count != class_index)
		return class_list_add_run(list, (struct class_run){ class_index, 1 });
	last->count++;
	list->count++;
	return 0;
}
/* Make @list, which has nothing, @a followed by @b, in no more memory than it takes. */
int class_list_join(struct class_list *list, const struct class_list *a,
		    const struct class_list *b);
void class_list_empty(struct class_list *list); /* which keeps its room */
void class_list_deinit(struct class_list *list);

/* (An empty list may be NULL, which C lets nobody add 0 to.) */
#define FOR_EACH_RUN(list, run)                                                                    \
	for (const struct class_run *run = (list)->runs,                                           \
				    *run##_end = run ? run + (list)->run_count : run;              \
	     run < run##_end; run++)
#define FOR_EACH_CLASS(list, c)     \
	FOR_EACH_RUN(list, c##_run) \
	for (uint32_t c = c##_run->first; c < c##_run->first + c##_run->count; c++)

/* --- recognition ------------------------------------------------------------------------------ */

struct type_pool; /* type-pool.h */

struct recognizer {
	struct unit_reader *reader;
	struct type_table *table;
	const struct type_pool *pool; /* where foreign references lead; may be NULL */
	uint64_t *scratch;
	size_t scratch_room, scratch_used;
	uint32_t last_class; /* found or added last */
	struct class_list classes; /* of this unit */
	uint64_t first_bias; /* added to offsets: supplementary files come after */
	bool has_strays;     /* a type was referred to that is in no pool */
	const char *problem; /* set when it failed */
	uint32_t problem_at; /* offset of the DIE, from the reader's base */
};

/* Give every type in the reader its tokens and its class, and list the classes
 * anew. 0, -ENOMEM, -EBADMSG (a type that contains itself, or nested beyond reason). */
int recognize_types(struct recognizer *r);

/* Note that the unit has the classes of this type of @owner, whose table is @r's. */
int recognize_list(struct recognizer *r, const struct unit_reader *owner,
		   const struct die_type *type);

/* The full token of the type at @ref, after recognize_types(). */
int recognize_full(struct recognizer *r, uint32_t ref, type_token *ret);

/* The class of a function prototype with the given return type and parameters
 * (their names count), after recognize_types(). */
int recognize_proto(struct recognizer *r, uint32_t ret_ref, const struct die_item *params,
		    uint32_t count, bool varargs, uint64_t first, type_token *ret);

/* The same without a class: equal for prototypes that differ in names alone. */
int recognize_shape(struct recognizer *r, uint32_t ret_ref, const struct die_item *params,
		    uint32_t count, bool varargs, type_token *ret);

/* Note that @ref was found neither in the unit nor in the pool: if it leads into
 * another unit, all units need to be in the pool (gcc's LTO has functions and
 * variables whose names and types stand in another unit). */
void recognize_note_stray(struct recognizer *r, uint32_t ref);

/* How large a value of the type at @ref is: 0 bytes when nothing is known. */
struct recognized_size {
	uint64_t bytes;
	bool is_struct;
};
struct recognized_size recognize_size(const struct recognizer *r, uint32_t ref,
				      unsigned int pointer_size);

void recognizer_deinit(struct recognizer *r);

#endif
