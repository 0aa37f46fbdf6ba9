/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first process of every guest does at both ends: mount what a tool of
 * tracing expects, and switch the machine off, which ends qemu. Each guest is one
 * file to compile, so this is a header.
 */
#ifndef VM_INIT_H
#define VM_INIT_H

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Restarts, rather: -no-reboot makes that the end, on every architecture. */
__attribute__((noreturn)) static void power_off(void)
{
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* Nothing to go on with: one line "@die", and off. */
__attribute__((noreturn)) static void die(const char *what)
{
	printf("\n@die %s: %s\n", what, strerror(errno));
	power_off();
}

/* All was done. */
__attribute__((noreturn)) static void end(void)
{
	printf("\n@end\n");
	power_off();
}

/* What a kernel does not know (ENODEV), or has no place for (ENOENT), it does without. */
static void mount_all(void)
{
	static const char *const mounts[][2] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tracefs", "/sys/kernel/tracing" },
		{ "cgroup2", "/sys/fs/cgroup" },
		{ "bpf", "/sys/fs/bpf" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i][1], 0755);
		if (mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL) < 0 &&
		    errno != EBUSY && errno != ENODEV && errno != ENOENT)
			die(mounts[i][1]);
	}
}

__attribute__((unused)) static void set_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("lo");
	close(fd);
}

#endif
