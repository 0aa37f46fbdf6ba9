/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In what a pair of types differs, part by part. The hashes have said that it
 * does; where no part shows it (two anonymous structs written alike, two
 * definitions of one name) that is said too, so that nothing passes unseen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf-diff.h"
#include "btf/btf-text.h"
#include "core/cleanup.h"

/* Anonymous members are opened up to this depth, and in one comparison only so
 * often: crafted BTF could nest them to an exponential number. */
#define FLATTEN_DEPTH	16
#define FLATTEN_MAXIMUM (1u << 24)

/* Tell one change; the sentence is "<kind> <name>: <format>". */
__attribute__((format(printf, 6, 7))) static int tell(struct btf_explain *e, const char *aspect,
						      const char *part, const char *from,
						      const char *to, const char *format, ...)
{
	AUTO_FREE char *what = NULL;
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *full = NULL;
	struct btfpack_btf_change change = {
		.size = sizeof(change),
		.sort = BTFPACK_BTF_CHANGED,
		.kind = e->kind,
		.name = e->name,
		.aspect = aspect,
		.part = part,
		.from = from,
		.to = to,
	};
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&what, format, args);
	va_end(args);
	if (length < 0) {
		what = NULL;
		return -ENOMEM;
	}
	if (asprintf(&text, "%s %s: %s%.*s%s%s", btf_kind_name(e->kind), e->name,
		     e->path ? "in " : "", e->path ? (int)strlen(e->path) - 1 : 0,
		     e->path ? e->path : "", e->path ? ": " : "", what) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (e->path && asprintf(&full, "%s%s", e->path, part ? part : "") < 0) {
		full = NULL;
		return -ENOMEM;
	}
	change.part = full ? full : part;
	change.text = text;
	e->fn(&change, e->arg);
	e->told++;
	return 0;
}

/* UINT64_MAX: no size. */
static void format_number(uint64_t number, char ret[24])
{
	if (number == UINT64_MAX)
		strcpy(ret, "no");
	else
		snprintf(ret, 24, "%" PRIu64, number);
}

static int tell_number(struct btf_explain *e, const char *aspect, const char *part, uint64_t from,
		       uint64_t to, const char *what, const char *unit)
{
	char was[24], is[24];

	format_number(from, was);
	format_number(to, is);
	if (part)
		return tell(e, aspect, part, was, is, "%s %s %s → %s%s", aspect, part, was, is,
			    unit);
	return tell(e, aspect, NULL, was, is, "%s %s → %s%s", what, was, is, unit);
}

static const struct btf_type *type_a(const struct btf_explain *e, uint32_t id)
{
	return btf_view_type(e->a->view, id);
}

static const struct btf_type *type_b(const struct btf_explain *e, uint32_t id)
{
	return btf_view_type(e->b->view, id);
}

static bool is_same_ref(const struct btf_explain *e, uint32_t a, uint32_t b)
{
	return btf_hash_is_equal(e->a->hasher.refs[a], e->b->hasher.refs[b]);
}

/* The types at @a and @b differ: of the whole (@part NULL) or of a member or variable. */
static int tell_type(struct btf_explain *e, const char *aspect, const char *part, uint32_t a,
		     uint32_t b)
{
	char was[BTF_TEXT_SIZE], is[BTF_TEXT_SIZE];
	const char *subject = part ? part : "type", *word = part ? aspect : "";
	const char *space = part ? " " : "";

	btf_text(e->a->view, a, NULL, was);
	btf_text(e->b->view, b, NULL, is);
	if (strcmp(was, is))
		return tell(e, part ? aspect : "type", part, was, is, "%s%s%s%s %s → %s", word,
			    space, subject, part ? " type" : "", was, is);
	return tell(e, "reference", part, was, is,
		    "%s%s%s is another '%s': the name or the brackets stand for different types",
		    word, space, subject, was);
}

/* --- lists matched by name ------------------------------------------------------------------------ */

#define NO_MATE UINT32_MAX

