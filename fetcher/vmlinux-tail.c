/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where vmlinux begins that is a tar's last file, by its last bytes. An ELF file ends with its
 * section headers, as every linker and strip writes it: they tell where the last section ends,
 * that is where they themselves begin, and so where the file does. Two blocks are decoded for
 * it, which are read anyway, instead of all that are to be searched for its head.
 *
 *	... head │ ELF header │ ... sections ... │ section headers │ links, zeroes │
 *	         └◀──────── as much as they say lies before them ──┘
 *
 * What comes of it is a guess, for the tar's head to confirm. No library reads section headers
 * without the file before them.
 */
#include <elf.h>
#include <endian.h>
#include <string.h>

#include "core/cleanup.h"
#include "fetcher/vmlinux.h"

#define TAIL_SIZE (64 << 10) /* section headers, with what is behind them */

/* The last bytes of a tar, and where they lie in it. */
struct tail {
	uint8_t bytes[TAIL_SIZE];
	size_t size;
	uint64_t offset;
};

struct layout {
	bool is_64, is_big;
};

struct section {
	uint32_t type;
	uint64_t offset, size;
};

static size_t header_size(const struct layout *l)
{
	return l->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

static uint32_t from_32(const struct layout *l, uint32_t value)
{
	return l->is_big ? be32toh(value) : le32toh(value);
}

static uint64_t from_64(const struct layout *l, uint64_t value)
{
	return l->is_big ? be64toh(value) : le64toh(value);
}

static struct section read_header(const struct layout *l, const uint8_t *bytes)
{
	Elf64_Shdr wide;
	Elf32_Shdr narrow;

	if (l->is_64) {
		memcpy(&wide, bytes, sizeof(wide));
		return (struct section){ from_32(l, wide.sh_type), from_64(l, wide.sh_offset),
					 from_64(l, wide.sh_size) };
	}
	memcpy(&narrow, bytes, sizeof(narrow));
	return (struct section){ from_32(l, narrow.sh_type), from_32(l, narrow.sh_offset),
				 from_32(l, narrow.sh_size) };
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Section headers that end at @end of the tail, from the last up to the first, which is
 * zeroes: how much of the file lies before them. 0: there are none. */
static uint64_t read_headers(const struct tail *t, const struct layout *l, size_t end,
			     size_t *first_ret)
{
	size_t step = header_size(l), at = end;
	uint64_t align = l->is_64 ? 7 : 3, before = 0;

	while (at >= step) {
		struct section s;

		at -= step;
		if (is_zero(t->bytes + at, step)) {
			*first_ret = at;
			return (before + align) & ~align;
		}
		s = read_header(l, t->bytes + at);
		if (s.type == SHT_NULL || s.offset > VMLINUX_MAXIMUM || s.size > VMLINUX_MAXIMUM)
			return 0;
		if (s.type != SHT_NOBITS && s.offset + s.size > before)
			before = s.offset + s.size;
	}
	return 0;
}

/* Whether a file whose section headers end there begins where one can. */
static bool fits(const struct tail *t, const struct layout *l, size_t end, uint64_t *start_ret,
		 uint64_t *size_ret)
{
	size_t first = 0;
	uint64_t before = read_headers(t, l, end, &first), place = t->offset + first;

	if (!before || before + TAR_HEAD > place || (place - before) % TAR_HEAD)
		return false;
	*start_ret = place - before;
	*size_ret = before + (end - first);
	return true;
}

static int read_tail(struct btfpack_vmlinux *v, struct tail *t, struct btfpack_error *err)
{
	uint64_t size = xz_blocks_size(v->blocks);

	t->size = size < TAIL_SIZE ? (size_t)size : TAIL_SIZE;
	t->offset = size - t->size;
	for (size_t done = 0; done < t->size;) {
		const uint8_t *bytes;
		ssize_t got = vmlinux_lend(v, t->offset + done, &bytes, err);
		size_t part = (size_t)got < t->size - done ? (size_t)got : t->size - done;

		if (got <= 0)
			return (int)got;
		memcpy(t->bytes + done, bytes, part);
		done += part;
	}
	return 1;
}

/* Where a file of the tar may end: before another's head, or before the zeroes at the end. */
static bool is_border(const struct tail *t, size_t at)
{
	return at + TAR_HEAD > t->size || is_zero(t->bytes + at, TAR_HEAD) ||
	       !memcmp(t->bytes + at + TAR_MAGIC, "ustar", 5);
}

/* The file's end is behind its last byte that is not zero, and in the same 512 of the tar.
 * Headers are where four divides. */
static bool ends_before(const struct tail *t, size_t border, uint64_t *start_ret,
			uint64_t *size_ret)
{
	static const struct layout layouts[] = {
		{ true, false }, { false, false }, { true, true }, { false, true }
	};
	size_t last = border;

	while (last && last + TAR_HEAD > border && !t->bytes[last - 1])
		last--;
	for (size_t end = (last + 3) & ~(size_t)3; end <= border; end += 4)
		for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
			if (fits(t, &layouts[i], end, start_ret, size_ret))
				return true;
	return false;
}

/* Behind it there may be links and directories. */
int vmlinux_guess(struct btfpack_vmlinux *v, uint64_t *start_ret, uint64_t *size_ret,
		  struct btfpack_error *err)
{
	struct tail t;
	int got = read_tail(v, &t, err);

	if (got <= 0 || t.offset % TAR_HEAD || t.size % TAR_HEAD)
		return got < 0 ? got : 0;
	for (size_t border = t.size; border >= TAR_HEAD; border -= TAR_HEAD)
		if (is_border(&t, border) && ends_before(&t, border, start_ret, size_ret))
			return 1;
	return 0;
}
