/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <btfpack/loader.h>

#include "core/cleanup.h"
#include "gadget-runner/host-check.h"
#include "gadget-runner/rights.h"

struct checker {
	const struct host_check_input *input;
	const char *root; /* "" for "/" */
	bool is_here;     /* the host is this machine */
	host_check_fn fn;
	void *arg;
	enum host_state worst;
	bool lacks_gadgets; /* some of ours cannot run */
	char missing[256]; /* names */
};

const char *host_state_name(enum host_state state)
{
	static const char *const names[] = { "ok", "lacks", "missing", "unknown" };

	return names[state];
}

__attribute__((format(printf, 5, 6))) static void report(struct checker *c, const char *name,
							 enum host_state state, const char *advice,
							 const char *format, ...)
{
	struct host_check check = { .name = name, .state = state, .advice = advice };
	va_list args;

	va_start(args, format);
	vsnprintf(check.found, sizeof(check.found), format, args);
	va_end(args);
	if (state != HOST_UNKNOWN && state > c->worst)
		c->worst = state;
	if (state == HOST_MISSING)
		snprintf(c->missing + strlen(c->missing), sizeof(c->missing) - strlen(c->missing),
			 "%s%s", *c->missing ? ", " : "", name);
	c->fn(&check, c->arg);
}

void host_check_print(const struct host_check *check, char *ret, size_t size)
{
	int used = snprintf(ret, size, "%-8s %-24s %s\n", host_state_name(check->state),
			    check->name, check->found);

	if (*check->advice && used > 0 && (size_t)used < size)
		snprintf(ret + used, size - used, "%-8s %-24s   %s\n", "", "", check->advice);
}

/* --- files below the root ----------------------------------------------------------------- */

static bool exists(const struct checker *c, const char *path)
{
	AUTO_FREE char *full = NULL;
	struct stat st;

	/* access(2) would forget capabilities. */
	return asprintf(&full, "%s%s", c->root, path) >= 0 && !stat(full, &st);
}

static FILE *open_file(const struct checker *c, const char *path)
{
	AUTO_FREE char *full = NULL;

	return asprintf(&full, "%s%s", c->root, path) >= 0 ? fopen(full, "re") : NULL;
}

/* The first line of a small file; "" when it cannot be read. */
static const char *read_line(const struct checker *c, const char *path, char *ret, size_t size)
{
	AUTO_FILE FILE *file = open_file(c, path);

	if (!file || !fgets(ret, size, file))
		*ret = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return ret;
}

/* --- the checks ------------------------------------------------------------------------------ */

static void check_kernel(struct checker *c)
{
	struct btfpack_host host;

	if (btfpack_host_detect(c->is_here ? NULL : c->root, &host, NULL) < 0)
		report(c, "kernel", HOST_UNKNOWN, "", "cannot tell");
	else
		report(c, "kernel", HOST_OK, "", "%s %s %s %s%s%s",
		       *host.distro ? host.distro : "(no os-release)", host.release, host.arch,
		       host.uname, *host.build_id ? ", build-id " : "", host.build_id);
}

static void check_own_btf(struct checker *c)
{
	if (exists(c, "/sys/kernel/btf/vmlinux"))
		report(c, "kernel BTF", HOST_OK, "", "/sys/kernel/btf/vmlinux");
	else
		report(c, "kernel BTF", HOST_LACKS,
		       "BTF must come from a bundle or a file; fentry programs cannot run",
		       "no /sys/kernel/btf/vmlinux");
}

/* The story's last line tells the choice. */
static const char *last_line(const char *text)
{
	const char *newline = strrchr(text, '\n');

	return newline ? newline + 1 : text;
}

