/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Made-up kernels and made-up BTF for them, the same on every run: series of
 * four flavours in which the BTF changes every dozen versions, as minified BTF
 * does. For tests and benchmarks of what holds many kernels.
 */
#ifndef TESTS_SYNTHETIC_H
#define TESTS_SYNTHETIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <btfpack/types.h>

struct synthetic {
	char release[16], uname[64], build_id[41];
	struct btfpack_kernel kernel;
	uint8_t btf[4096];
	struct btfpack_blob blob;
};

static inline uint32_t synthetic_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

#define SYNTHETIC_STRUCTS 14

/* BTF as it is put together: words of types in front, names behind. */
struct synthetic_btf {
	uint8_t types[2048], strings[1024];
	uint32_t types_size, strings_size;
};

static inline void synthetic_word(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static inline void synthetic_item(struct synthetic_btf *b, const char *name, uint32_t second,
				  uint32_t third)
{
	uint8_t *to = b->types + b->types_size;

	synthetic_word(to, b->strings_size);
	synthetic_word(to + 4, second);
	synthetic_word(to + 8, third);
	b->types_size += 12;
	memcpy(b->strings + b->strings_size, name, strlen(name) + 1);
	b->strings_size += (uint32_t)strlen(name) + 1;
}

/* A struct of 8 members, which have moved by so much, and maybe an own one. */
static inline void synthetic_struct(struct synthetic_btf *b, uint32_t number, uint32_t start,
				    uint32_t moved, bool has_more)
{
	uint32_t count = 8 + has_more;
	char name[32];

	snprintf(name, sizeof(name), "struct_%u", number);
	synthetic_item(b, name, 4U << 24 | count, start + moved + 8 * count);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "m%u_%c", number, 'a' + (int)i);
		synthetic_item(b, name, 1, 8 * (start + 8 * i + (i > number % 5 ? moved : 0)));
	}
}

static inline uint32_t synthetic_write(const struct synthetic_btf *b, uint8_t *to)
{
	memcpy(to, "\x9f\xeb\x01\x00\x18\x00\x00\x00\x00\x00\x00\x00", 12);
	synthetic_word(to + 12, b->types_size);
	synthetic_word(to + 16, b->types_size);
	synthetic_word(to + 20, b->strings_size);
	memcpy(to + 24, b->types, b->types_size);
	memcpy(to + 24 + b->types_size, b->strings, b->strings_size);
	return 24 + b->types_size + b->strings_size;
}

/* What all of a series begin with, and what changed since: a member here and there. */
static inline uint32_t synthetic_btf(uint32_t series, uint32_t changes, uint8_t *to)
{
	uint32_t start[SYNTHETIC_STRUCTS], moved[SYNTHETIC_STRUCTS] = { 0 };
	struct synthetic_btf b = { .strings_size = 1 };
	uint32_t state = series * 7919 + 1;

	for (uint32_t i = 0; i < SYNTHETIC_STRUCTS; i++)
		start[i] = 8 * (synthetic_random(&state) % 100);
	for (uint32_t i = 0; i < changes; i++)
		moved[synthetic_random(&state) % SYNTHETIC_STRUCTS] +=
			8 * (1 + synthetic_random(&state) % 4);
	synthetic_item(&b, "int", 1U << 24, 4);
	synthetic_word(b.types + b.types_size, 0x01000020);
	b.types_size += 4;
	for (uint32_t i = 0; i < SYNTHETIC_STRUCTS; i++)
		synthetic_struct(&b, i, start[i], moved[i], series % 4 == i % 7);
	return synthetic_write(&b, to);
}

/* Kernel number @n, in series of 250 kernels. @ret must not be moved after. */
static inline void synthetic_make(uint32_t n, struct synthetic *ret)
{
	static const char *const flavours[] = { "amd64", "cloud-amd64", "rt-amd64", "generic" };
	uint32_t series = n / 250, version = n % 250;

	snprintf(ret->release, sizeof(ret->release), "%u", 10 + series / 4);
	snprintf(ret->uname, sizeof(ret->uname), "%u.%u.0-%u-%s", 4 + series / 16,
		 series / 4 % 20, version + 1, flavours[series % 4]);
	for (uint32_t i = 0, id = n * 2654435761U + 7; i < 40; i++)
		ret->build_id[i] = "0123456789abcdef"[synthetic_random(&id) >> 20 & 15];
	ret->build_id[40] = '\0';
	ret->kernel = (struct btfpack_kernel){ "debian", ret->release, "x86_64", ret->uname,
					       ret->build_id };
	ret->blob = (struct btfpack_blob){ ret->btf, synthetic_btf(series, version / 12, ret->btf) };
}

#endif
