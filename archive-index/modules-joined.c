/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/modules-joined.h"
#include "archive-index/types-image.h"
#include "btf/btf-build.h"
#include "core/buf.h"
#include "core/grow.h"

#define MARK	     "module " /* begins no name in C */
#define TYPE_MAXIMUM ((size_t)1 << 20) /* bytes: 65,535 items of 12 */

static int no_memory(const char *name, struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
}

/* What word @i of a type of this shape holds. */
static enum word word_at(const struct shape *shape, size_t i)
{
	if (i < 3)
		return i == 0 ? WORD_STRING : i == 1 ? WORD_PLAIN : shape->reference;
	return shape->item[(i - 3) % shape->words];
}

/* Copy a type into @buf, in place of what was there, and give each word that is a name
 * or a type to @fn to be changed. -EBADMSG: a type without shape. */
typedef int (*word_fn)(enum word what, uint32_t *word, void *arg);

static int copy_type(struct buf *buf, const struct btf_type *t, word_fn fn, void *arg)
{
	const struct shape *shape = shape_of(btf_type_kind(t));
	uint32_t *words;
	int error;

	if (!shape)
		return -EBADMSG;
	buf->size = 0;
	error = buf_add(buf, t, sizeof(*t) + (size_t)btf_trailing_size(t));
	words = (uint32_t *)buf->data;
	for (size_t i = 0; !error && i < buf->size / sizeof(*words); i++)
		if (word_at(shape, i) != WORD_PLAIN)
			error = fn(word_at(shape, i), &words[i], arg);
	return error;
}

/* --- joining ------------------------------------------------------------------------------------ */

/* From a module's numbers to those of all. */
struct joining {
	struct btf_build *build;
	const struct btf_view *module;
	uint32_t shift; /* of the module's own ids */
};

static int join_word(enum word what, uint32_t *word, void *arg)
{
	const struct joining *j = arg;

	if (what == WORD_STRING)
		return btf_build_string(j->build, btf_view_string(j->module, *word), word);
	if (*word >= j->module->first_id)
		*word += j->shift;
	return 0;
}

static int add_mark(struct btf_build *build, const char *name)
{
	AUTO_BUF struct buf mark = BUF_INIT(4096);
	struct btf_type t = { .info = btf_info(BTF_KIND_FWD, 0, false) };
	int error = buf_add_format(&mark, MARK "%s", name);

	if (!error)
		error = btf_build_string(build, buf_string(&mark), &t.name_off);
	return error ? error : btf_build_type(build, &t, NULL, NULL);
}

static int join_module(struct btf_build *build, const struct btf_view *view, struct buf *buf)
{
	struct joining j = { build, view, btf_build_next_id(build) - view->first_id };
	int error = 0;

	for (uint32_t id = view->first_id; !error && id < view->end_id; id++) {
		const struct btf_type *t;

		error = copy_type(buf, btf_view_type(view, id), join_word, &j);
		t = (const struct btf_type *)buf->data;
		if (!error)
			error = btf_build_type(build, t, t + 1, NULL);
	}
	return error;
}

/* The sections of a BTF as they stand in its bytes. A view has checked them. */
static void find_sections(const struct btfpack_blob *btf, bool other_order,
			  struct btfpack_blob *types, struct btfpack_blob *strings)
{
	uint32_t words[5];
	uint8_t *start = btf->data;

	memcpy(words, start + 4, sizeof(words));
	for (size_t i = 0; other_order && i < ARRAY_SIZE(words); i++)
		words[i] = bswap_32(words[i]);
	*types = (struct btfpack_blob){ start + words[0] + words[1], words[2] };
	*strings = (struct btfpack_blob){ start + words[0] + words[3], words[4] };
}

static void put_word(uint8_t *at, uint32_t word, bool other_order)
{
	word = other_order ? bswap_32(word) : word;
	memcpy(at, &word, sizeof(word));
}

/* @top, split BTF on @base, and that as one that stands alone. */
static int glue(const struct btfpack_blob *base, const struct btfpack_blob *top, bool other_order,
		struct btfpack_blob *ret)
{
	struct btfpack_blob types[2], strings[2];
	uint64_t type_size, string_size;
	uint8_t *at;

