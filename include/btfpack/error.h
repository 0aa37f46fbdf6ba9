/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/error.h - how every btfpack function reports failure
 *
 * A function that can fail returns 0 (or a documented positive answer) on
 * success and a negative code on failure, and puts one sentence for a person
 * into the caller's struct btfpack_error: which file or URL, where in it, what
 * was expected and what was found. The struct lives on the caller's stack, so
 * there is nothing to free, and any function accepts NULL in its place.
 *
 *	struct btfpack_error err = {0};
 *
 *	if (btfpack_convert("vmlinux", NULL, &btf, &err) < 0)
 *		fprintf(stderr, "%s\n", err.message);
 *
 * Codes are negative errno values, each with one meaning:
 *
 *	-ENOMEM      out of memory
 *	-EINVAL      the caller's mistake
 *	-ENOENT      no such kernel or entry (or no such file, from the system)
 *	-EBADMSG     corrupt input, or a digest that does not match
 *	-EOPNOTSUPP  understood, but not supported
 *	-EFBIG       over a limit
 *	-EPROTO      a server or repository made no sense
 *	-ENOSYS      not built in
 *
 * and every other errno as the system gave it. Header only, libc only.
 * Thread-safe: there is no state but the caller's.
 */
#ifndef BTFPACK_ERROR_H
#define BTFPACK_ERROR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong. @code is the negative value the function returned, 0 when
 * nothing failed; @message is NUL-terminated, without a final newline. */
struct btfpack_error {
	int code;
	char message[512];
};

/* Put into @message, of @size bytes, as much of @whole as it holds: its beginning and its
 * end, which says what is wrong, with "..." for what a long path has between. Characters
 * of UTF-8 stay whole. */
static inline void btfpack_error_shorten(char *message, size_t size, const char *whole)
{
	static const char gap[] = "...";
	size_t length = strlen(whole), head = size / 4;
	size_t tail = length - (size - head - sizeof(gap));

	while (head && ((unsigned char)whole[head] & 0xc0) == 0x80)
		head--;
	while (tail < length && ((unsigned char)whole[tail] & 0xc0) == 0x80)
		tail++;
	memcpy(message, whole, head);
	memcpy(message + head, gap, sizeof(gap) - 1);
	memcpy(message + head + sizeof(gap) - 1, whole + tail, length - tail + 1);
}

/* Fill @err (NULL: nowhere) with @code and a printf-formatted sentence, and
 * return @code, so that "return btfpack_error_set(err, -EBADMSG, ...)" reads as
 * one thought. Of too long a sentence the beginning and the end are kept. */
__attribute__((format(printf, 3, 4))) static inline int
btfpack_error_set(struct btfpack_error *err, int code, const char *format, ...)
{
	if (err) {
		char whole[2 * 4096]; /* two paths */
		va_list args;

		err->code = code;
		va_start(args, format);
		vsnprintf(whole, sizeof(whole), format, args);
		va_end(args);
		if (strlen(whole) < sizeof(err->message))
			strcpy(err->message, whole);
		else
			btfpack_error_shorten(err->message, sizeof(err->message), whole);
	}
	return code;
}

#ifdef __cplusplus
}
#endif
#endif
