/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stats-page.h"
#include "core/buf.h"
#include "core/grow.h"

#define PAGE_MAXIMUM ((size_t)64 << 20)

/* The picture, in its own units. */
#define WIDTH  720
#define HEIGHT 240
#define POINTS 720 /* more would not be seen */

struct arrival {
	int64_t added;
	struct btfpack_id id;
	uint64_t stored;
};

struct series {
	char name[600];
	uint64_t entries, raw, stored;
};

struct page {
	struct arrival *arrivals;
	uint32_t count, room;
	struct series *series;
	uint32_t series_count, series_room;
	struct buf html;
};

static void page_deinit(struct page *p)
{
	free(p->arrivals);
	free(p->series);
	buf_deinit(&p->html);
}

static int compare_contents(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	int order = memcmp(&x->id, &y->id, sizeof(x->id));

	return order ? order : (x->added > y->added) - (x->added < y->added);
}

static int compare_times(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	return x->added != y->added ? (x->added < y->added ? -1 : 1) : compare_contents(a, b);
}

/* The listing is ordered by what a series is. */
static int note_entry(struct page *p, const struct btfpack_entry *e)
{
	char name[600];

	snprintf(name, sizeof(name), "%.190s %.190s %.190s", e->kernel.distro, e->kernel.release,
		 e->kernel.arch);
	if (grow_array((void **)&p->arrivals, &p->room, p->count + 1ull, sizeof(*p->arrivals)) ||
	    grow_array((void **)&p->series, &p->series_room, p->series_count + 1ull,
		       sizeof(*p->series)))
		return -ENOMEM;
	p->arrivals[p->count++] = (struct arrival){ e->added, e->id, e->stored_size };
	if (!p->series_count || strcmp(p->series[p->series_count - 1].name, name)) {
		struct series *s = &p->series[p->series_count++];

		*s = (struct series){ 0 };
		memcpy(s->name, name, sizeof(name));
	}
	p->series[p->series_count - 1].entries++;
	p->series[p->series_count - 1].raw += e->raw_size;
	p->series[p->series_count - 1].stored += e->stored_size;
	return 0;
}

static int read_entries(struct page *p, struct btfpack_archive *archive,
			const struct store_args *args, struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	int more = btfpack_archive_list(archive, &args->filter.kernel, BTFPACK_SET_ANY, &it, err);

	while (more >= 0 && (more = btfpack_entry_iter_next(it, &e, err)) > 0)
		if (note_entry(p, e) < 0)
			return btfpack_error_set(err, -ENOMEM, "out of memory for the page");
	return more;
}

/* A content weighs when it first came, and then no more. Returns the sum. */
static uint64_t order_arrivals(struct page *p)
{
	uint64_t total = 0;

	if (!p->count)
		return 0;
	qsort(p->arrivals, p->count, sizeof(*p->arrivals), compare_contents);
	for (size_t i = p->count - 1; i > 0; i--)
		if (!memcmp(&p->arrivals[i].id, &p->arrivals[i - 1].id, sizeof(struct btfpack_id)))
			p->arrivals[i].stored = 0;
	qsort(p->arrivals, p->count, sizeof(*p->arrivals), compare_times);
	for (size_t i = 0; i < p->count; i++)
		total += p->arrivals[i].stored;
	return total;
}

static int add_escaped(struct buf *html, const char *text)
{
	int error = 0;

	for (; !error && *text; text++) {
		if (strchr("<>&\"'", *text))
			error = buf_add_format(html, "&#%d;", *text);
		else
			error = buf_add(html, text, 1);
	}
	return error;
}

