/* SPDX-License-Identifier: BSD-2-Clause */
/* An os-release of any bytes; and what select makes of the names it gives, of a
 * uname that is the rest of the input. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime-loader/host.h"
#include "runtime-loader/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t build_id[BUNDLE_BUILD_ID_SIZE] = { 1 };
	static const char *const unames[] = { "6.1.0-28-amd64", "3.10.0-1160.el7.x86_64" };
	struct bundle_entry entry = { "debian", "12", "x86_64", unames[0], build_id,
				      BUNDLE_BUILD_ID_SIZE, 0, 0 };
	struct btfpack_host host = { .arch = "x86_64" };
	struct story story = { 0 };
	struct select_answer answer;
	struct select s;
	size_t tail = size < 100 ? size : 100;

	host_parse_os_release((const char *)data, size, &host);
	if (tail) {
		memcpy(host.uname, data + size - tail, tail);
		memcpy(host.build_id, data + size - tail, tail < 70 ? tail : 70);
	}
	select_init(&s, &host, true, &story);
	for (size_t i = 0; i < 2; i++) {
		entry.uname = unames[i];
		select_offer(&s, &entry);
	}
	entry.uname = host.uname;
	select_offer(&s, &entry);
	select_finish(&s, &answer);
	if (strlen(story.text) >= sizeof(story.text))
		abort();
	return 0;
}
