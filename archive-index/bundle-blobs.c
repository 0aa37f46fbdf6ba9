/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The blobs of a bundle, each said by how it differs from another that is like it.
 *
 * Which one is a minimum spanning tree's to say (Prim's), over the number of items in
 * which two blobs differ: so a change that came once into a series is said once, and
 * the series of an architecture or a distribution hangs on its nearest relative. A
 * reader goes up the tree, so its root is where it is least deep, and what is too deep
 * even then hangs on a farther ancestor.
 */
#include <string.h>

#include "archive-index/bundle-delta.h"
#include "archive-index/bundle-parts.h"
#include "core/cleanup.h"

#define TREE_MOST  4096U                      /* blobs in one tree: the work grows by its square */
#define DEPTH_MOST (BUNDLE_DEPTH_MAXIMUM - 1) /* a tree may hang on the root of the first */
#define NONE       UINT32_MAX

struct node {
	struct delta_blob *blob;
	uint32_t base;     /* number of the blob it is said by; NONE */
	uint32_t distance; /* to it */
	uint32_t depth;
	uint32_t heights[2]; /* of the two highest branches below */
	uint32_t highest;    /* where the first of these begins; NONE */
	bool is_done;
};

struct tree {
	struct node *nodes; /* by number in the file */
	uint32_t count;
	uint32_t *order; /* numbers in the order that is at work */
};

static void tree_deinit(struct tree *t)
{
	for (uint32_t i = 0; t->nodes && i < t->count; i++)
		delta_blob_free(t->nodes[i].blob);
	free(t->nodes);
	free(t->order);
}

static int tree_init(struct tree *t, const struct plan *p)
{
	t->nodes = calloc(p->blob_count + 1, sizeof(*t->nodes));
	t->order = calloc(p->blob_count + 1, sizeof(*t->order));
	if (!t->nodes || !t->order)
		return -ENOMEM;
	for (; t->count < p->blob_count; t->count++) {
		t->nodes[t->count] = (struct node){ .base = NONE,
						    .distance = DELTA_DISTANCE_MOST,
						    .highest = NONE };
		t->nodes[t->count].blob = delta_blob_new(&p->blobs[t->count]->bytes);
		if (!t->nodes[t->count].blob)
			return -ENOMEM;
	}
	return 0;
}

/* Offer @at as a base to those that have none yet; the one that is nearest to its base
 * then, or NONE. */
static uint32_t offer(struct tree *t, uint32_t at, uint32_t start, uint32_t end)
{
	uint32_t nearest = NONE;

	for (uint32_t i = start; i < end; i++) {
		struct node *n = &t->nodes[i];
		uint32_t distance;

		if (n->is_done)
			continue;
		distance = delta_distance(t->nodes[at].blob, n->blob, n->distance);
		if (distance < n->distance) {
			n->distance = distance;
			n->base = at;
		}
		if (nearest == NONE || n->distance < t->nodes[nearest].distance)
			nearest = i;
	}
	return nearest;
}

/* Note how high the branch is that begins with @at. */
static void raise_base(struct tree *t, uint32_t at)
{
	uint32_t height = t->nodes[at].heights[0] + 1;
	struct node *base;

	if (t->nodes[at].base == NONE)
		return;
	base = &t->nodes[t->nodes[at].base];
	if (height > base->heights[0]) {
		base->heights[1] = base->heights[0];
		base->heights[0] = height;
		base->highest = at;
	} else if (height > base->heights[1]) {
		base->heights[1] = height;
	}
}

/* The middle of the longest way through the tree whose nodes t->order has, bases first. */
static uint32_t find_middle(struct tree *t, uint32_t start, uint32_t end)
{
	uint32_t top = start, longest = 0, down;

	for (uint32_t i = end; i-- > start;) {
		struct node *n = &t->nodes[t->order[i]];

		raise_base(t, t->order[i]);
		if (n->heights[0] + n->heights[1] >= longest) {
			longest = n->heights[0] + n->heights[1];
			top = t->order[i];
		}
	}
	down = (t->nodes[top].heights[0] - t->nodes[top].heights[1]) / 2;
	for (; down; down--)
		top = t->nodes[top].highest;
	return top;
}

/* Make @at, which has bases now, the one that has none. */
static void turn_round(struct tree *t, uint32_t at)
{
	uint32_t before = NONE;

	while (at != NONE) {
		uint32_t next = t->nodes[at].base;

		t->nodes[at].base = before;
		before = at;
		at = next;
	}
}

static uint32_t depth_of(const struct tree *t, uint32_t at)
{
	uint32_t depth = 0;

	for (; t->nodes[at].base != NONE; at = t->nodes[at].base)
		depth++;
	return depth;
}

