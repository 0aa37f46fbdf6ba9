/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish: an archive, or a bundle, to a store of objects that anyone can read. What
 * is new goes up as parts, which nothing names yet; then the manifest is replaced by
 * one that names them too, on condition that it still is the one that was read. Who
 * comes late reads it again and adds his parts to it: nothing that was reported as
 * published is lost. A publish that was killed left objects that the next one finds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/prune.h"
#include "cli/published.h"
#include "core/digest.h"
#include "core/fs.h"
#include "runtime-loader/bundle.h"

#define PART_SIZE	((size_t)8 << 20) /* then a new one is begun */
#define PART_KERNELS	256
#define ROUNDS		50 /* of replacing the manifest: others are as busy */
#define RIVAL_MS	1000 /* a rival's small PUT is through by then */
#define TAG_PAUSE_MS	250
#define TAG_TRIES	240
#define PROBE_NAME	"probe"
#define BUNDLE_SIZE_MAX ((size_t)UINT32_MAX)
#define DAYS_MAXIMUM    3650

enum { BUNDLE = PUBLISHED_END, NAME, ALONE, PRUNE, GRACE, FORCE };

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	PUBLISHED_OPTIONS,
	[BUNDLE] = { 0, "bundle", "FILE", "publish this bundle instead of an archive" },
	[NAME] = { 0, "name", "N", "under this name; default: the file's" },
	[ALONE] = { 0, "alone", NULL, "nobody else publishes there meanwhile" },
	[PRUNE] = { 0, "prune", NULL, "write all anew, and take away what was before" },
	[GRACE] = { 0, "grace", "DAYS", "delete only what was taken away so long ago; default: 7" },
	[FORCE] = { 0, "force", NULL, "--prune drops what is published and not in the archive" },
	{ 0 },
};

struct publishing {
	struct published_args args;
	const char *bundle, *name;
	bool alone;
	struct prune prune;
	struct btfpack_archive *archive;
	struct published published;
	struct text_set known; /* entries that are published */
	struct manifest begun; /* the manifest that this run goes by */
	bool would_lose;       /* something that is published and not in the archive */
	struct manifest ours;  /* what this run adds */
	struct part *part;     /* being filled; NULL: none */
	char series[MANIFEST_SERIES];
	size_t kernels, known_kernels, objects;
	uint64_t bytes;
};

/* --- parts ---------------------------------------------------------------------------------------- */

static bool is_published(const struct btfpack_id *id, void *arg)
{
	struct publishing *p = arg;

	return published_find(&p->published, id, NULL);
}

static int put(struct publishing *p, const char *kind, const struct btfpack_blob *bytes,
	       struct btfpack_id *id_ret, struct btfpack_error *err)
{
	char name[PUBLISHED_NAME_SIZE];
	int error;

	if (digest_bytes(bytes->data, bytes->size, id_ret) < 0)
		return btfpack_error_set(err, -ENOMEM, "out of memory");
	error = object_store_put(p->published.store, published_name(kind, id_ret, name), bytes, err);
	if (!error) {
		p->objects++;
		p->bytes += bytes->size;
	}
	return error < 0 ? error : 0;
}

/* Send the part that was filled, the pack before the index. */
static int send_part(struct publishing *p, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob index = { 0 }, pack = { 0 };
	struct manifest_part part = { .kernels = 0 };
	const struct btfpack_id *ids;
	size_t count;
	int error;

	if (!p->part)
		return 0;
	part.kernels = (uint32_t)part_count(p->part);
	strcpy(part.series, p->series);
	ids = part_contents(p->part, &count);
	error = published_note(&p->published, ids, count, err); /* later parts lean on them */
	if (!error)
		error = part_finish(p->part, &index, &pack, err);
	part_free(p->part);
	p->part = NULL;
	if (error)
		return error;
	part.index_size = index.size;
	part.pack_size = pack.size;
	part.has_pack = pack.size;
	if (part.has_pack)
		error = put(p, "packs", &pack, &part.pack, err);
	if (!error)
		error = put(p, "index", &index, &part.index, err);
	if (!error && manifest_add_part(&p->ours, &part) < 0)
		error = btfpack_error_set(err, -ENOMEM, "out of memory");
	return error;
}

/* Another part when the series is another, or this one is full. */
static int turn_part(struct publishing *p, const struct btfpack_entry *e, struct btfpack_error *err)
{
	char series[MANIFEST_SERIES + 1];
	int error = 0, length = snprintf(series, sizeof(series), "%s/%s/%s", e->kernel.distro,
					 e->kernel.release, e->kernel.arch);

	if (length < 0 || length >= MANIFEST_SERIES)
		return btfpack_error_set(err, -EINVAL, "%.60s...: the name of a series is too long",
					 series);
	if (p->part && (strcmp(series, p->series) || part_size(p->part) >= PART_SIZE ||
			part_count(p->part) >= PART_KERNELS))
		error = send_part(p, err);
	strcpy(p->series, series);
	if (!error && !p->part)
		error = part_new(is_published, p, &p->part, err);
	return error;
}

