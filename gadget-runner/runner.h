/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load a BPF object into this kernel, with a BTF chosen elsewhere, attach what
 * it has, hand on its events, take everything away again. The only file that
 * loads BPF, and the only owner of libbpf.
 *
 *	struct runner_config config = { .spec = &spec, .object = ..., .on_event = ... };
 *
 *	runner_open(&config, &runner, &err);	loaded and attached
 *	while (...)
 *		runner_poll(runner, 100, &err);	calls on_event
 *	runner_close(runner);			detached
 *
 * Which programs run: all that libbpf can attach by itself, and the only one for
 * perf events, which samples. A gadget's programs may be tagged OPTIONAL() or
 * INSTEAD_OF() (bpf-gadgets/gadget.bpf.h); of an object without such tags those
 * run that this kernel has a place for and takes, one of those that see the same
 * (choice.h). Programs that need the kernel's own BTF (fentry, tp_btf) are left
 * out where it has none. Maps that their tool would size get a size.
 *
 * Events: from every ring buffer and perf event array of the object. An object
 * that asks for `struct bpf_ringbuf` and declares a perf event array gets a ring
 * buffer in its place where the kernel has them.
 *
 * One thread a runner. libbpf's messages go to core/log, at debug level.
 */
#ifndef GADGET_RUNNER_RUNNER_H
#define GADGET_RUNNER_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "gadget-runner/gadget-options.h"
#include "gadget-runner/gadget-spec.h"
#include "gadget-runner/map-entries.h"

struct runner;

/* One event of @size bytes; @data is lent for the call. Non-zero stops the poll. */
typedef int (*runner_event_fn)(const void *data, size_t size, void *arg);

struct runner_config {
	const void *object; /* the bytes that @spec was read from */
	size_t object_size;
	const struct gadget_spec *spec;
	const struct gadget_options *options;
	const char *btf_path; /* NULL: the kernel's own; read until runner_open() returns */
	size_t buffer_size;   /* bytes of event buffer, rounded up; 0: 1 MiB in all */
	runner_event_fn on_event;
	void *arg;
};

/* Load and attach. Errors: -EPERM no right to; -ENOENT the kernel lacks a
 * tracepoint or function the object cannot do without; -EOPNOTSUPP nothing to
 * attach; -EBADMSG libbpf cannot read it; -EIO the kernel refused it. */
int runner_open(const struct runner_config *config, struct runner **ret, struct btfpack_error *err);
void runner_close(struct runner *runner);

/* Wait at most @timeout_ms for events and hand them on. 0; -EINTR after a
 * signal; what on_event returned; other errors with a sentence. */
int runner_poll(struct runner *runner, int timeout_ms, struct btfpack_error *err);

/* Detach all, then hand on the events that were recorded before. As runner_poll(). */
int runner_finish(struct runner *runner, struct btfpack_error *err);

/* Events the kernel could not hand over, so far. */
uint64_t runner_lost(const struct runner *runner);

/* Programs that are attached. */
size_t runner_attached(const struct runner *runner);

/* Of the map @name, as map_entries_each() does. -ENOENT: no such map. */
int runner_each_entry(struct runner *runner, const char *name, bool clear, map_entry_fn fn,
		      void *arg, struct btfpack_error *err);

/* The name, and the BTF types of key and value (0: none), of the @index-th map;
 * NULL at the end. For dumping. */
const char *runner_map(struct runner *runner, size_t index, uint32_t *key_type_ret,
		       uint32_t *value_type_ret, uint32_t *key_size_ret);

#endif