struct row {
	const char *name;
	uint32_t index; /* in its list */
	uint32_t mate;	/* index in the other's list, or NO_MATE */
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : (*x)->index < (*y)->index ? -1 : 1;
}

static struct row **sort_rows(struct row *rows, uint32_t count)
{
	struct row **sorted = malloc((count + 1) * sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, count, sizeof(*sorted), compare_rows);
	return sorted;
}

/* Find each row's mate: the same name, the first to the first where it repeats. */
static int match_rows(struct row *a, uint32_t in_a, struct row *b, uint32_t in_b)
{
	AUTO_FREE struct row **sorted_a = sort_rows(a, in_a);
	AUTO_FREE struct row **sorted_b = sort_rows(b, in_b);
	uint32_t i = 0, j = 0;

	if (!sorted_a || !sorted_b)
		return -ENOMEM;
	while (i < in_a && j < in_b) {
		int order = strcmp(sorted_a[i]->name, sorted_b[j]->name);

		if (!order) {
			sorted_a[i]->mate = sorted_b[j]->index;
			sorted_b[j]->mate = sorted_a[i]->index;
		}
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

/* --- structs and unions --------------------------------------------------------------------------- */

/* A member as a program names it: those of anonymous members are the outer type's. */
struct leaf {
	uint32_t type;
	uint64_t bit_offset;
	uint32_t bit_width; /* 0: not a bitfield */
	uint64_t size;	    /* bytes, UINT64_MAX: none */
};

struct leaves {
	struct leaf *leaves;
	struct row *rows;
	uint32_t count, room;
};

static void leaves_deinit(struct leaves *l)
{
	free(l->leaves);
	free(l->rows);
}

static int add_leaf(struct leaves *l, const char *name, struct leaf leaf)
{
	if (l->count == l->room) {
		uint32_t room = l->room ? l->room * 2 : 32;
		struct leaf *leaves = realloc(l->leaves, room * sizeof(*leaves));
		struct row *rows;

		if (!leaves)
			return -ENOMEM;
		l->leaves = leaves;
		rows = realloc(l->rows, room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		l->rows = rows;
		l->room = room;
	}
	l->rows[l->count] = (struct row){ .name = name, .index = l->count, .mate = NO_MATE };
	l->leaves[l->count++] = leaf;
	return 0;
}

static int flatten(struct btf_explain *e, const struct btf_diff_side *s, uint32_t id,
		   uint64_t bit_offset, int depth, struct leaves *l)
{
	const struct btf_type *t = btf_view_type(s->view, id);
	int error = 0;

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		struct btf_bits bits = btf_view_member_bits(s->view, t, m);
		struct leaf leaf = {
			.type = m->type,
			.bit_offset = bit_offset + bits.offset,
			.bit_width = bits.width,
		};
		const char *name = btf_view_string(s->view, m->name_off);
		uint32_t inner = btf_view_skip_modifiers(s->view, m->type);

		if (!*name && btf_kind_is_composite(btf_type_kind(btf_view_type(s->view, inner))) &&
		    depth < FLATTEN_DEPTH && e->opened < FLATTEN_MAXIMUM) {
			e->opened += btf_type_vlen(btf_view_type(s->view, inner)) + 1;
			error = flatten(e, s, inner, leaf.bit_offset, depth + 1, l);
			continue;
		}
		if (btf_view_size(s->view, m->type, s->hasher.pointer_size, &leaf.size) < 0)
			leaf.size = UINT64_MAX;
		error = add_leaf(l, name, leaf);
	}
	return error;
}

/* Where a member lies: bytes where it starts on one and is no bitfield. */
static const char *place(const struct leaf *leaf, bool bits, char ret[24])
{
	if (bits)
		snprintf(ret, 24, "%" PRIu64, leaf->bit_offset);
	else
		snprintf(ret, 24, "%" PRIu64, leaf->bit_offset / 8);
	return ret;
}

static bool is_in_bits(const struct leaf *leaf)
{
	return leaf->bit_width || leaf->bit_offset % 8;
}

static int explain_composite(struct btf_explain *e, uint32_t id_a, uint32_t id_b);

/* The anonymous composites behind two types, through qualifiers. */
static bool find_bodies(const struct btf_explain *e, uint32_t *a, uint32_t *b)
{
	const struct btf_type *x, *y;

	*a = btf_view_skip_modifiers(e->a->view, *a);
	*b = btf_view_skip_modifiers(e->b->view, *b);
	x = type_a(e, *a);
	y = type_b(e, *b);
	return btf_kind_is_composite(btf_type_kind(x)) && btf_type_kind(x) == btf_type_kind(y) &&
	       !*btf_view_name(e->a->view, x) && !*btf_view_name(e->b->view, y);
}

/* "struct { ... } raw": what differs are raw's members. */
static int explain_type(struct btf_explain *e, const char *name, uint32_t a, uint32_t b)
{
	uint32_t body_a = a, body_b = b, told = e->told;
	struct btf_explain inner = *e;
	AUTO_FREE char *path = NULL;
	int error;

	if (e->depth == FLATTEN_DEPTH || e->opened >= FLATTEN_MAXIMUM || !*name ||
	    !find_bodies(e, &body_a, &body_b))
		return tell_type(e, "member", name, a, b);
	if (asprintf(&path, "%s%s.", e->path ? e->path : "", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	inner.path = path;
	inner.depth++;
	inner.opened += btf_type_vlen(type_a(e, body_a)) + btf_type_vlen(type_b(e, body_b)) + 1;
	error = explain_composite(&inner, body_a, body_b);
	e->told = inner.told;
	e->opened = inner.opened;
	return error || e->told != told ? error : tell_type(e, "member", name, a, b);
}

static int explain_leaves(struct btf_explain *e, const char *name, const struct leaf *a,
			  const struct leaf *b)
{
	bool bits = is_in_bits(a) || is_in_bits(b);
	char was[24], is[24];
	int error = 0;

	place(a, bits, was);
	place(b, bits, is);
	if (a->bit_offset != b->bit_offset)
		error = tell(e, "member", name, was, is, "member %s moved %s → %s %s", name, was,
			     is, bits ? "bits" : "bytes");
	if (!error && a->bit_width != b->bit_width)
		error = tell_number(e, "member", name, a->bit_width, b->bit_width, NULL,
				    " bits wide (0: no bitfield)");
	if (!error && !is_same_ref(e, a->type, b->type))
		error = explain_type(e, name, a->type, b->type);
	else if (!error && a->size != b->size)
		error = tell_number(e, "member", name, a->size, b->size, NULL,
				    " bytes long");
	return error;
}

static int tell_lone_leaf(struct btf_explain *e, const struct btf_diff_side *s, const char *name,
			  const struct leaf *leaf)
{
	bool removed = s == e->a, bits = is_in_bits(leaf);
	char text[BTF_TEXT_SIZE], at[24];

	btf_text(s->view, leaf->type, name, text);
	return tell(e, "member", name, removed ? text : NULL, removed ? NULL : text,
		    "member %s %s (%s, at %s %s)", *name ? name : "(unnamed)",
		    removed ? "removed" : "added", text, place(leaf, bits, at),
		    bits ? "bits" : "bytes");
}

/* Mate members without one that lie at the same place with the same type: renamed. */
static void match_renamed(const struct btf_explain *e, struct leaves *a, struct leaves *b)
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		const struct leaf *x = &a->leaves[i], *y;

		if (a->rows[i].mate != NO_MATE)
			continue;
		/* Members of a struct come by rising offset; in a union we miss some. */
		while (j < b->count && (b->rows[j].mate != NO_MATE ||
					b->leaves[j].bit_offset < x->bit_offset))
			j++;
		if (j == b->count)
			return;
		y = &b->leaves[j];
		if (x->bit_offset == y->bit_offset && x->bit_width == y->bit_width &&
		    is_same_ref(e, x->type, y->type) && *a->rows[i].name && *b->rows[j].name) {
			a->rows[i].mate = j;
			b->rows[j].mate = i;
		}
	}
}

static int explain_members(struct btf_explain *e, struct leaves *a, struct leaves *b)
{
	int error = match_rows(a->rows, a->count, b->rows, b->count);

	if (error)
		return error;
	match_renamed(e, a, b);
	for (uint32_t i = 0; !error && i < a->count; i++) {
		const struct row *row = &a->rows[i];
		const char *other = row->mate == NO_MATE ? NULL : b->rows[row->mate].name;

		if (!other) {
			error = tell_lone_leaf(e, e->a, row->name, &a->leaves[i]);
			continue;
		}
		if (strcmp(row->name, other))
			error = tell(e, "member", row->name, row->name, other,
				     "member %s renamed %s", row->name, other);
		if (!error)
			error = explain_leaves(e, row->name, &a->leaves[i], &b->leaves[row->mate]);
	}
	for (uint32_t i = 0; !error && i < b->count; i++)
		if (b->rows[i].mate == NO_MATE)
			error = tell_lone_leaf(e, e->b, b->rows[i].name, &b->leaves[i]);
	return error;
}

static int explain_composite(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	CLEANUP(leaves_deinit) struct leaves a = { 0 };
	CLEANUP(leaves_deinit) struct leaves b = { 0 };
	const struct btf_type *x = type_a(e, id_a), *y = type_b(e, id_b);
	int error = 0;

	if (x->size != y->size)
		error = tell_number(e, "size", NULL, x->size, y->size, "size", " bytes");
	if (!error)
		error = flatten(e, e->a, id_a, 0, 0, &a);
	if (!error)
		error = flatten(e, e->b, id_b, 0, 0, &b);
	return error ? error : explain_members(e, &a, &b);
}

/* --- enums ---------------------------------------------------------------------------------------- */

static struct row *list_values(const struct btf_view *view, const struct btf_type *t)
{
	bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;
	struct row *rows = malloc((btf_type_vlen(t) + 1) * sizeof(*rows));

	for (uint32_t i = 0; rows && i < btf_type_vlen(t); i++)
		rows[i] = (struct row){
			.name = btf_view_string(view, wide ? btf_type_enums64(t)[i].name_off :
							     btf_type_enums(t)[i].name_off),
			.index = i,
			.mate = NO_MATE,
		};
	return rows;
}

static void format_value(const struct btf_type *t, uint32_t index, char ret[24])
{
	int64_t value = btf_type_enum_value(t, index);

	if (btf_type_kflag(t))
		snprintf(ret, 24, "%" PRId64, value);
	else
		snprintf(ret, 24, "%" PRIu64, (uint64_t)value);
}

static bool is_same_value(const struct btf_explain *e, const struct btf_type *a, uint32_t i,
			  const struct btf_type *b, uint32_t j)
{
	int64_t x = btf_type_enum_value(a, i), y = btf_type_enum_value(b, j);

	return e->opts->ignore_enum64 ? (uint32_t)x == (uint32_t)y : x == y;
}

static int explain_values(struct btf_explain *e, const struct btf_type *a, const struct btf_type *b)
{
	AUTO_FREE struct row *rows_a = list_values(e->a->view, a);
	AUTO_FREE struct row *rows_b = list_values(e->b->view, b);
	char was[24], is[24];
	int error;

	if (!rows_a || !rows_b)
		return -ENOMEM;
	error = match_rows(rows_a, btf_type_vlen(a), rows_b, btf_type_vlen(b));
	for (uint32_t i = 0; !error && i < btf_type_vlen(a); i++) {
		uint32_t mate = rows_a[i].mate;

		format_value(a, i, was);
		if (mate == NO_MATE) {
			error = tell(e, "value", rows_a[i].name, was, NULL,
				     "value %s removed (%s)", rows_a[i].name, was);
		} else if (!is_same_value(e, a, i, b, mate)) {
			format_value(b, mate, is);
			error = tell(e, "value", rows_a[i].name, was, is, "value %s %s → %s",
				     rows_a[i].name, was, is);
		}
	}
	for (uint32_t i = 0; !error && i < btf_type_vlen(b); i++) {
		format_value(b, i, is);
		if (rows_b[i].mate == NO_MATE)
			error = tell(e, "value", rows_b[i].name, NULL, is, "value %s added (%s)",
				     rows_b[i].name, is);
	}
	return error;
}

static int explain_enum(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	const struct btf_type *a = type_a(e, id_a), *b = type_b(e, id_b);
	const char *was = btf_type_kflag(a) ? "signed" : "unsigned";
	const char *is = btf_type_kflag(b) ? "signed" : "unsigned";
	int error = 0;

	if (a->size != b->size)
		error = tell_number(e, "size", NULL, a->size, b->size, "size", " bytes");
	if (!error && btf_type_kind(a) != btf_type_kind(b) && !e->opts->ignore_enum64)
		error = tell(e, "kind", NULL, btf_kind_name(btf_type_kind(a)),
			     btf_kind_name(btf_type_kind(b)), "kind %s → %s",
			     btf_kind_name(btf_type_kind(a)), btf_kind_name(btf_type_kind(b)));
	if (!error && strcmp(was, is) && !e->opts->ignore_enum64)
		error = tell(e, "encoding", NULL, was, is, "encoding %s → %s", was, is);
	return error ? error : explain_values(e, a, b);
}

/* --- functions, variables, sections, scalars ------------------------------------------------------ */

static const char *linkage_name(uint32_t linkage)
{
	static const char *const names[] = { "static", "global", "extern" };

	return linkage < ARRAY_SIZE(names) ? names[linkage] : "unknown";
}

static int explain_linkage(struct btf_explain *e, uint32_t a, uint32_t b)
{
	return a == b ? 0 :
			tell(e, "linkage", NULL, linkage_name(a), linkage_name(b),
			     "linkage %s → %s", linkage_name(a), linkage_name(b));
}

static int explain_func(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	const struct btf_type *a = type_a(e, id_a), *b = type_b(e, id_b);
	char was[BTF_TEXT_SIZE], is[BTF_TEXT_SIZE];
	int error = explain_linkage(e, btf_type_vlen(a), btf_type_vlen(b));

	if (error || is_same_ref(e, a->type, b->type))
		return error;
	btf_text(e->a->view, a->type, e->name, was);
	btf_text(e->b->view, b->type, e->name, is);
	if (!strcmp(was, is))
		return tell_type(e, "prototype", NULL, a->type, b->type);
	return tell(e, "prototype", NULL, was, is, "prototype %s → %s", was, is);
}

static int explain_var(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	const struct btf_type *a = type_a(e, id_a), *b = type_b(e, id_b);
	int error = explain_linkage(e, btf_type_var(a)->linkage, btf_type_var(b)->linkage);

	if (error || is_same_ref(e, a->type, b->type))
		return error;
	return tell_type(e, "type", NULL, a->type, b->type);
}

static int explain_int(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	const struct btf_type *a = type_a(e, id_a), *b = type_b(e, id_b);
	uint32_t x = btf_type_int_encoding(a), y = btf_type_int_encoding(b);
	char was[24], is[24];
	int error = 0;

	if (a->size != b->size)
		error = tell_number(e, "size", NULL, a->size, b->size, "size", " bytes");
	if (error || x == y)
		return error;
	snprintf(was, sizeof(was), "%#x", x);
	snprintf(is, sizeof(is), "%#x", y);
	return tell(e, "encoding", NULL, was, is, "encoding (flags, offset, bits) %s → %s", was, is);
}

static int explain_float(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	return tell_number(e, "size", NULL, type_a(e, id_a)->size, type_b(e, id_b)->size, "size",
			   " bytes");
}

static int explain_typedef(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	uint32_t a = type_a(e, id_a)->type, b = type_b(e, id_b)->type;
	const struct btf_type *x = type_a(e, a), *y = type_b(e, b);
	unsigned int kind = btf_type_kind(x);

	/* "typedef struct { ... } foo": the body is the typedef's own. */
	if (!*btf_view_name(e->a->view, x) && !*btf_view_name(e->b->view, y)) {
		if (btf_kind_is_composite(kind) && kind == btf_type_kind(y))
			return explain_composite(e, a, b);
		if (btf_kind_is_enum(kind) && btf_kind_is_enum(btf_type_kind(y)))
			return explain_enum(e, a, b);
	}
	return is_same_ref(e, a, b) ? 0 : tell_type(e, "type", NULL, a, b);
}

static struct row *list_variables(const struct btf_view *view, const struct btf_type *t)
{
	struct row *rows = malloc((btf_type_vlen(t) + 1) * sizeof(*rows));

	for (uint32_t i = 0; rows && i < btf_type_vlen(t); i++)
		rows[i] = (struct row){
			.name = btf_view_name(view, btf_view_type(view, btf_type_secinfos(t)[i].type)),
			.index = i,
			.mate = NO_MATE,
		};
	return rows;
}

static int explain_place(struct btf_explain *e, const char *name, const struct btf_var_secinfo *a,
			 const struct btf_var_secinfo *b)
{
	int error = 0;

	if (a->size != b->size)
		error = tell_number(e, "variable", name, a->size, b->size, NULL, " bytes long");
	if (!error && e->opts->offsets && a->offset != b->offset)
		error = tell(e, "variable", name, "", "", "variable %s moved %u → %u bytes", name,
			     a->offset, b->offset);
	return error;
}

static int explain_section(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	const struct btf_type *a = type_a(e, id_a), *b = type_b(e, id_b);
	AUTO_FREE struct row *rows_a = list_variables(e->a->view, a);
	AUTO_FREE struct row *rows_b = list_variables(e->b->view, b);
	int error;

	if (!rows_a || !rows_b)
		return -ENOMEM;
	error = match_rows(rows_a, btf_type_vlen(a), rows_b, btf_type_vlen(b));
	if (!error && e->opts->offsets && a->size != b->size)
		error = tell_number(e, "size", NULL, a->size, b->size, "size", " bytes");
	for (uint32_t i = 0; !error && i < btf_type_vlen(a); i++) {
		const char *name = rows_a[i].name;

		if (rows_a[i].mate == NO_MATE)
			error = tell(e, "variable", name, name, NULL, "variable %s removed", name);
		else
			error = explain_place(e, name, &btf_type_secinfos(a)[i],
					      &btf_type_secinfos(b)[rows_a[i].mate]);
	}
	for (uint32_t i = 0; !error && i < btf_type_vlen(b); i++)
		if (rows_b[i].mate == NO_MATE)
			error = tell(e, "variable", rows_b[i].name, NULL, rows_b[i].name,
				     "variable %s added", rows_b[i].name);
	return error;
}

int btf_explain_pair(struct btf_explain *e, uint32_t id_a, uint32_t id_b)
{
	static int (*const by_kind[BTFPACK_BTF_KINDS])(struct btf_explain *, uint32_t, uint32_t) = {
		[BTF_KIND_STRUCT] = explain_composite, [BTF_KIND_UNION] = explain_composite,
		[BTF_KIND_ENUM] = explain_enum,	       [BTF_KIND_TYPEDEF] = explain_typedef,
		[BTF_KIND_INT] = explain_int,	       [BTF_KIND_FLOAT] = explain_float,
		[BTF_KIND_FUNC] = explain_func,	       [BTF_KIND_VAR] = explain_var,
		[BTF_KIND_DATASEC] = explain_section,
	};
	int error = by_kind[e->kind] ? by_kind[e->kind](e, id_a, id_b) : 0;

	if (error || e->told)
		return error;
	return tell(e, "reference", NULL, NULL, NULL,
		    "same names and places, but not the same types behind them");
}