static int take_entry(struct publishing *p, const struct btfpack_entry *e,
		      struct btfpack_error *err)
{
	char key[PUBLISHED_KEY_SIZE];
	bool known = text_set_has(&p->known, published_key(e, key));
	int error;

	if (known && !p->prune.is_wanted) {
		p->known_kernels++;
		return 0;
	}
	error = turn_part(p, e, err);
	if (!error)
		error = part_add(p->part, p->archive, e, err);
	p->known_kernels += !error && known;
	p->kernels += !error && !known;
	return error;
}

static int take_entries(struct publishing *p, struct btfpack_error *err)
{
	const struct store_args *store = &p->args.store;
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	int more = btfpack_archive_list(p->archive, &store->filter.kernel,
					store->set ? store->set : BTFPACK_SET_ANY, &it, err);

	while (more >= 0 && (more = btfpack_entry_iter_next(it, &e, err)) > 0) {
		int error = take_entry(p, e, err);

		output_progress("%zu kernels, now %s", p->kernels, e->kernel.uname);
		if (error)
			return error;
	}
	return more < 0 ? more : send_part(p, err);
}

static int note_known(struct publishing *p, struct btfpack_error *err)
{
	const struct published *published = &p->published;

	for (size_t i = 0; i < published->index_count; i++)
		for (size_t j = 0; j < published->indexes[i].entry_count; j++)
			if (published_know(&p->known, &published->indexes[i].entries[j]) < 0)
				return btfpack_error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* --- the manifest --------------------------------------------------------------------------------- */

/* All parts of @other are in @m. */
static bool has_parts(const struct manifest *m, const struct manifest *other)
{
	for (size_t i = 0, j; i < other->part_count; i++) {
		for (j = 0; j < m->part_count; j++)
			if (digest_is_equal(&m->parts[j].index, &other->parts[i].index))
				break;
		if (j == m->part_count)
			return false;
	}
	return true;
}

/* Add what is ours to what is published, or put it in the place of that. 1: it was all
 * there; 0; <0. */
static int merge(struct publishing *p, struct btfpack_error *err)
{
	struct manifest *m = &p->published.manifest;
	bool prunes_parts = p->prune.is_wanted && p->archive;
	int all = !prunes_parts || has_parts(&p->ours, m);

	if (prunes_parts && !all)
		m->part_count = 0;

	for (size_t i = 0; i < p->ours.part_count && all >= 0; i++) {
		int known = manifest_add_part(m, &p->ours.parts[i]);

		all = known < 0 ? known : all & known;
	}
	for (size_t i = 0; i < p->ours.bundle_count && all >= 0; i++) {
		int known = manifest_set_bundle(m, &p->ours.bundles[i]);

		all = known < 0 ? known : all & known;
	}
	if (all < 0)
		btfpack_error_set(err, all, all == -EFBIG ? "the manifest names too many things"
							  : "out of memory");
	return all;
}

/* May this run take something away? The bundle that another one replaces. */
static bool retires(const struct publishing *p)
{
	return p->prune.is_wanted || p->bundle;
}

static int replace(struct publishing *p, struct btfpack_error *err)
{
	struct published *published = &p->published;
	AUTO_BLOB struct btfpack_blob text = { 0 };
	int error = manifest_format(&published->manifest, &text);

	if (error)
		return btfpack_error_set(err, error, "the manifest is too long");
	if (retires(p))
		error = prune_retire(&p->prune, published, p->alone, err);
	return error ? error
		     : object_store_replace(published->store, MANIFEST_NAME, &text,
					    published->exists ? &published->tag : NULL, p->alone,
					    err);
}

static void sleep_ms(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/* Whoever came first is a little ahead: let the others not all come at once. */
static void pause_a_little(int round)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sleep_ms(1 + now.tv_nsec / 1000 % (10L * (round < 20 ? round + 1 : 20)));
}

/* Have the manifest with an ETag that can be a condition: a weak one is only so for as
 * long as rivals keep changing it. 1, 0: there is none, <0. */
static int wait_for_tag(struct publishing *p, struct btfpack_error *err)
{
	for (int i = 0; object_tag_is_weak(&p->published.tag); i++) {
		int error;

		if (i == TAG_TRIES)
			return 0;
		sleep_ms(TAG_PAUSE_MS);
		error = published_refresh(&p->published, err);
		if (error)
			return error;
	}
	return !p->published.exists || *p->published.tag.text;
}

/* Two publishers can only take turns where the store tells the second one that it is
 * late. */
static int check_store(struct publishing *p, struct btfpack_error *err)
{
	struct published *published = &p->published;
	AUTO_FREE char *url = object_store_url(published->store, "");
	int conditional;

	if (p->alone)
		return 0;
	conditional = object_store_is_conditional(published->store, PROBE_NAME, err);
	if (conditional > 0)
		conditional = wait_for_tag(p, err);
	if (conditional > 0)
		return 0;
	return conditional < 0
		       ? conditional
		       : btfpack_error_set(err, -EOPNOTSUPP,
					   "%s: this store does not honour If-Match, so of two who publish "
					   "at once one could undo the other's; --alone says that there is "
					   "only one",
					   url ? url : "the store");
}

/* Read the manifest again. -ESTALE: parts went, and ours may lean on them; or this run was
 * to put all anew, and others have come. */
static int refresh(struct publishing *p, struct btfpack_error *err)
{
	const struct manifest *m = &p->published.manifest;
	int error = published_refresh(&p->published, err);

	if (!error && wait_for_tag(p, err) < 0)
		error = err->code;
	if (!error && retires(p))
		error = prune_note(&p->prune, &p->published, err);
	if (error || !p->archive)
		return error;
	if (!p->prune.is_wanted && has_parts(m, &p->begun))
		return 0;
	if (p->prune.is_wanted && has_parts(m, &p->ours) && has_parts(&p->ours, m))
		return 0;
	return btfpack_error_set(err, -ESTALE, "others publish and prune all the time");
}

static int commit(struct publishing *p, struct btfpack_error *err)
{
	bool changes = p->ours.part_count || p->ours.bundle_count || p->prune.is_wanted;
	int error = changes ? check_store(p, err) : 0;

	for (int round = 0; !error && round < ROUNDS; round++) {
		int known = merge(p, err);

		if (known)
			return known < 0 ? known : 0;
		error = replace(p, err);
		if (!error && (p->alone || object_store_is_exact(p->published.store)))
			return 0;
		if (error && error != -EEXIST)
			return error;
		/* Late; or done, if a rival who was let in with us did not undo it: look. */
		if (error)
			pause_a_little(round);
		else
			sleep_ms(RIVAL_MS);
		error = refresh(p, err);
	}
	return error ? error
		     : btfpack_error_set(err, -EBUSY,
					 "the manifest changed %d times while it was to be replaced",
					 ROUNDS);
}

/* --- what to publish ------------------------------------------------------------------------------ */

/* What this run goes by, should others take parts away meanwhile. */
static int note_begun(struct publishing *p, struct btfpack_error *err)
{
	const struct manifest *m = &p->published.manifest;
	int error = 0;

	for (size_t i = 0; error >= 0 && i < m->part_count; i++)
		error = manifest_add_part(&p->begun, &m->parts[i]);
	return error < 0 ? btfpack_error_set(err, -ENOMEM, "out of memory") : 0;
}

/* Nothing is known to be there: what is there already is found by its name, and not sent
 * again. */
static int begin_anew(struct publishing *p, struct btfpack_error *err)
{
	int may = p->prune.is_forced ? 1 : prune_may(&p->published, p->archive, err);

	p->would_lose = !may;
	if (may <= 0)
		return may < 0 ? may : -ENOENT;
	p->published.content_count = 0;
	return 0;
}

static int publish_once(struct publishing *p, struct btfpack_error *err)
{
	int error = published_read_all(&p->published, err);

	if (!error)
		error = note_begun(p, err);
	if (!error)
		error = note_known(p, err);
	if (!error && p->prune.is_wanted)
		error = begin_anew(p, err);
	if (!error)
		error = take_entries(p, err);
	return error ? error : commit(p, err);
}

static int publish_archive(struct publishing *p, struct btfpack_error *err)
{
	int error = publish_once(p, err);

	for (int round = 0; error == -ESTALE && round < ROUNDS; round++) {
		manifest_deinit(&p->ours);
		manifest_deinit(&p->begun);
		text_set_deinit(&p->known);
		p->kernels = p->known_kernels = 0;
		error = publish_once(p, err);
	}
	return error == -ESTALE ? (err->code = -EBUSY) : error;
}

static int publish_bundle(struct publishing *p, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct manifest_bundle bundle = { .name = "" };
	struct bundle b;
	int error = fs_read(p->bundle, BUNDLE_SIZE_MAX, &bytes, err);

	if (!error)
		error = bundle_init(&b, bytes.data, bytes.size, p->bundle, err);
	if (error)
		return error;
	strcpy(bundle.name, p->name);
	bundle.size = bytes.size;
	p->kernels = b.kernel_count;
	error = put(p, "bundles", &bytes, &bundle.id, err);
	if (!error && manifest_set_bundle(&p->ours, &bundle) < 0)
		error = btfpack_error_set(err, -ENOMEM, "out of memory");
	return error ? error : commit(p, err);
}

static void print_result(const struct publishing *p, const char *location)
{
	char text[16];

	if (cmd_common.json)
		output_json(output_object(
			"sIIIIII", "location", location, "kernels", (json_int_t)p->kernels,
			"known", (json_int_t)p->known_kernels, "objects", (json_int_t)p->objects,
			"bytes", (json_int_t)p->bytes, "retired", (json_int_t)p->prune.retired,
			"deleted", (json_int_t)p->prune.deleted));
	else
		output_tell("%s: %zu kernels published, %zu were there already; %zu objects, %s sent",
			    location, p->kernels, p->known_kernels, p->objects,
			    output_size(p->bytes, text));
	if (!cmd_common.json && p->prune.is_wanted)
		output_tell("%s: %zu objects taken away, %zu deleted", location, p->prune.retired,
			    p->prune.deleted);
}

static int publish(const struct cmd *cmd, struct publishing *p, const char *location)
{
	struct btfpack_error err;
	int status = CMD_OK, error;

	if (!p->bundle)
		status = store_open(cmd, &p->args.store, BTFPACK_ARCHIVE_READ_ONLY, &p->archive);
	if (status != CMD_OK)
		return status;
	error = published_open(&p->published, location, &p->args, &err);
	if (!error && retires(p))
		error = prune_note(&p->prune, &p->published, &err);
	if (!error)
		error = p->bundle ? publish_bundle(p, &err) : publish_archive(p, &err);
	if (!error && p->prune.is_wanted)
		error = prune_delete(&p->prune, &p->published, p->alone, &err);
	output_progress(NULL);
	if (p->would_lose) {
		output_say("%s: %s", location, err.message);
		return CMD_NO;
	}
	if (error)
		return cmd_fail(&err);
	print_result(p, location);
	return CMD_OK;
}

static void deinit_publishing(struct publishing *p)
{
	part_free(p->part);
	published_deinit(&p->published);
	text_set_deinit(&p->known);
	manifest_deinit(&p->ours);
	manifest_deinit(&p->begun);
	prune_deinit(&p->prune);
	btfpack_archive_close(p->archive);
}

static bool has_filter(const struct btfpack_kernel *k)
{
	return k->distro || k->release || k->arch || k->uname || k->build_id;
}

/* What may be missing or too much; a status, or -1 to go on. */
static int check_usage(const struct cmd *cmd, const struct cmd_parser *parser, struct publishing *p)
{
	const char *slash = p->bundle ? strrchr(p->bundle, '/') : NULL;

	if (parser->argc - parser->operand != 1)
		return cmd_usage(cmd, "expected one LOCATION: s3://BUCKET/PREFIX, a URL or a directory");
	if (!p->bundle == !p->args.store.archive)
		return cmd_usage(cmd, "expected either --archive DIR or --bundle FILE");
	if (p->name && !p->bundle)
		return cmd_usage(cmd, "--name is for --bundle");
	if ((p->prune.is_forced || p->prune.days != PRUNE_DAYS) && !p->prune.is_wanted)
		return cmd_usage(cmd, "--grace and --force are for --prune");
	if (p->prune.is_wanted && (p->args.store.set || has_filter(&p->args.store.filter.kernel)))
		return cmd_usage(cmd, "--prune takes the whole archive");
	if (!p->name)
		p->name = slash ? slash + 1 : p->bundle;
	if (p->bundle && !manifest_is_bundle_name(p->name))
		return cmd_usage(cmd, "'%s' is no name for a bundle: expected letters, digits and "
				      "._-; --name gives another", p->name);
	return -1;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	CLEANUP(deinit_publishing) struct publishing p = { .prune.days = PRUNE_DAYS };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == BUNDLE)
			p.bundle = parser.value;
		else if (option == NAME)
			p.name = parser.value;
		else if (option == ALONE)
			p.alone = true;
		else if (option == PRUNE)
			p.prune.is_wanted = true;
		else if (option == FORCE)
			p.prune.is_forced = true;
		else if (option == GRACE &&
			 !cmd_number(cmd, "grace", parser.value, DAYS_MAXIMUM, &p.prune.days))
			return CMD_USAGE;
		else if (option != GRACE && published_take(cmd, &p.args, option, parser.value) < 0)
			return CMD_USAGE;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	status = check_usage(cmd, &parser, &p);
	return status >= 0 ? status : publish(cmd, &p, argv[parser.operand]);
}

const struct cmd cmd_publish = {
	.name = "publish",
	.summary = "put an archive, or a bundle, where others can pull it",
	.arguments = "--archive DIR|--bundle FILE LOCATION",
	.options = options,
	.run = run,
};
