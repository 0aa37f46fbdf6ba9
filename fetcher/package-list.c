/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/log.h"
#include "fetcher/package-list.h"
#include "fetcher/repo.h"

#define PACKAGES_MAXIMUM 1000000
#define SHA256_PREFIX	 "sha256:"

static const char *const kinds[] = {
	[CHECKSUM_SHA1] = "sha1",     [CHECKSUM_SHA224] = "sha224", [CHECKSUM_SHA256] = "sha256",
	[CHECKSUM_SHA384] = "sha384", [CHECKSUM_SHA512] = "sha512",
};

const char *package_digest_format(const struct checksum *digest, char ret[PACKAGE_DIGEST_SIZE])
{
	char hex[CHECKSUM_HEX_SIZE];

	if (digest->kind == CHECKSUM_NONE)
		return NULL;
	checksum_format(digest, hex);
	snprintf(ret, PACKAGE_DIGEST_SIZE, "%s:%s", kinds[digest->kind], hex);
	return ret;
}

int package_digest_parse(const char *text, struct checksum *ret)
{
	const char *colon = strchr(text, ':');
	char kind[16];

	if (!colon || colon - text >= (ptrdiff_t)sizeof(kind))
		return -EINVAL;
	snprintf(kind, sizeof(kind), "%.*s", (int)(colon - text), text);
	return checksum_parse(checksum_kind_find(kind), colon + 1, ret);
}

/* The strings of a package, as fields to walk over. */
static const size_t strings[] = {
	offsetof(struct btfpack_package, kernel.distro),
	offsetof(struct btfpack_package, kernel.release),
	offsetof(struct btfpack_package, kernel.arch),
	offsetof(struct btfpack_package, kernel.uname),
	offsetof(struct btfpack_package, kernel.build_id),
	offsetof(struct btfpack_package, flavour),
	offsetof(struct btfpack_package, name),
	offsetof(struct btfpack_package, version),
	offsetof(struct btfpack_package, suite),
	offsetof(struct btfpack_package, url),
	offsetof(struct btfpack_package, digest),
};

static char **string_at(const struct btfpack_package *package, size_t i)
{
	return (char **)((char *)package + strings[i]);
}

static void free_strings(struct btfpack_package *package)
{
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(*string_at(package, i));
}

void package_list_cut(struct package_list *list, size_t count)
{
	while (list->count > count)
		free_strings(&list->packages[--list->count]);
}

void package_list_deinit(struct package_list *list)
{
	package_list_cut(list, 0);
	free(list->packages);
	*list = (struct package_list){ 0 };
}

static int grow(struct package_list *list)
{
	size_t capacity = list->capacity ? 2 * list->capacity : 64;
	struct btfpack_package *packages;

	if (list->count < list->capacity)
		return 0;
	if (list->count >= PACKAGES_MAXIMUM)
		return -EFBIG;
	packages = reallocarray(list->packages, capacity, sizeof(*packages));
	if (!packages)
		return -ENOMEM;
	list->packages = packages;
	list->capacity = capacity;
	return 0;
}

int package_list_add(struct package_list *list, const struct btfpack_package *package,
		     struct btfpack_error *err)
{
	struct btfpack_package copy = *package;
	bool complete = true;
	int error = grow(list);

	if (error < 0)
		return btfpack_error_set(err, error, "too many packages, or no memory for them");
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		const char *string = *string_at(package, i);

		*string_at(&copy, i) = string ? strdup(string) : NULL;
		complete &= !string || *string_at(&copy, i);
	}
	if (!complete) {
		free_strings(&copy);
		return btfpack_error_set(err, -ENOMEM, "out of memory for a package list");
	}
	copy.sha256 = copy.digest && !strncmp(copy.digest, SHA256_PREFIX, strlen(SHA256_PREFIX))
			      ? copy.digest + strlen(SHA256_PREFIX)
			      : NULL;
	list->packages[list->count++] = copy; /* the list owns its strings */
	return 0;
}

