/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gadget-runner/sampling.h"

/* Not in step with what happens every 20 or 10 ms. */
#define SAMPLES_A_SECOND 49

struct bpf_link *sampling_attach(const struct bpf_program *program, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = SAMPLES_A_SECOND,
		.freq = 1,
	};
	struct bpf_link *link;
	int error, fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(program, fd);
	error = errno;
	if (!link)
		close(fd);
	errno = error;
	return link;
}