/* The nodes by depth. */
static void sort_by_depth(struct tree *t, uint32_t start, uint32_t end)
{
	uint32_t at = start;

	for (uint32_t i = start; i < end; i++)
		t->nodes[i].depth = depth_of(t, i);
	for (uint32_t depth = 0; at < end; depth++)
		for (uint32_t i = start; i < end; i++)
			if (t->nodes[i].depth == depth)
				t->order[at++] = i;
}

/* Hang what is too deep on an ancestor half as deep, and what hangs on it with it. */
static void cut_depth(struct tree *t, uint32_t start, uint32_t end)
{
	sort_by_depth(t, start, end);
	for (uint32_t i = start; i < end; i++) {
		struct node *n = &t->nodes[t->order[i]];

		if (n->base == NONE)
			continue;
		if (t->nodes[n->base].depth >= DEPTH_MOST)
			while (t->nodes[n->base].depth > DEPTH_MOST / 2)
				n->base = t->nodes[n->base].base;
		n->depth = t->nodes[n->base].depth + 1;
	}
}

/* The tree of the blobs from @start to @end. Its root. */
static uint32_t grow_tree(struct tree *t, uint32_t start, uint32_t end)
{
	uint32_t at = start, middle;

	for (uint32_t i = start; i < end; i++, at = offer(t, at, start, end)) {
		t->nodes[at].is_done = true;
		t->order[i] = at;
	}
	middle = find_middle(t, start, end);
	turn_round(t, middle);
	cut_depth(t, start, end);
	return middle;
}

static void grow_trees(struct tree *t)
{
	uint32_t first = NONE, root;

	for (uint32_t start = 0; start < t->count; start += TREE_MOST) {
		root = grow_tree(t, start,
				 t->count - start > TREE_MOST ? start + TREE_MOST : t->count);
		if (first == NONE)
			first = root;
		else if (delta_distance(t->nodes[first].blob, t->nodes[root].blob, 1) !=
			 DELTA_DISTANCE_MOST)
			t->nodes[root].base = first;
	}
}

static int write_group(struct plan *p, struct buf *raw)
{
	struct buf *data = &p->sections[BUNDLE_DATA], *groups = &p->sections[BUNDLE_GROUPS];
	uint8_t row[BUNDLE_GROUP_SIZE];
	size_t before = data->size;
	int error = bundle_add_compressed(p, data, raw->data, raw->size);

	if (error)
		return error;
	bundle_put_u32(row, (uint32_t)(data->size - before));
	bundle_put_u32(row + 4, (uint32_t)raw->size);
	raw->size = 0;
	return buf_add(groups, row, sizeof(row));
}

/* The base of blob @number, as BLOBS has it. */
static uint32_t code_of(uint32_t base, uint32_t number)
{
	return base == NONE ? 0 : base < number ? 2 * (number - base) - 1 : 2 * (base - number);
}

/* Append a delta to the group, which is written first when it would get too large. */
static int add_to_group(struct plan *p, struct buf *group, const struct buf *delta)
{
	int error = 0;

	if (group->size && group->size + delta->size > BUNDLE_GROUP_MAXIMUM)
		error = write_group(p, group);
	return error ? error : buf_add(group, delta->data, delta->size);
}

int bundle_write_blobs(struct plan *p)
{
	AUTO_BUF struct buf group = BUF_INIT(UINT32_MAX), delta = BUF_INIT(UINT32_MAX);
	AUTO_BUF struct buf sizes = BUF_INIT(UINT32_MAX);
	CLEANUP(tree_deinit) struct tree t = { 0 };
	int error = tree_init(&t, p);

	if (!error)
		grow_trees(&t);
	for (uint32_t i = 0; !error && i < t.count; i++) {
		const struct node *n = &t.nodes[i];

		delta.size = 0;
		error = delta_write(n->blob, n->base == NONE ? NULL : t.nodes[n->base].blob,
				    &delta);
		if (!error)
			error = bundle_add_uleb(&p->sections[BUNDLE_BLOBS], code_of(n->base, i));
		if (!error)
			error = bundle_add_uleb(&sizes, (uint32_t)delta.size);
		if (!error)
			error = add_to_group(p, &group, &delta);
		if (!error && !(p->flags & BTFPACK_BUNDLE_NO_PROVENANCE))
			error = buf_add(&p->sections[BUNDLE_DIGESTS], p->blobs[i]->id.bytes,
					BUNDLE_DIGEST_SIZE);
	}
	if (!error)
		error = buf_add(&p->sections[BUNDLE_BLOBS], sizes.data, sizes.size);
	return error || !group.size ? error : write_group(p, &group);
}
