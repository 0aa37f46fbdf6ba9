/* SPDX-License-Identifier: BSD-2-Clause */
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/handle.h"
#include "archive-index/lines.h"
#include "archive-index/part.h"
#include "btf/btf-view.h"
#include "core/buf.h"
#include "core/digest.h"

#define FIRST_LINE    "btfpack-index 1"
#define PACK_NUMBER   1
#define DEPTH_MAXIMUM 16 /* bases in a row, as when they are read */

/* --- reading an index ---------------------------------------------------------------------------- */

void part_index_deinit(struct part_index *index)
{
	free(index->contents);
	free(index->entries);
	free(index->text);
	*index = (struct part_index){ 0 };
}

/* "ID BASE" */
static bool read_content(char *text, struct part_content *ret)
{
	char *base = strchr(text, ' ');

	if (!base)
		return false;
	*base++ = '\0';
	ret->has_base = strcmp(base, "-") != 0;
	return digest_parse(text, &ret->id) == 0 &&
	       (!ret->has_base || digest_parse(base, &ret->base) == 0);
}

static bool read_time(const char *text, int64_t *ret)
{
	size_t length = strlen(text);

	if (!length || length > 15 || strspn(text, "0123456789") != length)
		return false;
	*ret = strtoll(text, NULL, 10);
	return true;
}

#define FIELDS	       15
#define MODULES_FIELDS 4 /* more, where the modules are published, too */

/* Cut at the tabs; how many fields, or one more than can be. */
static int cut_fields(char *text, char *fields[FIELDS + MODULES_FIELDS])
{
	int count = 0;

	for (char *tab; text && count < FIELDS + MODULES_FIELDS; text = tab) {
		tab = strchr(text, '\t');
		if (tab)
			*tab++ = '\0';
		fields[count++] = text;
	}
	return text ? count + 1 : count;
}

/* "ID COUNT FAILED CHANGED", the ID "-" when there is none. */
static bool read_modules(char *const fields[MODULES_FIELDS], struct btfpack_entry *ret)
{
	int64_t count, failed;

	if (!read_time(fields[1], &count) || !read_time(fields[2], &failed) ||
	    !read_time(fields[3], &ret->modules_changed) || count > UINT32_MAX ||
	    failed > UINT32_MAX || !ret->modules_changed)
		return false;
	ret->has_modules = true;
	ret->modules = (uint32_t)count;
	ret->modules_failed = (uint32_t)failed;
	return count ? digest_parse(fields[0], &ret->modules_id) == 0 : !strcmp(fields[0], "-");
}

/* "DISTRO\tRELEASE\t...": what is empty is not known. */
static bool read_entry(char *text, struct btfpack_entry *ret)
{
	char *fields[FIELDS + MODULES_FIELDS];
	int count = cut_fields(text, fields);

	if (count != FIELDS && count != FIELDS + MODULES_FIELDS)
		return false;
	*ret = (struct btfpack_entry){
		.kernel = { fields[0], fields[1], fields[2], fields[3], text_or_null(fields[4]) },
		.set = text_or_null(fields[5]),
		.provenance = { text_or_null(fields[9]), text_or_null(fields[10]),
				text_or_null(fields[11]), text_or_null(fields[12]),
				text_or_null(fields[13]), text_or_null(fields[14]) },
	};
	return digest_parse(fields[6], &ret->id) == 0 && read_time(fields[7], &ret->added) &&
	       read_time(fields[8], &ret->changed) && ret->changed > 0 &&
	       (count == FIELDS || (!ret->set && read_modules(fields + FIELDS, ret)));
}

