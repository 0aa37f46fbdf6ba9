/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive-index/types-decoder.h"

/* Text that lies together where it comes from is written together. */
struct text_writer {
	char *to;
	size_t left;
	const char *from;
	size_t size;
};

static void flush_text(struct text_writer *w)
{
	memcpy(w->to, w->from, w->size);
	w->to += w->size;
	w->size = 0;
}

static inline int write_text(struct text_writer *w, const char *text, size_t size)
{
	if (size > w->left)
		return -EBADMSG;
	if (text != w->from + w->size) {
		flush_text(w);
		w->from = text;
	}
	w->size += size;
	w->left -= size;
	return 0;
}

static inline const char *text_of(const struct decoder *d, uint32_t name, size_t *size)
{
	const struct types_model *base = d->base;

	if (name < base->strings) {
		*size = base->offset[name + 1] - base->offset[name];
		return base->text + base->offset[name];
	}
	name -= base->strings;
	*size = d->text_offset[name + 1] - d->text_offset[name];
	return d->text + d->text_offset[name];
}

static int get_unused(struct decoder *d, const char **text, size_t *size)
{
	struct stream *s = &d->streams[STREAM_UNUSED];
	int error = stream_string(s, text);

	*size = error ? 0 : (size_t)((const char *)s->at - *text);
	return error;
}

/* Write the strings; d->place becomes each name's ordinal. */
static int put_strings(struct decoder *d, const uint32_t *order)
{
	char *section = (char *)(d->words + d->position);
	size_t all = d->model->raw.size - BTF_HEADER_SIZE - 4 * d->position;
	struct text_writer w = { section, all, section, 0 };
	uint32_t found = 0;

	for (uint32_t i = 0; i < d->strings; i++) {
		const char *text;
		size_t size;

		d->model->offset[i] = (uint32_t)(all - w.left);
		if (order[i] != IMAGE_NONE) {
			text = text_of(d, d->names[order[i]], &size);
			d->place[d->names[order[i]]] = i;
			found++;
		} else if (get_unused(d, &text, &size)) {
			return -EBADMSG;
		}
		if (write_text(&w, text, size))
			return -EBADMSG;
	}
	flush_text(&w);
	d->model->offset[d->strings] = (uint32_t)(all - w.left);
	d->model->text = section;
	d->model->text_size = (uint32_t)all;
	/* Each name once, and none left out. */
	return !w.left && found == d->mentioned ? 0 : -EBADMSG;
}

int decoder_read_strings(struct decoder *d)
{
	AUTO_FREE uint32_t *order = malloc(sizeof(uint32_t) * ((size_t)d->strings + 1));
	int error;

	d->model->offset = malloc(sizeof(uint32_t) * ((size_t)d->strings + 1));
	if (!order || !d->model->offset)
		return -ENOMEM;
	error = decoder_order(d, STREAM_STRING_RUNS, 0, d->strings, d->mentioned, order);
	return error ? error : put_strings(d, order);
}
