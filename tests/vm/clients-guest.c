/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the guest of tests/vm/check-clients. For each client that is
 * there it starts the client, lets a child of a known name cause three execs, and prints
 * on the console, one a line:
 *
 *	@expect CLIENT TEXT	a line the client must print, from the mouth of its cause
 *	@out CLIENT TEXT	what it printed
 *	@words CLIENT TEXT	what it said on stderr
 *	@end			all was run; then the machine restarts, which ends qemu
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define LOAD_SECONDS 15   /* under emulation verification is slow */
#define RUN_SECONDS  "25" /* for clients that end by themselves */
#define TELL_SECONDS 20
#define EXECS        3

/* How clients tell an exec: one line each, or one sum for each parent. */
enum telling { EACH, SUM };

static const struct client {
	const char *name;
	enum telling telling;
	const char *args[4];
} clients[] = {
	{ "bcc", EACH, { "/bin/bcc-execsnoop" } },
	{ "cilium", SUM, { "/bin/cilium-execcount", "/execcount.bpf.o", RUN_SECONDS } },
	{ "gadget", EACH, { "/bin/gadget", "/execsnoop.bpf.o" } },
	{ "libbpf", SUM, { "/bin/libbpf-execcount", "/execcount.bpf.o", RUN_SECONDS } },
};

static void redirect(const char *path, int fd)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
}

static void exec_hello(const struct client *client)
{
	if (client->telling == EACH)
		printf("\n@expect %s hello %d %d 0 /bin/hello to you\n", client->name, getpid(),
		       getppid());
	fflush(stdout);
	execl("/bin/hello", "/bin/hello", "to", "you", (char *)NULL);
	_exit(127);
}

/* The parent of the execs: a process that has no other children. */
static void cause(const struct client *client)
{
	for (int i = 0; i < EXECS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			exec_hello(client);
		waitpid(pid, NULL, 0);
	}
	if (client->telling == SUM)
		printf("\n@expect %s %d %d\n", client->name, getpid(), EXECS);
	fflush(stdout);
	_exit(0);
}

static int count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count++;
	if (file)
		fclose(file);
	return count;
}

/* Until it has told all of them, or has had its time. */
static void await_telling(void)
{
	for (int i = 0; i < TELL_SECONDS * 10 && count_lines("/out") < EXECS; i++)
		usleep(100000);
	sleep(1);
}

static void run(const struct client *client)
{
	pid_t pid, causer;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		redirect("/out", STDOUT_FILENO);
		redirect("/err", STDERR_FILENO);
		execv(client->args[0], (char **)client->args);
		_exit(127);
	}
	sleep(LOAD_SECONDS);
	causer = fork();
	if (causer == 0)
		cause(client);
	waitpid(causer, NULL, 0);
	if (client->telling == EACH) {
		await_telling();
		kill(pid, SIGINT);
	}
	waitpid(pid, &status, 0);
	print_file("/out", "out", client->name);
	print_file("/err", "words", client->name);
	printf("\n@status %s %d\n", client->name, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int main(void)
{
	if (getpid() != 1)
		return 0; /* "hello" */
	mount_all();
	printf("\n@btf %s\n", access("/sys/kernel/btf/vmlinux", F_OK) ? "none" : "own");
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (!access(clients[i].args[0], X_OK))
			run(&clients[i]);
	end();
}
