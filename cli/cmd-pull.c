/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pull: what was published, into an archive, as merge would; or one bundle into a file.
 * The manifest says what there is; the indexes of the series that are wanted say which
 * contents that needs; the packs with these are downloaded, each once, and nothing is
 * stored before its digest was checked. What is here already is not asked for, so that
 * a pull that was killed goes on.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/published.h"
#include "core/digest.h"
#include "core/fs.h"
#include "runtime-loader/bundle.h"

#define DEPTH_MAXIMUM 16 /* contents that lean on each other in a row */

enum { BUNDLE = PUBLISHED_END, OUTPUT };

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	PUBLISHED_OPTIONS,
	[BUNDLE] = { 0, "bundle", "NAME", "pull the bundle of this name instead" },
	[OUTPUT] = { 'o', "output", "FILE", "write the bundle there; - is stdout" },
	{ 0 },
};

struct pulling {
	struct published_args args;
	const char *bundle, *output;
	struct btfpack_archive *archive;
	struct published published;
	struct text_set known; /* entries that are here */
	struct text_set fetched; /* packs, in hex */
	size_t stored, known_kernels, older;
	uint64_t bytes;
};

/* --- which kernels -------------------------------------------------------------------------------- */

static bool fits(const char *pattern, const char *text)
{
	return !pattern || (text && fnmatch(pattern, text, 0) == 0);
}

/* A part can be passed over by its series alone. */
static bool part_fits(const struct btfpack_kernel *f, const struct manifest_part *part)
{
	char series[MANIFEST_SERIES], *distro, *release, *arch, *rest = series;

	strcpy(series, part->series);
	distro = strsep(&rest, "/");
	release = strsep(&rest, "/");
	arch = strsep(&rest, "/");
	return fits(f->distro, distro) && fits(f->release, release) && fits(f->arch, arch);
}

static bool entry_fits(const struct store_args *args, const struct btfpack_entry *e)
{
	const struct btfpack_kernel *f = &args->filter.kernel, *k = &e->kernel;
	const char *set = args->set ? args->set : BTFPACK_SET_ANY;

	return fits(f->distro, k->distro) && fits(f->release, k->release) &&
	       fits(f->arch, k->arch) && fits(f->uname, k->uname) &&
	       fits(f->build_id, k->build_id) &&
	       (!strcmp(set, BTFPACK_SET_ANY) || (e->set && !strcmp(set, e->set)));
}

static int note_known(struct pulling *p, struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	int more = btfpack_archive_list(p->archive, NULL, BTFPACK_SET_ANY, &it, err);

	while (more >= 0 && (more = btfpack_entry_iter_next(it, &e, err)) > 0)
		if (published_know(&p->known, e) < 0)
			return btfpack_error_set(err, -ENOMEM, "out of memory");
	return more;
}

/* --- contents ------------------------------------------------------------------------------------- */

static struct published_content *find(struct pulling *p, const struct btfpack_id *id,
				      struct btfpack_error *err)
{
	struct published_content *found = published_find(&p->published, id, NULL);
	char hex[DIGEST_HEX_SIZE];

	/* What a series leans on may be of another series. */
	if (!found && published_read_all(&p->published, err) < 0)
		return NULL;
	if (!found)
		found = published_find(&p->published, id, NULL);
	digest_format(id, hex);
	if (!found)
		btfpack_error_set(err, -EBADMSG, "the manifest names no part with the content %.12s",
				  hex);
	return found;
}

static bool is_noted(const struct pulling *p, const struct btfpack_id *id)
{
	struct published_content *end;
	const struct published_content *c = published_find(&p->published, id, &end);

	while (c && c < end && !c->is_wanted)
		c++;
	return c && c < end;
}

/* Note that this content is needed, and what it leans on. */
static int want(struct pulling *p, const struct btfpack_id *id, int depth,
		struct btfpack_error *err)
{
	struct published_content *found;
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id base;
	int has = part_has_content(p->archive, id, err);

	if (has)
		return has < 0 ? has : 0;
	if (is_noted(p, id))
		return 0;
	digest_format(id, hex);
	if (depth > DEPTH_MAXIMUM)
		return btfpack_error_set(err, -EBADMSG,
					 "the content %.12s leans on more than %d others", hex,
					 DEPTH_MAXIMUM);
	found = find(p, id, err);
	if (!found)
		return err->code;
	found->is_wanted = true;
	base = found->content.base;
	return found->content.has_base ? want(p, &base, depth + 1, err) : 0;
}

/* Noted, and what it leans on is here. */
static bool is_wanted(const struct btfpack_id *id, void *arg)
{
	struct pulling *p = arg;
	const struct published_content *found = published_find(&p->published, id, NULL);

	return is_noted(p, id) &&
	       (!found->content.has_base ||
		part_has_content(p->archive, &found->content.base, NULL) > 0);
}