	find_sections(base, other_order, &types[0], &strings[0]);
	find_sections(top, other_order, &types[1], &strings[1]);
	type_size = (uint64_t)types[0].size + types[1].size;
	string_size = (uint64_t)strings[0].size + strings[1].size;
	if (type_size + string_size + BTF_HEADER_SIZE > BTFPACK_ARCHIVE_BTF_MAX)
		return -EFBIG;
	at = malloc(BTF_HEADER_SIZE + type_size + string_size);
	if (!at)
		return -ENOMEM;
	*ret = (struct btfpack_blob){ at, BTF_HEADER_SIZE + type_size + string_size };
	memcpy(at, base->data, 4); /* magic, version, flags */
	put_word(at + 4, BTF_HEADER_SIZE, other_order);
	put_word(at + 8, 0, other_order);
	put_word(at + 12, (uint32_t)type_size, other_order);
	put_word(at + 16, (uint32_t)type_size, other_order);
	put_word(at + 20, (uint32_t)string_size, other_order);
	at = mempcpy(at + BTF_HEADER_SIZE, types[0].data, types[0].size);
	at = mempcpy(at, types[1].data, types[1].size);
	at = mempcpy(at, strings[0].data, strings[0].size);
	memcpy(at, strings[1].data, strings[1].size);
	return 0;
}

/* -EBADMSG is for the module, and said; all else for the caller to say. */
static int join_all(const struct btf_view *base, const struct btfpack_module_btf *modules,
		    size_t count, const char *name, struct btfpack_blob *ret,
		    struct btfpack_error *err)
{
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	AUTO_BUF struct buf buf = BUF_INIT(TYPE_MAXIMUM);
	int error = btf_build_new(base, &build);

	for (size_t i = 0; !error && i < count; i++) {
		AUTO_BTF_VIEW struct btf_view view = { 0 };
		char what[320];

		snprintf(what, sizeof(what), "module %.100s of %.200s", modules[i].name, name);
		error = btf_view_init(&view, modules[i].btf.data, modules[i].btf.size, base, what,
				      err);
		if (error == -EBADMSG || error == -EOPNOTSUPP)
			break;
		if (!error && view.other_order != base->other_order)
			error = btfpack_error_set(err, -EBADMSG,
						  "%s: another byte order than its vmlinux's", what);
		if (!error)
			error = add_mark(build, modules[i].name);
		if (!error)
			error = join_module(build, &view, &buf);
	}
	return error ? error : btf_build_finish(build, base->other_order, ret);
}

/* --- taking apart -------------------------------------------------------------------------------- */

/* From the numbers of all to a module's. */
struct splitting {
	const struct btf_view *view;
	const struct modules_base *base;
	uint32_t first, end; /* the module's ids */
	uint32_t *places;    /* by offset behind the base's strings: of the module's, plus 1 */
	struct buf types, strings;
	struct buf used; /* which of @places are set */
};

/* The place of a name that is not the base's among the module's own. */
static int split_string(struct splitting *s, uint32_t *word)
{
	uint32_t *place = &s->places[*word - s->base->strings];
	const char *text = btf_view_string(s->view, *word);
	int error = 0;

	if (!*place) {
		uint32_t at = *word;

		*place = (uint32_t)s->strings.size + 1;
		error = buf_add(&s->used, &at, sizeof(at));
		if (!error)
			error = buf_add(&s->strings, text, strlen(text) + 1);
	}
	*word = s->base->strings + *place - 1;
	return error;
}

static int split_word(enum word what, uint32_t *word, void *arg)
{
	struct splitting *s = arg;

	if (what == WORD_STRING)
		return *word < s->base->strings ? 0 : split_string(s, word);
	if (*word < s->base->types)
		return 0;
	if (*word < s->first || *word >= s->end)
		return -EBADMSG; /* another module's */
	*word -= s->first - s->base->types;
	return 0;
}

static void forget_places(struct splitting *s)
{
	const uint32_t *used = (const uint32_t *)s->used.data;

	for (size_t i = 0; i < s->used.size / sizeof(*used); i++)
		s->places[used[i] - s->base->strings] = 0;
	s->used.size = s->types.size = s->strings.size = 0;
}

static void splitting_deinit(struct splitting *s)
{
	buf_deinit(&s->types);
	buf_deinit(&s->strings);
	buf_deinit(&s->used);
	free(s->places);
}

