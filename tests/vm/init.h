/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first processes of all guests do: mount what a tool of tracing expects,
 * wait until it is ready, print what it said, and switch the machine off, which ends
 * qemu. Each guest is one file to compile, so this is a header.
 */
#ifndef VM_INIT_H
#define VM_INIT_H

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static inline void set_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("lo");
	close(fd);
}

static inline bool has_line(const char *path, const char *text)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	if (file)
		fclose(file);
	return found;
}

#define READY_SECONDS 180 /* a guest under emulation verifies programs slowly */

/* Until the process @pid has written @words into /err. False when it ended instead. */
static inline bool wait_for_words(const char *words, pid_t pid, int *status)
{
	for (int i = 0; i < READY_SECONDS * 20; i++) {
		if (has_line("/err", words))
			return true;
		if (waitpid(pid, status, WNOHANG) == pid)
			return false;
		usleep(50000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

/* A line "@mark who ..." for each of the file. */
static inline void print_file(const char *path, const char *mark, const char *who)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0)
		printf("\n@%s %s %s", mark, who, line);
	free(line);
	if (file)
		fclose(file);
}

#endif