static int read_line(char *line, void *arg)
{
	struct part_index *index = arg;
	bool is_good = false;

	if (!strncmp(line, "content ", 8))
		is_good = read_content(line + 8, &index->contents[index->content_count++]);
	else if (!strncmp(line, "entry\t", 6))
		is_good = read_entry(line + 6, &index->entries[index->entry_count++]);
	return is_good ? 0 : -EBADMSG;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

static int prepare(const struct btfpack_blob *text, struct part_index *ret)
{
	size_t lines;

	ret->text = lines_copy(text);
	if (!ret->text)
		return -ENOMEM;
	lines = count_lines(ret->text);
	ret->contents = calloc(lines + 1, sizeof(*ret->contents));
	ret->entries = calloc(lines + 1, sizeof(*ret->entries));
	return ret->contents && ret->entries ? 0 : -ENOMEM;
}

int part_index_parse(const struct btfpack_blob *text, const char *name, struct part_index *ret,
		     struct btfpack_error *err)
{
	CLEANUP(part_index_deinit) struct part_index index = { 0 };
	int error;

	if (prepare(text, &index) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	error = lines_read(index.text, text->size, name, FIRST_LINE, "a content or an entry",
			   read_line, &index, err);
	if (error)
		return error;
	*ret = index; /* the caller's */
	index = (struct part_index){ 0 };
	return 0;
}

/* --- making a part ------------------------------------------------------------------------------- */

struct part {
	bool (*is_published)(const struct btfpack_id *id, void *arg);
	void *arg;
	struct buf contents; /* lines of the index */
	struct buf entries;
	struct buf pack;
	struct btfpack_id *ids; /* in the pack */
	size_t id_count;
	size_t entry_count;
};

static int no_memory(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "out of memory for what is to be published");
}

int part_new(bool (*is_published)(const struct btfpack_id *id, void *arg), void *arg,
	     struct part **ret, struct btfpack_error *err)
{
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return no_memory(err);
	p->is_published = is_published;
	p->arg = arg;
	p->contents = p->entries = BUF_INIT(PART_INDEX_MAXIMUM / 2);
	p->pack = BUF_INIT(PART_PACK_MAXIMUM);
	*ret = p; /* the caller's */
	return 0;
}

void part_free(struct part *p)
{
	if (!p)
		return;
	buf_deinit(&p->contents);
	buf_deinit(&p->entries);
	buf_deinit(&p->pack);
	free(p->ids);
	free(p);
}

static bool has_content(const struct part *p, const struct btfpack_id *id)
{
	for (size_t i = 0; i < p->id_count; i++)
		if (digest_is_equal(&p->ids[i], id))
			return true;
	return p->is_published(id, p->arg);
}

static int write_pack_header(struct part *p)
{
	const uint32_t numbers[2] = { htole32(1), htole32(PACK_NUMBER) };
	int error = buf_add(&p->pack, "BTFPACK\n", 8);

	return error ? error : buf_add(&p->pack, numbers, sizeof(numbers));
}

static int write_record(struct part *p, const struct record *r, const void *payload)
{
	struct record record = *r;
	uint8_t header[RECORD_HEADER_SIZE];
	size_t padding = record_size(r) - RECORD_HEADER_SIZE - r->payload_size;
	int error = p->pack.size ? 0 : write_pack_header(p);

	record.payload_sum = XXH64(payload, r->payload_size, 0);
	record_format(&record, header);
	if (!error)
		error = buf_add(&p->pack, header, sizeof(header));
	if (!error)
		error = buf_add(&p->pack, payload, r->payload_size);
	return error ? error : buf_add(&p->pack, NULL, padding);
}

static int note_content(struct part *p, const struct record *r)
{
	char id[DIGEST_HEX_SIZE], base[DIGEST_HEX_SIZE] = "-";
	struct btfpack_id *ids = reallocarray(p->ids, p->id_count + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	p->ids = ids;
	p->ids[p->id_count++] = r->id;
	digest_format(&r->id, id);
	if (record_has_base(r))
		digest_format(&r->base, base);
	return buf_add_format(&p->contents, "content %s %s\n", id, base);
}

static int find_content(struct btfpack_archive *a, const struct btfpack_id *id, struct content *ret,
			struct btfpack_error *err)
{
	char hex[DIGEST_HEX_SIZE];
	int found = content_find(a, id, ret, err);

	if (found)
		return found < 0 ? found : 0;
	digest_format(id, hex);
	return btfpack_error_set(err, -EBADMSG, "%s: no content %.12s", a->dir, hex);
}

/* A content as it is stored, what it leans on first. */
static int add_content(struct part *p, struct btfpack_archive *a, const struct btfpack_id *id,
		       int depth, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 };
	struct content c;
	int error;

	if (has_content(p, id))
		return 0;
	error = find_content(a, id, &c, err);
	if (!error && depth > DEPTH_MAXIMUM)
		error = btfpack_error_set(err, -EBADMSG, "%s: a content with more than %d bases",
					  a->dir, DEPTH_MAXIMUM);
	if (!error && record_has_base(&c.record))
		error = add_content(p, a, &c.record.base, depth + 1, err);
	if (!error)
		error = objects_read(a->objects, &c.place, &c.record, &payload, err);
	if (error == -ENOENT) { /* collected since the index was read: it has moved */
		error = find_content(a, id, &c, err);
		if (!error)
			error = objects_read(a->objects, &c.place, &c.record, &payload, err);
	}
	if (error)
		return error;
	error = write_record(p, &c.record, payload.data);
	if (!error)
		error = note_content(p, &c.record);
	if (error == -EFBIG)
		return btfpack_error_set(err, error, "%s: a part of more than %" PRIu64 " bytes",
					 a->dir, PART_PACK_MAXIMUM);
	return error ? no_memory(err) : 0;
}

/* A field of an entry: no control characters, which cut lines and fields. */
static int write_field(struct buf *to, const char *text)
{
	size_t before = to->size;
	int error = buf_add_string(to, text_or_empty(text));

	for (size_t i = before; !error && i < to->size; i++)
		if (to->data[i] < ' ' || to->data[i] == 0x7f)
			to->data[i] = ' ';
	return error;
}

static int write_modules(struct buf *to, const struct btfpack_entry *e)
{
	char hex[DIGEST_HEX_SIZE] = "-";

	if (e->modules)
		digest_format(&e->modules_id, hex);
	return buf_add_format(to, "\t%s\t%u\t%u\t%" PRId64, hex, e->modules, e->modules_failed,
			      e->modules_changed);
}

static int write_entry(struct buf *to, const struct btfpack_entry *e)
{
	const struct btfpack_provenance *p = &e->provenance;
	const char *const before[] = { e->kernel.distro, e->kernel.release, e->kernel.arch,
				       e->kernel.uname, e->kernel.build_id, e->set };
	const char *const after[] = { p->package, p->package_version, p->package_sha256,
				      p->source, p->suite, p->converter };
	char hex[DIGEST_HEX_SIZE];
	int error = buf_add_string(to, "entry");

	digest_format(&e->id, hex);
	for (size_t i = 0; !error && i < ARRAY_SIZE(before); i++)
		if (!(error = buf_add_string(to, "\t")))
			error = write_field(to, before[i]);
	if (!error)
		error = buf_add_format(to, "\t%s\t%" PRId64 "\t%" PRId64, hex, e->added, e->changed);
	for (size_t i = 0; !error && i < ARRAY_SIZE(after); i++)
		if (!(error = buf_add_string(to, "\t")))
			error = write_field(to, after[i]);
	if (!error && e->has_modules)
		error = write_modules(to, e);
	return error ? error : buf_add_string(to, "\n");
}

int part_add(struct part *p, struct btfpack_archive *a, const struct btfpack_entry *entry,
	     struct btfpack_error *err)
{
	int error = add_content(p, a, &entry->id, 0, err);

	if (!error && entry->modules)
		error = add_content(p, a, &entry->modules_id, 0, err);
	if (error)
		return error;
	if (write_entry(&p->entries, entry) < 0)
		return no_memory(err);
	p->entry_count++;
	return 0;
}

size_t part_count(const struct part *p)
{
	return p->entry_count;
}

size_t part_size(const struct part *p)
{
	return p->pack.size;
}

const struct btfpack_id *part_contents(const struct part *p, size_t *count_ret)
{
	*count_ret = p->id_count;
	return p->ids;
}

int part_finish(struct part *p, struct btfpack_blob *index_ret, struct btfpack_blob *pack_ret,
		struct btfpack_error *err)
{
	AUTO_BUF struct buf index = BUF_INIT(PART_INDEX_MAXIMUM);
	int error = buf_add_string(&index, FIRST_LINE "\n");

	if (!error)
		error = buf_add(&index, p->contents.data, p->contents.size);
	if (!error)
		error = buf_add(&index, p->entries.data, p->entries.size);
	if (error)
		return no_memory(err);
	*index_ret = buf_take(&index); /* the caller's, both */
	*pack_ret = buf_take(&p->pack);
	return 0;
}

/* --- taking a part in ---------------------------------------------------------------------------- */

int part_has_content(struct btfpack_archive *a, const struct btfpack_id *id,
		     struct btfpack_error *err)
{
	struct content c;

	return content_find(a, id, &c, err);
}

struct storing {
	struct btfpack_archive *a;
	const char *name;
	bool (*is_wanted)(const struct btfpack_id *id, void *arg);
	void *arg;
	struct btfpack_error *err;
	bool damaged;
};

/* What @r leans on is stored; how deep @r then is. */
static int check_base(const struct storing *s, const struct record *r, unsigned int *depth_ret)
{
	char hex[DIGEST_HEX_SIZE];
	struct content base;
	int found;

	*depth_ret = 0;
	if (!record_has_base(r))
		return 0;
	found = content_find(s->a, &r->base, &base, s->err);
	if (found < 0)
		return found;
	digest_format(&r->base, hex);
	if (!found)
		return btfpack_error_set(s->err, -EBADMSG,
					 "%s: a content leans on %.12s, which came in no part", s->name,
					 hex);
	*depth_ret = base.depth + 1;
	if (*depth_ret > DEPTH_MAXIMUM)
		return btfpack_error_set(s->err, -EBADMSG, "%s: a content with more than %d bases",
					 s->name, DEPTH_MAXIMUM);
	return 0;
}

static int put_locked(const struct storing *s, const struct btfpack_blob *btf, struct prepared *p)
{
	int error = db_begin(s->a->db, s->err);

	if (!error)
		error = content_put(s->a, btf, p, s->err);
	if (!error)
		error = db_commit(s->a->db, s->err);
	db_rollback(s->a->db);
	return error;
}

static int store_record(const struct record *r, const struct place *place, const void *payload,
			void *arg)
{
	CLEANUP(prepared_deinit) struct prepared p = { .record = *r };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	const struct storing *s = arg;
	struct content known;
	int error;

	(void)place;
	if (!s->is_wanted(&r->id, s->arg))
		return 0;
	error = content_find(s->a, &r->id, &known, s->err);
	if (error)
		return error < 0 ? error : 0;
	error = check_base(s, r, &p.depth);
	if (!error)
		error = content_decode(s->a, r, payload, s->name, &btf, s->err);
	if (!error)
		error = btf_view_init(&view, btf.data, btf.size, NULL, s->name, s->err);
	if (error)
		return error;
	p.payload = (struct btfpack_blob){ malloc(r->payload_size + 1), r->payload_size };
	if (!p.payload.data)
		return no_memory(s->err);
	memcpy(p.payload.data, payload, r->payload_size);
	return put_locked(s, &btf, &p);
}

static void note_damage(const char *sentence, void *arg)
{
	struct storing *s = arg;

	if (!s->damaged)
		btfpack_error_set(s->err, -EBADMSG, "%s", sentence);
	s->damaged = true;
}

int part_store(struct btfpack_archive *a, const char *path, const char *name,
	       bool (*is_wanted)(const struct btfpack_id *id, void *arg), void *arg,
	       struct btfpack_error *err)
{
	struct btfpack_error own;
	struct storing s = { a, name, is_wanted, arg, err ? err : &own, false };
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int error = archive_check_writable(a, err);

	if (error)
		return error;
	if (fd < 0 || fstat(fd, &st) < 0)
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	error = pack_walk(fd, name, PACK_NUMBER, (uint64_t)st.st_size, store_record, note_damage, &s,
			  err);
	return !error && s.damaged ? -EBADMSG : error;
}
