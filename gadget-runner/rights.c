/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "core/cleanup.h"
#include "gadget-runner/rights.h"

#define CAP_SYS_ADMIN_BIT    21
#define CAP_SYS_RESOURCE_BIT 24
#define CAP_PERFMON_BIT      38
#define CAP_BPF_BIT          39

#define PARANOIA_USUAL       2       /* the highest of Linux itself */
#define LOCKED_KB_ENOUGH     65536UL /* for every gadget and its buffers */

bool rights_is_locked_down(const char *root)
{
	AUTO_FREE char *path = NULL;
	AUTO_FILE FILE *file = NULL;
	char line[128] = "";

	if (asprintf(&path, "%s/sys/kernel/security/lockdown", root) < 0)
		return false;
	file = fopen(path, "re");
	return file && fgets(line, sizeof(line), file) && strstr(line, "[confidentiality]");
}

uint64_t rights_capabilities(void)
{
	AUTO_FILE FILE *file = fopen("/proc/self/status", "re");
	unsigned long long ret = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &ret) == 1)
			break;
	return ret;
}

static bool has(uint64_t capabilities, int bit)
{
	return capabilities >> bit & 1;
}

bool rights_has_admin(uint64_t capabilities)
{
	return has(capabilities, CAP_SYS_ADMIN_BIT);
}

bool rights_are_for_tracing(uint64_t capabilities)
{
	return rights_has_admin(capabilities) ||
	       (has(capabilities, CAP_BPF_BIT) && has(capabilities, CAP_PERFMON_BIT));
}

int rights_paranoia(void)
{
	AUTO_FILE FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int ret = 0;

	return file && fscanf(file, "%d", &ret) == 1 && ret > PARANOIA_USUAL ? ret : 0;
}

/* 5.11 began to charge maps to the control group (97306be45fbe and its series). */
static bool counts_as_locked(void)
{
	struct utsname host;
	int major, minor;

	return !uname(&host) && sscanf(host.release, "%d.%d", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 11));
}

unsigned long rights_locked_kilobytes(uint64_t capabilities)
{
	struct rlimit limit;

	if (has(capabilities, CAP_SYS_RESOURCE_BIT) || !counts_as_locked() ||
	    getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_max / 1024 >= LOCKED_KB_ENOUGH)
		return 0;
	return limit.rlim_max >= 1024 ? limit.rlim_max / 1024 : 1;
}

static bool is_refusal(int code)
{
	return code == -EPERM || code == -EACCES;
}

const char *rights_advise(int code, char *ret, size_t size)
{
	uint64_t capabilities = rights_capabilities();
	unsigned long kilobytes = rights_locked_kilobytes(capabilities);
	int paranoia = rights_paranoia();

	*ret = '\0';
	/* It hides helpers and tracefs, so that the errors are many. */
	if (rights_is_locked_down(""))
		snprintf(ret, size,
			 "; the kernel is locked down against tracing: boot without "
			 "lockdown=confidentiality");
	else if (!is_refusal(code))
		return ret;
	else if (!rights_are_for_tracing(capabilities))
		snprintf(ret, size,
			 "; it takes root, or CAP_BPF and CAP_PERFMON (before Linux 5.8 "
			 "CAP_SYS_ADMIN)");
	else if (code == -EPERM && kilobytes)
		snprintf(ret, size,
			 "; only %lu kB may be locked in memory: `ulimit -l unlimited`, or "
			 "CAP_SYS_RESOURCE",
			 kilobytes);
	else if (paranoia && !rights_has_admin(capabilities))
		snprintf(ret, size,
			 "; kernel.perf_event_paranoid is %d: it takes CAP_SYS_ADMIN, or `sysctl "
			 "kernel.perf_event_paranoid=%d`",
			 paranoia, PARANOIA_USUAL);
	return ret;
}
