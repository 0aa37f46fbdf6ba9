/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the guest of tests/vm/check-foreign. It runs each object of /objects
 * with btfrun, as a user would who has nothing but the object, lets the machine be busy,
 * and prints on the console, one a line:
 *
 *	@event OBJECT TEXT	an event it printed; the first few
 *	@words OBJECT TEXT	what it said on stderr
 *	@result OBJECT STATUS EVENTS ENTRIES	how it ended; how many events there were, and
 *				how many entries its maps held at the end
 *	@end			all was run
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "init.h"

#define BUSY_ROUNDS   20
#define EVENTS_SHOWN  3
#define LINE_SHOWN    1000

static void exec_something(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/hello", "hello", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void use_files(void)
{
	char bytes[4096] = { 0 };
	int fd = open("/busy", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || write(fd, bytes, sizeof(bytes)) < 0 || fsync(fd) < 0 ||
	    pread(fd, bytes, sizeof(bytes), 0) < 0)
		die("/busy");
	close(fd);
	unlink("/busy");
	close(open("/no/such/file", O_RDONLY));
	sync();
}

/* A connection to ourselves, there and back. */
static void use_network(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int server;
	char bytes[1000] = { 0 };

	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
	    connect(client, (struct sockaddr *)&address, size) < 0)
		die("network");
	server = accept(listener, NULL, NULL);
	if (write(client, bytes, sizeof(bytes)) < 0 || read(server, bytes, sizeof(bytes)) < 0)
		die("network");
	close(client);
	close(server);
	close(listener);
}

static void use_the_rest(void)
{
	if (mkdir("/mnt", 0755) < 0 && errno != EEXIST)
		die("/mnt");
	if (!mount("busy", "/mnt", "tmpfs", 0, NULL))
		umount("/mnt");
	kill(getpid(), SIGUSR1);
	free(malloc(1 << 20));
	usleep(20000);
}

static void be_busy(void)
{
	for (int i = 0; i < BUSY_ROUNDS; i++) {
		exec_something();
		use_files();
		use_network();
		use_the_rest();
	}
}

/* --- one object ------------------------------------------------------------------------------ */

static void start(const char *path)
{
	int out = open("/out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open("/err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(out, 1);
	dup2(err, 2);
	execl("/bin/btfrun", "btfrun", "-v", "--json", path, "--dump-maps", (char *)NULL);
	_exit(127);
}

static void print_result(const char *name, int status)
{
	FILE *file = fopen("/out", "r");
	char *line = NULL;
	size_t room = 0;
	int events = 0, entries = 0;

	while (file && getline(&line, &room, file) > 0) {
		if (!strncmp(line, "{\"map\":", 7))
			entries++;
		else if (events++ < EVENTS_SHOWN)
			printf("\n@event %s %.*s", name, LINE_SHOWN, line);
	}
	free(line);
	if (file)
		fclose(file);
	printf("\n@result %s %d %d %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	       events, entries);
	fflush(stdout);
}

static void run(const char *name)
{
	char path[512];
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "/objects/%s", name);
	unlink("/out");
	unlink("/err");
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		start(path);
	if (wait_for_words(": running, ", pid, &status)) {
		be_busy();
		kill(pid, SIGINT);
		waitpid(pid, &status, 0);
	}
	print_file("/err", "words", name);
	print_result(name, status);
}

int main(void)
{
	struct dirent **entries;
	int count;

	if (getpid() != 1)
		return 0; /* "hello" */
	mount_all();
	set_loopback_up();
	signal(SIGUSR1, SIG_IGN);
	count = scandir("/objects", &entries, NULL, alphasort);
	if (count < 0)
		die("/objects");
	for (int i = 0; i < count; i++)
		if (entries[i]->d_name[0] != '.')
			run(entries[i]->d_name);
	end();
}
