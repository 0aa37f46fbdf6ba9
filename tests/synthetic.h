/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Made-up kernels and made-up BTF for them, the same on every run: series of
 * four flavours in which the BTF changes every dozen versions, as minified BTF
 * does. For tests and benchmarks of what holds many kernels.
 */
#ifndef TESTS_SYNTHETIC_H
#define TESTS_SYNTHETIC_H

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

/* Kernel number @n, in series of 250 kernels. @ret must not be moved after. */
static inline void synthetic_make(uint32_t n, struct synthetic *ret)
{
	static const char *const flavours[] = { "amd64", "cloud-amd64", "rt-amd64", "generic" };
	uint32_t series = n / 250, version = n % 250, state = series * 7919 + 1;
	uint32_t changes = version / 12;

	snprintf(ret->release, sizeof(ret->release), "%u", 10 + series / 4);
	snprintf(ret->uname, sizeof(ret->uname), "%u.%u.0-%u-%s", 4 + series / 16,
		 series / 4 % 20, version + 1, flavours[series % 4]);
	for (uint32_t i = 0, id = n * 2654435761U + 7; i < 40; i++)
		ret->build_id[i] = "0123456789abcdef"[synthetic_random(&id) >> 20 & 15];
	ret->build_id[40] = '\0';
	ret->kernel = (struct btfpack_kernel){ "debian", ret->release, "x86_64", ret->uname,
					       ret->build_id };
	/* Records of 12 bytes with few bits of surprise in each, as BTF has. */
	for (size_t i = 0; i < sizeof(ret->btf); i++)
		ret->btf[i] = i % 12 < 4 ? (uint8_t)(synthetic_random(&state) & 31) : (uint8_t)(i / 12);
	memcpy(ret->btf, "\x9f\xeb\x01\x00", 4);
	for (uint32_t i = 0; i < changes; i++)
		ret->btf[100 + synthetic_random(&state) % 2400] ^= 1 + synthetic_random(&state) % 63;
	ret->blob = (struct btfpack_blob){ ret->btf, 2600 + series % 4 * 16 };
}

#endif