/* What is to be done about there being no BTF. */
static const char *choice_advice(const struct checker *c, int error)
{
	if (error == -ENOENT && !c->input->bundle && !c->input->bundle_data)
		return "give a bundle: --bundle FILE; `btfpack bundle` writes it";
	if (error == -ENOENT && c->input->bundle && access(c->input->bundle, F_OK))
		return "give the path of a bundle: `btfpack bundle` writes it";
	if (error == -ENOENT)
		return "add this kernel to the bundle: `btfpack build` or `btfpack add`, then "
		       "`btfpack bundle`";
	if (error == -EBADMSG || error == -EOPNOTSUPP)
		return "write the bundle anew: `btfpack bundle`";
	return "";
}

static void check_choice(struct checker *c)
{
	const struct host_check_input *input = c->input;
	struct btfpack_loader_opts opts = {
		.size = sizeof(opts),
		.root = c->is_here ? NULL : c->root,
	};
	struct btfpack_loader *loader;
	struct btfpack_error err = { 0 };
	int error;

	if (input->bundle || !input->bundle_data)
		error = btfpack_loader_open(input->bundle, &opts, &loader, &err);
	else
		error = btfpack_loader_open_mem(input->bundle_data, input->bundle_size, &opts,
						&loader, &err);
	if (error < 0) {
		report(c, "BTF to use", HOST_MISSING, choice_advice(c, error), "%s", err.message);
		return;
	}
	report(c, "BTF to use", HOST_OK, "", "%s", last_line(btfpack_loader_reason(loader)));
	btfpack_loader_close(loader);
}

static void check_tracefs(struct checker *c)
{
	static const char *const places[] = { "/sys/kernel/tracing/events",
					      "/sys/kernel/debug/tracing/events" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (exists(c, places[i])) {
			report(c, "tracefs", HOST_OK, "", "%s", places[i]);
			return;
		}
		if (errno == EACCES) {
			report(c, "tracefs", HOST_MISSING, "run as root, or with CAP_DAC_READ_SEARCH",
			       "%s: %s", places[i], strerror(errno));
			return;
		}
	}
	if (rights_is_locked_down(c->root)) {
		report(c, "tracefs", HOST_MISSING, "see lockdown", "it is there, but empty");
		return;
	}
	report(c, "tracefs", HOST_MISSING, "mount -t tracefs tracefs /sys/kernel/tracing, as root",
	       "neither /sys/kernel/tracing/events nor /sys/kernel/debug/tracing/events can be "
	       "seen");
}

/* What the kernel can do shows in the names of its functions. */
static struct feature {
	const char *name, *symbol;
	enum host_state without;
	const char *advice;
	bool gadgets_need_it, found;
} const known_features[] = {
	{ "bpf(2)", "bpf_check", HOST_MISSING, "a kernel with CONFIG_BPF_SYSCALL", true, false },
	{ "tracing programs", "trace_call_bpf", HOST_MISSING, "a kernel with CONFIG_BPF_EVENTS",
	  true, false },
	{ "kprobes", "register_kprobe", HOST_LACKS,
	  "bindsnoop, capable, tcpaccept and tcpconnect need CONFIG_KPROBES", true, false },
	{ "system call tracepoints", "perf_syscall_enter", HOST_LACKS,
	  "execsnoop, mountsnoop and opensnoop need CONFIG_FTRACE_SYSCALLS", true, false },
	{ "ring buffer", "bpf_ringbuf_output", HOST_LACKS,
	  "gadgets use a perf event array; others' objects may need Linux 5.8", false, false },
	{ "global data", "array_map_direct_value_addr", HOST_LACKS,
	  "gadgets do without; others' objects may need Linux 5.2", false, false },
};

static bool look_for_symbols(const struct checker *c, struct feature *features, size_t count)
{
	AUTO_FILE FILE *file = open_file(c, "/proc/kallsyms");
	char line[512], symbol[256];
	bool any = false;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*x %*c %255s", symbol) != 1)
			continue;
		any = true;
		for (size_t i = 0; i < count; i++)
			features[i].found |= !strcmp(features[i].symbol, symbol);
	}
	return any;
}

