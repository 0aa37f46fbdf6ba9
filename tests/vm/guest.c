/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of a test guest. It runs each gadget of its table, makes the
 * events the gadget is to see, and prints on the console, one a line:
 *
 *	@event GADGET {...}	what the gadget printed
 *	@expect GADGET {...}	what one of its events must contain, from the mouth of
 *				the process that caused it
 *	@words GADGET ...	what the gadget said on stderr
 *	@end			all was run; then the machine is switched off
 *
 * Arguments (of the kernel, after "--"): names of gadgets; none: all.
 * The same binary is also the program that is executed in the tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_SECONDS 60 /* a guest under emulation verifies programs slowly */

static const char *current;

__attribute__((format(printf, 1, 2))) static void expect(const char *format, ...)
{
	va_list args;

	printf("\n@expect %s ", current);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void die(const char *what)
{
	printf("\n@die %s: %s\n", what, strerror(errno));
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Run @body in a child and wait for it. */
static pid_t in_child(void (*body)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		body();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return pid;
}

/* --- events, by gadget ---------------------------------------------------------------- */

static void exec_hello(void)
{
	char *args[] = { "hello", "one", "two words", "\"three\"", NULL };

	expect("{\"pid\":%d,\"tid\":%d,\"ppid\":%d,\"uid\":%d,\"comm\":\"hello\",\"ret\":0,"
	       "\"args\":[\"hello\",\"one\",\"two words\",\"\\\"three\\\"\"]}",
	       getpid(), getpid(), getppid(), getuid());
	fflush(stdout);
	execv("/bin/hello", args);
}

static void exec_nothing(void)
{
	char *args[] = { "nothing", "at", "all", NULL };

	expect("{\"pid\":%d,\"ppid\":%d,\"ret\":%d,\"args\":[\"nothing\",\"at\",\"all\"]}",
	       getpid(), getppid(), -ENOENT);
	execv("/no/such/program", args);
}

static void exec_as_somebody(void)
{
	if (setuid(1234) < 0)
		die("setuid");
	in_child(exec_hello);
}

static void make_execs(void)
{
	in_child(exec_hello);
	in_child(exec_nothing);
	in_child(exec_as_somebody);
}

static void open_file(const char *path, int flags, mode_t mode, const char *flag_names)
{
	int fd = open(path, flags, mode);

	expect("{\"pid\":%d,\"tid\":%d,\"comm\":\"init\",\"path\":\"%s\",\"fd\":%d,\"error\":%d,"
	       "\"flags\":\"%s\",\"mode\":\"%04o\"}",
	       getpid(), getpid(), path, fd, fd < 0 ? -errno : 0, flag_names, mode);
	if (fd >= 0)
		close(fd);
}

static void make_opens(void)
{
	open_file("/bin/hello", O_RDONLY | O_CLOEXEC, 0, "O_RDONLY|O_CLOEXEC");
	open_file("/made", O_WRONLY | O_CREAT | O_EXCL, 0640, "O_WRONLY|O_CREAT|O_EXCL");
	open_file("/no/such/file", O_RDWR, 0, "O_RDWR");
}

static const struct test {
	const char *gadget;
	const char *options[4];
	void (*make_events)(void);
} tests[] = {
	{ "execsnoop", { "--fails" }, make_execs },
	{ "opensnoop", { 0 }, make_opens },
};

/* --- running a gadget -------------------------------------------------------------------- */

static void start_gadget(const struct test *test)
{
	char *args[16] = { "btfrun", getenv("VV") ? "-vv" : "-v", "--json" };
	int n = 3;
	int out = open("/out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open("/err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (dup2(out, 1) < 0 || dup2(err, 2) < 0)
		die("dup2");
	if (!access("/btf", F_OK)) {
		args[n++] = "--btf";
		args[n++] = "/btf";
	}
	args[n++] = (char *)test->gadget;
	for (int i = 0; test->options[i]; i++)
		args[n++] = (char *)test->options[i];
	execv("/bin/btfrun", args);
	die("/bin/btfrun");
}

static bool has_line(const char *path, const char *text)
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

/* False when the gadget ended instead. */
static bool wait_until_ready(pid_t pid, int *status)
{
	for (int i = 0; i < READY_SECONDS * 20; i++) {
		if (has_line("/err", ": running, "))
			return true;
		if (waitpid(pid, status, WNOHANG) == pid)
			return false;
		usleep(50000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

static void print_file(const char *path, const char *prefix)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0)
		printf("\n@%s %s %s", prefix, current, line);
	free(line);
	if (file)
		fclose(file);
}

static void run_test(const struct test *test)
{
	int status = 0;
	pid_t pid;

	current = test->gadget;
	unlink("/out");
	unlink("/err");
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		start_gadget(test);
	if (wait_until_ready(pid, &status)) {
		test->make_events();
		usleep(500000);
		kill(pid, SIGINT);
		waitpid(pid, &status, 0);
	}
	print_file("/out", "event");
	print_file("/err", "words");
	printf("\n@status %s %d\n", current, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	fflush(stdout);
}

static void mount_all(void)
{
	static const struct {
		const char *type, *path;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tracefs", "/sys/kernel/tracing" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL) < 0 &&
		    errno != EBUSY)
			die(mounts[i].path);
	}
}

static bool is_wanted(const char *gadget, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], gadget))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	struct utsname host;

	if (getpid() != 1)
		return 0; /* "hello" */
	setvbuf(stdout, NULL, _IOFBF, 65536);
	mount_all();
	uname(&host);
	printf("\n@kernel %s %s\n", host.machine, host.release);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (is_wanted(tests[i].gadget, argc, argv))
			run_test(&tests[i]);
	printf("\n@end\n");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