/* Header, types, strings; in the byte order of the joined BTF. */
static int write_module(const struct splitting *s, struct btfpack_blob *ret)
{
	struct btf_header header = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = BTF_HEADER_SIZE,
		.type_len = (uint32_t)s->types.size, .str_off = (uint32_t)s->types.size,
		.str_len = (uint32_t)s->strings.size,
	};
	size_t size = BTF_HEADER_SIZE + s->types.size + s->strings.size;
	uint32_t *words = malloc(size);

	if (!words)
		return -ENOMEM;
	*ret = (struct btfpack_blob){ words, size };
	memcpy(words, &header, BTF_HEADER_SIZE);
	if (s->types.size)
		memcpy((uint8_t *)words + BTF_HEADER_SIZE, s->types.data, s->types.size);
	if (s->strings.size)
		memcpy((uint8_t *)words + BTF_HEADER_SIZE + s->types.size, s->strings.data,
		       s->strings.size);
	if (!s->view->other_order)
		return 0;
	header.magic = bswap_16(header.magic);
	memcpy(words, &header, sizeof(header.magic));
	for (size_t i = 1; i < (BTF_HEADER_SIZE + s->types.size) / sizeof(*words); i++)
		words[i] = bswap_32(words[i]);
	return 0;
}

static int split_module(struct splitting *s, struct buf *buf, struct btfpack_blob *ret)
{
	int error = 0;

	for (uint32_t id = s->first; !error && id < s->end; id++) {
		error = copy_type(buf, btf_view_type(s->view, id), split_word, s);
		if (!error)
			error = buf_add(&s->types, buf->data, buf->size);
	}
	if (!error)
		error = write_module(s, ret);
	forget_places(s);
	return error;
}

const char *modules_mark(const struct btf_view *view, uint32_t id)
{
	const struct btf_type *t = btf_view_type(view, id);
	const char *name = btf_view_name(view, t);

	return btf_type_kind(t) == BTF_KIND_FWD && !strncmp(name, MARK, strlen(MARK))
		       ? name + strlen(MARK)
		       : NULL;
}

static int add_module(struct btfpack_modules *modules, size_t *room, const char *name,
		      struct btfpack_blob *btf)
{
	struct btfpack_module_btf *m;

	if (modules->count == *room) {
		size_t more = *room ? 2 * *room : 64;

		m = reallocarray(modules->modules, more, sizeof(*m));
		if (!m)
			return -ENOMEM;
		modules->modules = m;
		*room = more;
	}
	m = &modules->modules[modules->count];
	m->name = strdup(name);
	if (!m->name)
		return -ENOMEM;
	m->btf = (struct btfpack_blob){ steal_ptr(btf->data), btf->size }; /* the list's */
	modules->count++;
	return 0;
}

static void free_modules(struct btfpack_modules *modules)
{
	btfpack_modules_free(modules);
}

static bool is_chosen(const struct splitting *s, const struct modules_choice *choice,
		      const char *name)
{
	bool wanted = !choice->wants;

	if (choice->pattern && fnmatch(choice->pattern, name, 0))
		return false;
	for (uint32_t id = s->first; !wanted && id < s->end; id++) {
		const struct btf_type *t = btf_view_type(s->view, id);

		wanted = choice->wants(btf_type_kind(t), btf_view_name(s->view, t), choice->arg);
	}
	return wanted;
}

static int split_all(struct splitting *s, const struct modules_choice *choice,
		     struct btfpack_modules *ret, size_t *all)
{
	AUTO_BUF struct buf buf = BUF_INIT(TYPE_MAXIMUM);
	const struct btf_view *view = s->view;
	uint32_t id = s->base->types;
	size_t room = 0;
	int error = 0;

	for (; !error && id < view->end_id; id = s->end, ++*all) {
		const char *name = modules_mark(view, id);
		AUTO_BLOB struct btfpack_blob btf = { 0 };

		s->first = s->end = id + 1;
		if (!name) {
			error = -EBADMSG;
			break;
		}
		while (s->end < view->end_id && !modules_mark(view, s->end))
			s->end++;
		if (!is_chosen(s, choice, name))
			continue;
		error = split_module(s, &buf, &btf);
		if (!error)
			error = add_module(ret, &room, name, &btf);
	}
	return error;
}

int modules_split(const struct btfpack_blob *joined, const struct modules_base *base,
		  const struct modules_choice *choice, const char *name,
		  struct btfpack_modules *ret, size_t *all_ret, struct btfpack_error *err)
{
	CLEANUP(free_modules) struct btfpack_modules modules = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	CLEANUP(splitting_deinit)
	struct splitting s = { .view = &view, .base = base, .types = BUF_INIT(UINT32_MAX / 2),
			       .strings = BUF_INIT(UINT32_MAX / 2), .used = BUF_INIT(UINT32_MAX) };
	size_t all = 0;
	int error = btf_view_init(&view, joined->data, joined->size, NULL, name, err);