static int store_pack(struct pulling *p, const struct manifest_part *part,
		      struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;
	char name[PUBLISHED_NAME_SIZE], hex[DIGEST_HEX_SIZE];
	int error = object_store_fetch(p->published.store,
				       published_name("packs", &part->pack, name), &part->pack,
				       part->pack_size, &path, err);

	if (error)
		return error;
	digest_format(&part->pack, hex);
	if (!text_set_has(&p->fetched, hex)) {
		p->bytes += part->pack_size;
		if (text_set_add(&p->fetched, hex) < 0)
			return btfpack_error_set(err, -ENOMEM, "out of memory");
	}
	return part_store(p->archive, path, name, is_wanted, p, err);
}

/* Have a content here: first what it leans on, then the pack that has it, with
 * whatever else of that pack is wanted. */
static int have(struct pulling *p, const struct btfpack_id *id, int depth,
		struct btfpack_error *err)
{
	const struct manifest_part *part;
	const struct published_content *found;
	char hex[DIGEST_HEX_SIZE];
	int has = part_has_content(p->archive, id, err), error = 0;

	if (has)
		return has < 0 ? has : 0;
	digest_format(id, hex);
	found = published_find(&p->published, id, NULL);
	if (!found || depth > DEPTH_MAXIMUM)
		return btfpack_error_set(err, -EBADMSG, "the content %.12s is in no part", hex);
	if (found->content.has_base)
		error = have(p, &found->content.base, depth + 1, err);
	if (error)
		return error;
	part = &p->published.manifest.parts[found->part];
	if (!part->has_pack)
		return btfpack_error_set(err, -EBADMSG,
					 "the content %.12s is in a part that has no pack", hex);
	error = store_pack(p, part, err);
	if (error)
		return error;
	has = part_has_content(p->archive, id, err);
	return has > 0 ? 0
	       : has ? has
		     : btfpack_error_set(err, -EBADMSG,
					 "packs/.../%.12s: does not have the content that its index says",
					 hex);
}

/* --- entries -------------------------------------------------------------------------------------- */

static bool is_here(struct pulling *p, const struct btfpack_entry *e)
{
	char key[PUBLISHED_KEY_SIZE];

	return text_set_has(&p->known, published_key(e, key));
}

static int want_entries(struct pulling *p, size_t number, struct btfpack_error *err)
{
	int error = published_read_index(&p->published, number, err);

	for (size_t i = 0; !error && i < p->published.indexes[number].entry_count; i++) {
		const struct btfpack_entry *e = &p->published.indexes[number].entries[i];

		if (entry_fits(&p->args.store, e) && !is_here(p, e))
			error = want(p, &e->id, 0, err);
		if (!error && entry_fits(&p->args.store, e) && !is_here(p, e) && e->modules)
			error = want(p, &e->modules_id, 0, err);
	}
	return error;
}

/* The modules of an entry that stands here now. */
static int store_modules(struct pulling *p, const struct btfpack_entry *e, struct btfpack_error *err)
{
	AUTO_MODULES struct btfpack_modules modules = { 0 };
	int error = e->modules ? have(p, &e->modules_id, 0, err) : 0;

	if (!error)
		error = part_modules(p->archive, e, &modules, err);
	return error ? error : btfpack_archive_copy_modules(p->archive, e, &modules, err);
}

static int store_entry(struct pulling *p, const struct btfpack_entry *e, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	int result;

	if (is_here(p, e)) {
		p->known_kernels++;
		return 0;
	}
	result = have(p, &e->id, 0, err);
	if (!result)
		result = btfpack_archive_get(p->archive, &e->id, &btf, err);
	if (!result)
		result = btfpack_archive_copy(p->archive, e, &btf, err);
	if (result >= 0 && result != BTFPACK_ARCHIVE_OLDER && e->has_modules) {
		int modules = store_modules(p, e, err);

		result = modules < 0 || result ? modules : 0;
	}
	p->stored += !result;
	p->known_kernels += result == 1;
	p->older += result == BTFPACK_ARCHIVE_OLDER;
	return result < 0 ? result : 0;
}

static int store_entries(struct pulling *p, size_t number, struct btfpack_error *err)
{
	const struct part_index *index = &p->published.indexes[number];
	int error = 0;

	for (size_t i = 0; !error && i < index->entry_count; i++) {
		output_progress("%zu stored, now %s", p->stored, index->entries[i].kernel.uname);
		if (entry_fits(&p->args.store, &index->entries[i]))
			error = store_entry(p, &index->entries[i], err);
	}
	return error;
}

static int pull_archive(struct pulling *p, struct btfpack_error *err)
{
	const struct manifest *m = &p->published.manifest;
	const struct btfpack_kernel *filter = &p->args.store.filter.kernel;
	int error = note_known(p, err);

	for (size_t i = 0; !error && i < m->part_count; i++)
		if (part_fits(filter, &m->parts[i]))
			error = want_entries(p, i, err);
	for (size_t i = 0; !error && i < m->part_count; i++)
		if (part_fits(filter, &m->parts[i]))
			error = store_entries(p, i, err);
	for (size_t i = 0; !error && i < p->fetched.count; i++) {
		struct btfpack_id id;

		if (digest_parse(p->fetched.items[i], &id) == 0)
			object_store_drop(p->published.store, &id); /* the archive has it now */
	}
	return error;
}

