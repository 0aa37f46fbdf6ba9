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

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong. @code is the negative value the function returned, 0 when
 * nothing failed; @message is NUL-terminated, without a final newline. */
struct btfpack_error {
	int code;
	char message[256];
};

/* Fill @err (NULL: nowhere) with @code and a printf-formatted sentence, and
 * return @code, so that "return btfpack_error_set(err, -EBADMSG, ...)" reads as
 * one thought. Too long a sentence is cut. */
__attribute__((format(printf, 3, 4))) static inline int
btfpack_error_set(struct btfpack_error *err, int code, const char *format, ...)
{
	if (err) {
		va_list args;

		err->code = code;
		va_start(args, format);
		vsnprintf(err->message, sizeof(err->message), format, args);
		va_end(args);
	}
	return code;
}

#ifdef __cplusplus
}
#endif
#endif