static int add_curve(struct page *p)
{
	uint64_t total = order_arrivals(p), sum = 0;
	size_t step = p->count / POINTS + 1;
	char size[16], half[16];
	int error = buf_add_format(&p->html,
				   "<svg viewBox=\"-70 -10 %d %d\" role=\"img\"><title>Bytes stored, by "
				   "number of BTFs</title><path class=\"grid\" d=\"M0 0H%dM0 %dH%d\"/>"
				   "<path class=\"axis\" d=\"M0 0V%dH%d\"/><polyline points=\"0,%d",
				   WIDTH + 90, HEIGHT + 40, WIDTH, HEIGHT / 2, WIDTH, HEIGHT, WIDTH,
				   HEIGHT);

	for (size_t i = 0; !error && i < p->count; i++) {
		sum += p->arrivals[i].stored;
		if (i % step == 0 || i + 1 == p->count)
			error = buf_add_format(&p->html, " %.1f,%.1f",
					       (double)WIDTH * (double)(i + 1) / (double)p->count,
					       total ? HEIGHT - (double)HEIGHT * (double)sum /
									(double)total
						     : (double)HEIGHT);
	}
	if (error)
		return error;
	/* The same line closed by the corner at its end, as the surface below it. */
	return buf_add_format(&p->html,
			      " %d,%d\"/><text x=\"-6\" y=\"5\" class=\"left\">%s</text><text x=\"-6\" "
			      "y=\"%d\" class=\"left\">%s</text><text x=\"-6\" y=\"%d\" "
			      "class=\"left\">0</text><text x=\"%d\" y=\"%d\" class=\"left\">%u "
			      "BTFs, in the order they came</text></svg>\n",
			      WIDTH, HEIGHT, output_size(total, size), HEIGHT / 2 + 5,
			      output_size(total / 2, half), HEIGHT, WIDTH, HEIGHT + 20, p->count);
}

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" content=\"width=device-width\"><title>btfpack archive</title>\n"
	"<style>:root{color-scheme:light dark;--line:#0b62a4;--dim:#888}"
	"@media(prefers-color-scheme:dark){:root{--line:#6bb5ff}}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
	"svg{width:100%}polyline{fill:var(--line);fill-opacity:.15;stroke:var(--line);stroke-width:2;"
	"stroke-linejoin:round}.grid{stroke:var(--dim);stroke-opacity:.3}"
	".axis{fill:none;stroke:var(--dim)}text{fill:currentColor;font-size:13px}"
	".left{text-anchor:end}table{border-collapse:collapse;width:100%;margin-top:1rem}"
	"td,th{padding:.2rem .8rem;text-align:right;white-space:nowrap;"
	"font-variant-numeric:tabular-nums}td:first-child,th:first-child{text-align:left}"
	"td:last-child{width:40%}i{display:block;height:.7rem;background:var(--line);min-width:1px}"
	"tr+tr{border-top:1px solid color-mix(in srgb,var(--dim) 40%,transparent)}</style>\n<h1>btfpack archive</h1>\n";

static int add_figures(struct page *p, const struct btfpack_archive_stats *s, uint64_t tar_xz)
{
	char raw[16], stored[16], xz[16];
	int error = buf_add_format(&p->html,
				   "<p>%" PRIu64 " kernels, %" PRIu64 " different BTFs: %s as files, %s "
				   "stored",
				   s->kernels, s->contents, output_size(s->raw_bytes, raw),
				   output_size(s->stored_bytes, stored));

	if (!error && tar_xz)
		error = buf_add_format(&p->html, ", %s as tar.xz files", output_size(tar_xz, xz));
	return error ? error : buf_add_string(&p->html, ".</p>\n");
}

static int add_table(struct page *p)
{
	int error = buf_add_string(&p->html, "<table><tr><th>series<th>BTFs<th>as files<th>stored"
					     "<th></tr>\n");
	uint64_t most = 1;

	for (size_t i = 0; i < p->series_count; i++)
		most = p->series[i].stored > most ? p->series[i].stored : most;

	for (size_t i = 0; !error && i < p->series_count; i++) {
		const struct series *s = &p->series[i];
		char raw[16], stored[16];

		error = buf_add_string(&p->html, "<tr><td>");
		if (!error)
			error = add_escaped(&p->html, s->name);
		if (!error)
			error = buf_add_format(&p->html, "<td>%" PRIu64 "<td>%s<td>%s<td>"
					       "<i style=\"width:%.1f%%\"></i></tr>\n",
					       s->entries, output_size(s->raw, raw),
					       output_size(s->stored, stored),
					       100.0 * (double)s->stored / (double)most);
	}
	return error ? error : buf_add_string(&p->html, "</table>\n</html>\n");
}

int stats_page_write(struct btfpack_archive *archive, const struct store_args *args,
		     const struct btfpack_archive_stats *stats, uint64_t tar_xz, const char *path,
		     struct btfpack_error *err)
{
	CLEANUP(page_deinit) struct page p = { .html = BUF_INIT(PAGE_MAXIMUM) };
	int error = read_entries(&p, archive, args, err);

	if (error)
		return error;
	error = buf_add_string(&p.html, head);
	if (!error)
		error = add_figures(&p, stats, tar_xz);
	if (!error)
		error = add_curve(&p);
	if (!error)
		error = add_table(&p);
	if (error)
		return btfpack_error_set(err, error, "%s: the page is too large", path);
	return output_file(path, p.html.data, p.html.size, err);
}
