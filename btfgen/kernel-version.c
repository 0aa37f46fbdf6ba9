/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "btfgen/kernel-version.h"

/* A number below @maximum (higher ones are it), and the rest behind it. NULL: none. */
static const char *read_number(const char *text, uint32_t maximum, uint32_t *ret)
{
	const char *start = text;

	for (*ret = 0; *text >= '0' && *text <= '9'; text++)
		*ret = *ret * 10 + (uint32_t)(*text - '0') > maximum
			       ? maximum
			       : *ret * 10 + (uint32_t)(*text - '0');
	return text == start ? NULL : text;
}

/* "-28-amd64", "-91-generic": the number of an ABI, and a flavour. RHEL's
 * "-305.el8.x86_64" and SLES' "-150600.23-default" go on with a dot. */
static bool hides_level(const char *rest)
{
	uint32_t ignored;

	rest = *rest == '-' ? read_number(rest + 1, UINT16_MAX, &ignored) : NULL;
	return rest && *rest == '-';
}

bool kernel_version_parse(const char *uname, struct kernel_version *ret)
{
	uint32_t parts[3];
	const char *rest = uname;

	for (int i = 0; rest && i < 3; i++) {
		rest = read_number(rest, UINT8_MAX, &parts[i]);
		if (i < 2 && rest)
			rest = *rest == '.' ? rest + 1 : NULL;
	}
	if (!rest)
		return false;
	ret->low = parts[0] << 16 | parts[1] << 8 | parts[2];
	ret->high = !parts[2] && hides_level(rest) ? ret->low | UINT8_MAX : ret->low;
	return true;
}