/* --- a bundle ------------------------------------------------------------------------------------- */

static int pull_bundle(struct pulling *p, struct btfpack_error *err)
{
	const struct manifest_bundle *found =
		manifest_find_bundle(&p->published.manifest, p->bundle);
	CLEANUP(fs_map_deinit) struct fs_map map = { 0 };
	AUTO_FREE char *path = NULL;
	char name[PUBLISHED_NAME_SIZE];
	struct bundle b;
	int error;

	if (!found)
		return btfpack_error_set(err, -ENOENT, "no bundle '%s' is published there", p->bundle);
	error = object_store_fetch(p->published.store, published_name("bundles", &found->id, name),
				   &found->id, found->size, &path, err);
	if (!error)
		error = fs_map_init(&map, path, err);
	if (!error)
		error = bundle_init(&b, map.data, map.size, name, err);
	if (!error)
		error = output_file(p->output, map.data, map.size, err);
	if (error)
		return error;
	p->stored = b.kernel_count;
	p->bytes = map.size;
	object_store_drop(p->published.store, &found->id);
	return 0;
}

/* --- the command ---------------------------------------------------------------------------------- */

static void print_result(const struct pulling *p, const char *location)
{
	char text[16];

	if (cmd_common.json)
		output_json(output_object("sIIII", "location", location, "stored",
				      (json_int_t)p->stored, "known", (json_int_t)p->known_kernels,
				      "older", (json_int_t)p->older, "bytes", (json_int_t)p->bytes));
	else if (p->bundle)
		output_tell("%s: %zu kernels, %s", p->output, p->stored, output_size(p->bytes, text));
	else
		output_tell("%zu stored, %zu were there already, %zu older than what is there; %s of "
			    "packs needed",
			    p->stored, p->known_kernels, p->older, output_size(p->bytes, text));
}

static int pull(const struct cmd *cmd, struct pulling *p, const char *location)
{
	struct btfpack_error err = { 0 };
	int error = published_open(&p->published, location, &p->args, &err), status;
	char filter[256];

	if (!error && !p->published.exists) {
		output_say("%s: nothing is published there: it has no " MANIFEST_NAME, location);
		return CMD_NO;
	}
	if (error)
		return cmd_fail(&err);
	if (!p->bundle) {
		status = store_open(cmd, &p->args.store, BTFPACK_ARCHIVE_CREATE, &p->archive);
		if (status != CMD_OK)
			return status;
	}
	error = p->bundle ? pull_bundle(p, &err) : pull_archive(p, &err);
	output_progress(NULL);
	if (error == -ENOENT && p->bundle && !manifest_find_bundle(&p->published.manifest, p->bundle)) {
		output_say("%s: %s", location, err.message);
		return CMD_NO;
	}
	if (error)
		return cmd_fail(&err);
	if (!p->stored && !p->known_kernels && !p->older) {
		output_say("%s: no kernel of %s is published there", location,
			   *filter_describe(&p->args.store.filter, filter) ? filter : "any kind");
		return CMD_NO;
	}
	print_result(p, location);
	return CMD_OK;
}

static void deinit_pulling(struct pulling *p)
{
	published_deinit(&p->published);
	text_set_deinit(&p->known);
	text_set_deinit(&p->fetched);
	btfpack_archive_close(p->archive);
}

static int check_usage(const struct cmd *cmd, const struct cmd_parser *parser,
		       const struct pulling *p)
{
	if (parser->argc - parser->operand != 1)
		return cmd_usage(cmd, "expected one LOCATION: s3://BUCKET/PREFIX, a URL or a directory");
	if (!p->bundle == !p->args.store.archive)
		return cmd_usage(cmd, "expected either --archive DIR or --bundle NAME");
	if (!p->bundle != !p->output)
		return cmd_usage(cmd, "--bundle NAME and -o FILE belong together");
	if (p->output && !strcmp(p->output, "-") && cmd_common.json)
		return cmd_usage(cmd, "--json and -o - both want stdout");
	return -1;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	CLEANUP(deinit_pulling) struct pulling p = { 0 };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == BUNDLE)
			p.bundle = parser.value;
		else if (option == OUTPUT)
			p.output = parser.value;
		else if (published_take(cmd, &p.args, option, parser.value) < 0)
			return CMD_USAGE;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	status = check_usage(cmd, &parser, &p);
	return status >= 0 ? status : pull(cmd, &p, argv[parser.operand]);
}

const struct cmd cmd_pull = {
	.name = "pull",
	.summary = "get what was published into an archive, or one bundle",
	.arguments = "--archive DIR|--bundle NAME LOCATION",
	.options = options,
	.run = run,
};
