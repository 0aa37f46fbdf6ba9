/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 by OpenSSL's libcrypto. */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include <stddef.h>

#include "core/buf.h"

/* Append what @size characters of base64 mean; white space among them counts for
 * nothing. -EINVAL: it is none. */
int base64_decode(const char *text, size_t size, struct buf *ret);

#endif
