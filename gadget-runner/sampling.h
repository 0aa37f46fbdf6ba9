/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that want to be run again and again, whatever happens: profilers. */
#ifndef GADGET_RUNNER_SAMPLING_H
#define GADGET_RUNNER_SAMPLING_H

struct bpf_link;
struct bpf_program;

/* Run @program on @cpu, 49 times a second while that is busy. NULL and errno: ENODEV for a
 * CPU that is off. */
struct bpf_link *sampling_attach(const struct bpf_program *program, int cpu);

#endif
