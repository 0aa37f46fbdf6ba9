/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of files and in files are bytes; JSON must be UTF-8. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stddef.h>

/* What stands for a byte that belongs to no character: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the UTF-8 sequence that begins at @text, of at most @left (not 0); 0 when it
 * is none. */
size_t utf8_length(const unsigned char *text, size_t left);

#endif