int package_list_join(struct package_list *list, struct package_list *from,
		      struct btfpack_error *err)
{
	for (size_t i = 0; i < from->count; i++) {
		int error = grow(list);

		if (error < 0)
			return btfpack_error_set(err, error,
						 "too many packages, or no memory for them");
		list->packages[list->count++] = from->packages[i]; /* the list owns it now */
		from->packages[i] = (struct btfpack_package){ 0 };
	}
	from->count = 0;
	if (from->failure.code && list->failure.code)
		log_warning("%s", from->failure.message);
	else if (from->failure.code)
		list->failure = from->failure;
	return 0;
}

int package_list_note_failure(struct package_list *list, const struct btfpack_error *failure)
{
	switch (failure->code) {
	case -ENOMEM:
	case -ECANCELED:
	case -EINVAL:
	case -ENOSYS:
	case -ENOKEY:
		return failure->code;
	}
	if (list->failure.code)
		log_warning("%s", failure->message);
	else
		list->failure = *failure;
	return 0;
}

void package_list_filter(struct package_list *list,
			 bool (*keep)(const struct btfpack_package *package, const void *arg),
			 const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (keep(&list->packages[i], arg))
			list->packages[kept++] = list->packages[i];
		else
			free_strings(&list->packages[i]);
	}
	list->count = kept;
}

/* What stands beside a package while it is sorted. */
struct rank {
	const struct distro *distro;
	ptrdiff_t release; /* place in the distribution's table */
	size_t added;      /* place in the list before */
	bool dropped;
	struct btfpack_package package;
};

/* One group: what --latest counts in. */
static int compare_groups(const struct rank *a, const struct rank *b)
{
	int difference;

	if (a->release != b->release)
		return a->release < b->release ? -1 : 1;
	difference = strcmp(a->package.kernel.arch, b->package.kernel.arch);
	return difference ? difference : strcmp(a->package.flavour, b->package.flavour);
}

static int compare_kernels(const struct rank *a, const struct rank *b)
{
	int difference = compare_groups(a, b);

	if (!difference)
		difference = b->distro->ops->compare(b->package.version, a->package.version);
	return difference ? difference : strcmp(a->package.kernel.uname, b->package.kernel.uname);
}

/* Ubuntu packs a kernel twice: signed, and as it was built. */
static bool is_as_built(const struct rank *r)
{
	return r->package.name && strstr(r->package.name, "-unsigned-");
}

static int compare_ranks(const void *va, const void *vb)
{
	const struct rank *a = va, *b = vb;
	int difference = compare_kernels(a, b);

	if (difference)
		return difference;
	if (is_as_built(a) != is_as_built(b))
		return is_as_built(a) ? -1 : 1;
	return a->added < b->added ? -1 : a->added > b->added;
}

static struct rank *rank_all(const struct package_list *list, const struct distro *distro)
{
	struct rank *ranks = calloc(list->count, sizeof(*ranks));

	for (size_t i = 0; ranks && i < list->count; i++) {
		const struct btfpack_package *package = &list->packages[i];

		ranks[i] = (struct rank){
			.distro = distro,
			.release = distro_find_release(distro, package->kernel.release) -
				   distro->releases,
			.added = i,
			.package = *package,
		};
	}
	return ranks;
}

/* In sorted order: those that were there before, and those beyond the newest. */
static void mark_dropped(struct rank *ranks, size_t count, unsigned int latest)
{
	size_t in_group = 0;

	for (size_t i = 0; i < count; i++) {
		bool same_group = i && !compare_groups(&ranks[i - 1], &ranks[i]);
		bool again = i && !compare_kernels(&ranks[i - 1], &ranks[i]);

		in_group = same_group ? in_group + !again : 1;
		ranks[i].dropped = again || (latest && in_group > latest);
	}
}

int package_list_arrange(struct package_list *list, const struct distro *distro,
			 unsigned int latest, struct btfpack_error *err)
{
	AUTO_FREE struct rank *ranks = list->count ? rank_all(list, distro) : NULL;
	size_t kept = 0;

	if (!list->count)
		return 0;
	if (!ranks)
		return btfpack_error_set(err, -ENOMEM, "out of memory for a package list");
	qsort(ranks, list->count, sizeof(*ranks), compare_ranks);
	mark_dropped(ranks, list->count, latest);
	for (size_t i = 0; i < list->count; i++) {
		if (ranks[i].dropped)
			free_strings(&ranks[i].package);
		else
			list->packages[kept++] = ranks[i].package;
	}
	list->count = kept;
	return 0;
}