	if (error)
		return error;
	if (!base->types || base->types > view.end_id || base->strings > view.end_string)
		error = -EBADMSG;
	if (!error) {
		s.places = calloc((size_t)(view.end_string - base->strings) + 1, sizeof(*s.places));
		error = s.places ? split_all(&s, choice, &modules, &all) : -ENOMEM;
	}
	if (error == -ENOMEM)
		return no_memory(name, err);
	if (error)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the BTF of its modules does not come apart", name);
	*ret = modules; /* the caller's */
	modules = (struct btfpack_modules){ 0 };
	if (all_ret)
		*all_ret = all;
	return 0;
}

/* --- the proof ----------------------------------------------------------------------------------- */

/* Every word is the same, names by their text. */
static bool is_same_type(const struct btf_view *a, const struct btf_view *b, uint32_t id)
{
	const uint32_t *ours = (const uint32_t *)btf_view_type(a, id);
	const uint32_t *theirs = (const uint32_t *)btf_view_type(b, id);
	const struct btf_type *t = (const struct btf_type *)ours;
	size_t count = (sizeof(*t) + (size_t)btf_trailing_size(t)) / sizeof(*ours);
	bool same = ours[1] == theirs[1]; /* and so the counts */

	for (size_t i = 0; same && i < count; i++)
		same = word_at(shape_of(btf_type_kind(t)), i) == WORD_STRING
			       ? !strcmp(btf_view_string(a, ours[i]), btf_view_string(b, theirs[i]))
			       : ours[i] == theirs[i];
	return same;
}

static int prove_module(const struct btf_view *base, const struct btfpack_module_btf *before,
			const struct btfpack_module_btf *after)
{
	AUTO_BTF_VIEW struct btf_view a = { 0 }, b = { 0 };
	int error = strcmp(before->name, after->name) ? -EBADMSG : 0;

	if (!error)
		error = btf_view_init(&a, before->btf.data, before->btf.size, base, "", NULL);
	if (!error)
		error = btf_view_init(&b, after->btf.data, after->btf.size, base, "", NULL);
	if (!error && a.end_id != b.end_id)
		error = -EBADMSG;
	for (uint32_t id = a.first_id; !error && id < a.end_id; id++)
		error = is_same_type(&a, &b, id) ? 0 : -EBADMSG;
	return error;
}

static int prove(const struct btf_view *view, const struct btfpack_blob *joined,
		 const struct modules_base *base, const struct btfpack_module_btf *modules,
		 size_t count, const char *name, struct btfpack_error *err)
{
	CLEANUP(free_modules) struct btfpack_modules back = { 0 };
	int error = modules_split(joined, base, &(struct modules_choice){ 0 }, name, &back, NULL,
				  err);

	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		error = i < back.count ? prove_module(view, &modules[i], &back.modules[i])
				       : -EBADMSG;
		if (error == -ENOMEM)
			return no_memory(name, err);
		if (error)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: the BTF of module %.100s cannot be stored: it "
						 "would come back as another",
						 name, modules[i].name);
	}
	return back.count == count
		       ? 0
		       : btfpack_error_set(err, -EBADMSG, "%s: a type of a module has a name that "
					   "begins with '" MARK "'", name);
}

int modules_join(const struct btfpack_blob *base, const struct btfpack_module_btf *modules,
		 size_t count, const char *name, struct btfpack_blob *ret,
		 struct modules_base *base_ret, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BLOB struct btfpack_blob top = { 0 }, joined = { 0 };
	struct btfpack_error reason = { 0 };
	int error = btf_view_init(&view, base->data, base->size, NULL, name, err);

	if (error)
		return error;
	*base_ret = (struct modules_base){ view.end_id, view.end_string };
	error = join_all(&view, modules, count, name, &top, &reason);
	if (!error)
		error = glue(base, &top, view.other_order, &joined);
	if (error == -EFBIG)
		return btfpack_error_set(err, error, "%s: the BTF of its modules is over the limit",
					 name);
	if (error)
		return reason.code ? btfpack_error_set(err, reason.code, "%s", reason.message)
				   : no_memory(name, err);
	error = prove(&view, &joined, base_ret, modules, count, name, err);
	if (error)
		return error;
	*ret = (struct btfpack_blob){ steal_ptr(joined.data), joined.size }; /* the caller's */
	return 0;
}