static void check_features(struct checker *c)
{
	struct feature features[ARRAY_SIZE(known_features)];
	bool is_readable;

	memcpy(features, known_features, sizeof(features));
	is_readable = look_for_symbols(c, features, ARRAY_SIZE(features));
	if (!is_readable) {
		report(c, "kernel functions", HOST_UNKNOWN,
		       "what the kernel can do shows when a gadget is run",
		       "/proc/kallsyms tells no names");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];

		c->lacks_gadgets |= f->gadgets_need_it && !f->found;
		if (f->found)
			report(c, f->name, HOST_OK, "", "the kernel has %s()", f->symbol);
		else
			report(c, f->name, f->without, f->advice, "the kernel has no %s()",
			       f->symbol);
	}
}

static void check_jit(struct checker *c)
{
	char line[64];

	read_line(c, "/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));
	if (!*line)
		report(c, "JIT", HOST_UNKNOWN, "", "no /proc/sys/net/core/bpf_jit_enable");
	else if (*line == '0')
		report(c, "JIT", HOST_LACKS, "sysctl net.core.bpf_jit_enable=1 makes programs fast",
		       "net.core.bpf_jit_enable is 0");
	else
		report(c, "JIT", HOST_OK, "", "net.core.bpf_jit_enable is %s", line);
}

static void check_lockdown(struct checker *c)
{
	char line[128];

	read_line(c, "/sys/kernel/security/lockdown", line, sizeof(line));
	if (rights_is_locked_down(c->root))
		report(c, "lockdown", HOST_MISSING,
		       "boot without lockdown=confidentiality (Secure Boot may set it)",
		       "the kernel is locked down against tracing: %s", line);
	else
		report(c, "lockdown", HOST_OK, "", "%s", *line ? line : "the kernel tells none");
}

static void check_rights(struct checker *c)
{
	uint64_t capabilities = rights_capabilities();
	unsigned long kilobytes = rights_locked_kilobytes(capabilities);
	int paranoia = rights_has_admin(capabilities) ? 0 : rights_paranoia();

	if (rights_are_for_tracing(capabilities))
		report(c, "rights", HOST_OK, "", "%s",
		       rights_has_admin(capabilities) ? "CAP_SYS_ADMIN"
						      : "CAP_BPF and CAP_PERFMON");
	else
		report(c, "rights", HOST_MISSING, "run as root, or with CAP_BPF and CAP_PERFMON",
		       "neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON");
	if (paranoia)
		report(c, "perf events", HOST_MISSING,
		       "run with CAP_SYS_ADMIN, or `sysctl kernel.perf_event_paranoid=2`",
		       "kernel.perf_event_paranoid is %d", paranoia);
	if (kilobytes)
		report(c, "locked memory", HOST_MISSING,
		       "`ulimit -l unlimited`, or run with CAP_SYS_RESOURCE",
		       "no more than %lu kB, and this kernel counts maps as such", kilobytes);
}

static void conclude(struct checker *c)
{
	if (c->worst == HOST_MISSING)
		report(c, "gadgets", HOST_MISSING, "", "cannot run here, for want of: %s",
		       c->missing);
	else if (c->lacks_gadgets)
		report(c, "gadgets", HOST_LACKS, "", "can run here, but not all that there are");
	else
		report(c, "gadgets", HOST_OK, "", "can run here%s",
		       c->worst == HOST_OK ? "" : "; objects of others may want more");
}

enum host_state host_check_all(const struct host_check_input *input, host_check_fn fn, void *arg)
{
	struct checker c = {
		.input = input,
		.root = input->root ? input->root : "",
		.is_here = !input->root,
		.fn = fn,
		.arg = arg,
		.worst = HOST_OK,
	};

	check_kernel(&c);
	check_own_btf(&c);
	check_choice(&c);
	check_features(&c);
	check_tracefs(&c);
	check_jit(&c);
	check_lockdown(&c);
	if (c.is_here)
		check_rights(&c);
	conclude(&c);
	return c.worst;
}
