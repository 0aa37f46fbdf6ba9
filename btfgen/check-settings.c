/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "btfgen/check-settings.h"

#define VERSION "LINUX_KERNEL_VERSION"
#define COOKIE  "LINUX_HAS_BPF_COOKIE"
#define WRAPPER "LINUX_HAS_SYSCALL_WRAPPER"

/* Of the architectures whose system calls take one pointer, to registers, since 4.17. */
static const char *const wrappers[] = { "__x64_sys_bpf", "__ia32_sys_bpf", "__arm64_sys_bpf",
					"__s390x_sys_bpf", "__riscv_sys_bpf" };

static bool asks(const struct bpf_demands *demands, const char *name)
{
	return bpf_demands_find_setting(demands, name) >= 0;
}

bool check_settings_ask_version(const struct bpf_demands *demands)
{
	return asks(demands, VERSION);
}

int check_settings_want(struct check_names *names, const struct bpf_demands *demands)
{
	int error = 0;

	for (size_t i = 0; !error && asks(demands, WRAPPER) && i < ARRAY_SIZE(wrappers); i++)
		error = check_names_add(names, BTF_KIND_FUNC, wrappers[i]);
	return error;
}

static uint64_t has_wrapper(const struct check_facts *facts)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrappers); i++)
		if (check_facts_find(facts, BTF_KIND_FUNC, wrappers[i]))
			return 1;
	return 0;
}

static void fill(const struct demand_setting *setting, const struct check_facts *facts,
		 uint32_t version, struct reach_setting *ret)
{
	*ret = (struct reach_setting){ .name = setting->name, .size = setting->size };
	if (!strcmp(setting->name, VERSION)) {
		ret->is_known = version;
		ret->value = version;
	} else if (!strcmp(setting->name, COOKIE)) {
		ret->is_known = facts->helpers;
		ret->value = facts->helpers > BPF_FUNC_get_attach_cookie;
	} else if (!strcmp(setting->name, WRAPPER)) {
		ret->is_known = facts->has_functions;
		ret->value = has_wrapper(facts);
	} else {
		/* One that libbpf does not know is 0, where it may be missing. */
		ret->is_known = setting->is_weak && !strncmp(setting->name, "LINUX_", 6);
	}
}

void check_settings_fill(const struct bpf_demands *demands, const struct check_facts *facts,
			 uint32_t version, struct reach_setting *ret)
{
	for (size_t i = 0; i < demands->setting_count; i++)
		fill(&demands->settings[i], facts, version, &ret[i]);
}
