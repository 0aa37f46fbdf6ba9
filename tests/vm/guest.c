/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of a test guest. It runs each gadget of its table, makes the
 * events the gadget is to see, and prints on the console, one a line:
 *
 *	@event GADGET {...}	what the gadget printed
 *	@expect GADGET {...}	what one of its events must contain, from the mouth of
 *				the process that caused it
 *	@words GADGET ...	what the gadget said on stderr
 *	@status GADGET N	its exit status
 *	@end			all was run; then the machine restarts, which ends qemu
 *
 * Arguments (of the kernel, after "--"): names of gadgets; none: all.
 * The same binary is also the program that is executed in the tests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define BUSY_SECONDS 60

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

static void exit_with_status(void)
{
	expect("{\"pid\":%d,\"ppid\":%d,\"status\":3,\"signal\":\"0\",\"core\":false,"
	       "\"age\":{\"min\":50,\"max\":60000}}",
	       getpid(), getppid());
	fflush(stdout);
	usleep(60000);
	_exit(3);
}

static void exit_by_signal(void)
{
	expect("{\"pid\":%d,\"ppid\":%d,\"status\":0,\"signal\":\"SIGKILL\"}", getpid(), getppid());
	fflush(stdout);
	kill(getpid(), SIGKILL);
}

static void make_exits(void)
{
	in_child(exit_with_status);
	in_child(exit_by_signal);
}

/* A child that waits until it is killed, under a name of its own, which it has when this
 * returns. */
static pid_t start_sleeper(const char *name)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	if (pipe(ready) < 0)
		die("pipe");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		signal(SIGUSR1, SIG_IGN);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		die("sleeper");
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void make_signals(void)
{
	pid_t pid = start_sleeper("sleeper");

	kill(pid, SIGUSR1);
	expect("{\"pid\":%d,\"comm\":\"init\",\"signal\":\"SIGUSR1\",\"tpid\":%d,"
	       "\"tcomm\":\"sleeper\",\"code\":0,\"result\":\"ignored\"}",
	       getpid(), pid);
	kill(pid, SIGKILL);
	expect("{\"pid\":%d,\"signal\":\"SIGKILL\",\"tpid\":%d,\"result\":\"delivered\"}",
	       getpid(), pid);
	waitpid(pid, NULL, 0);
}

static void make_mounts(void)
{
	mkdir("/mnt", 0755);
	if (mount("some-source", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") < 0)
		die("mount");
	expect("{\"pid\":%d,\"op\":\"mount\",\"error\":0,\"flags\":\"MS_NOSUID|MS_NODEV\","
	       "\"type\":\"tmpfs\",\"data\":\"size=1m\",\"source\":\"some-source\","
	       "\"target\":\"/mnt\"}",
	       getpid());
	umount2("/mnt", MNT_FORCE);
	expect("{\"pid\":%d,\"op\":\"umount\",\"error\":0,\"target\":\"/mnt\"}", getpid());
	mount("x", "/mnt", "nosuchfs", 0, NULL);
	expect("{\"op\":\"mount\",\"error\":%d,\"type\":\"nosuchfs\",\"source\":\"x\"}", -ENODEV);
}

/* --- sockets --- */

#define PORT 7070

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t size;
	const char *text;
};

static struct address loopback(int family, int port)
{
	struct address a = { .text = family == AF_INET ? "127.0.0.1" : "::1" };

	if (family == AF_INET) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.size = sizeof(a.v4);
	} else {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		a.v6.sin6_addr = in6addr_loopback;
		a.size = sizeof(a.v6);
	}
	return a;
}

static int listen_on(int family)
{
	struct address a = loopback(family, PORT);
	int fd = socket(family, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		return -1; /* a kernel without IPv6 */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &a.any, a.size) < 0 || listen(fd, 5) < 0)
		die("listen");
	return fd;
}

/* The port a socket is bound to. */
static int local_port(int fd)
{
	struct address a = { .size = sizeof(a.v6) };

	getsockname(fd, &a.any, &a.size);
	return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

/* Connect, send 1000 bytes, receive 500, close; what a gadget is to see of it is
 * printed with @client and @server. */
typedef void (*tell_fn)(const char *address, int server_port, int client_port, pid_t pid);

static void client(int family, tell_fn tell)
{
	struct address a = loopback(family, PORT);
	int fd = socket(family, SOCK_STREAM, 0);
	char data[1000] = { 0 };

	if (connect(fd, &a.any, a.size) < 0)
		die("connect");
	if (tell)
		tell(a.text, PORT, local_port(fd), getpid());
	if (write(fd, data, 1000) != 1000 || recv(fd, data, 500, MSG_WAITALL) != 500)
		die("client");
	close(fd);
}

static void talk(int family, tell_fn tell_client, tell_fn tell_server)
{
	int listener = listen_on(family), fd;
	char data[1000] = { 0 };
	struct address a = { .size = sizeof(a.v6) };
	pid_t pid;

	if (listener < 0)
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		client(family, tell_client);
		fflush(stdout);
		_exit(0);
	}
	fd = accept(listener, &a.any, &a.size);
	if (tell_server)
		tell_server(loopback(family, 0).text, PORT,
			    ntohs(family == AF_INET ? a.v4.sin_port : a.v6.sin6_port), getpid());
	if (fd < 0 || recv(fd, data, 1000, MSG_WAITALL) != 1000 || write(fd, data, 500) != 500)
		die("server");
	while (read(fd, data, sizeof(data)) > 0) /* until the client closes */
		;
	close(fd);
	close(listener);
	waitpid(pid, NULL, 0);
	usleep(100000);
}

static void talk_both(tell_fn tell_client, tell_fn tell_server)
{
	talk(AF_INET, tell_client, tell_server);
	talk(AF_INET6, tell_client, tell_server);
}

static void tell_connect(const char *address, int server_port, int client_port, pid_t pid)
{
	expect("{\"pid\":%d,\"comm\":\"init\",\"saddr\":\"%s\",\"daddr\":\"%s\",\"sport\":%d,"
	       "\"dport\":%d}",
	       pid, address, address, client_port, server_port);
}

static void make_connects(void)
{
	talk_both(tell_connect, NULL);
}

static void tell_accept(const char *address, int server_port, int client_port, pid_t pid)
{
	expect("{\"pid\":%d,\"laddr\":\"%s\",\"raddr\":\"%s\",\"lport\":%d,\"rport\":%d}", pid,
	       address, address, server_port, client_port);
}

static void make_accepts(void)
{
	talk_both(NULL, tell_accept);
}

static void tell_client_life(const char *address, int server_port, int client_port, pid_t pid)
{
	expect("{\"pid\":%d,\"laddr\":\"%s\",\"lport\":%d,\"raddr\":\"%s\",\"rport\":%d,"
	       "\"tx\":{\"min\":1000,\"max\":1002},\"rx\":{\"min\":500,\"max\":501},"
	       "\"duration\":{\"min\":0,\"max\":60000}}",
	       pid, address, client_port, address, server_port);
}

static void tell_server_life(const char *address, int server_port, int client_port, pid_t pid)
{
	expect("{\"pid\":%d,\"laddr\":\"%s\",\"lport\":%d,\"raddr\":\"%s\",\"rport\":%d,"
	       "\"tx\":{\"min\":500,\"max\":501},\"rx\":{\"min\":1000,\"max\":1001}}",
	       pid, address, server_port, address, client_port);
}

static void make_lives(void)
{
	talk_both(tell_client_life, tell_server_life);
}

static void make_round_trips(void)
{
	talk(AF_INET, NULL, NULL);
	expect("{\"raddr\":\"127.0.0.1\",\"unit\":\"usecs\",\"slots\":{\"sum\":{\"min\":2}}}");
}

static void bind_to(int family, int type, int port, const char *protocol)
{
	struct address a = loopback(family, port);
	int fd = socket(family, type, 0), again = socket(family, type, 0), one = 1, ret;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof(one));
	if (bind(fd, &a.any, a.size) < 0)
		die("bind");
	expect("{\"pid\":%d,\"error\":0,\"protocol\":\"%s\",\"port\":%d,\"address\":\"%s\","
	       "\"options\":[\"freebind\",\"reuseaddr\"]}",
	       getpid(), protocol, local_port(fd), a.text);
	a = loopback(family, local_port(fd));
	if (type == SOCK_STREAM && listen(fd, 1) < 0)
		die("listen");
	ret = bind(again, &a.any, a.size);
	expect("{\"pid\":%d,\"error\":%d,\"protocol\":\"%s\",\"port\":%d,\"address\":\"%s\","
	       "\"options\":[]}",
	       getpid(), ret < 0 ? -errno : 0, protocol, local_port(fd), a.text);
	close(fd);
	close(again);
}

static void make_binds(void)
{
	bind_to(AF_INET, SOCK_STREAM, 7777, "tcp");
	bind_to(AF_INET, SOCK_DGRAM, 0, "udp");
	bind_to(AF_INET6, SOCK_STREAM, 7778, "tcp");
}

/* --- memory, capabilities, disks, CPUs --- */

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* The kernel is asked to kill; one process offers itself, all others are exempt. */
static void make_oom(void)
{
	char path[64];
	pid_t pid = start_sleeper("victim");

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	write_text(path, "1000");
	write_text("/proc/sysrq-trigger", "f");
	waitpid(pid, NULL, 0);
	expect("{\"tpid\":%d,\"tcomm\":\"victim\",\"pages\":{\"min\":1000}}", pid);
}

static void try_chroot(void)
{
	int ret;

	prctl(PR_SET_NAME, "nobody");
	if (setuid(1234) < 0)
		die("setuid");
	ret = chroot("/");
	expect("{\"pid\":%d,\"uid\":1234,\"comm\":\"nobody\",\"cap\":\"CAP_SYS_CHROOT\","
	       "\"error\":%d,\"audit\":true}",
	       getpid(), ret < 0 ? -errno : 0);
}

static void make_capability_checks(void)
{
	in_child(try_chroot);
	if (chroot("/") < 0)
		die("chroot");
	expect("{\"pid\":%d,\"cap\":\"CAP_SYS_CHROOT\",\"error\":0,\"audit\":true}", getpid());
}

#define BLOCKS 16

/* A loop device over a file in memory: the request-based disk every kernel has. */
static void make_disk_reads(void)
{
	int module = open("/loop.ko", O_RDONLY), disk, file;
	char *block;

	if (module >= 0)
		syscall(SYS_finit_module, module, "", 0);
	file = open("/disk", O_RDWR | O_CREAT, 0600);
	disk = open("/dev/loop0", O_RDONLY | O_DIRECT);
	if (file < 0 || disk < 0 || ftruncate(file, BLOCKS * 4096) < 0 ||
	    ioctl(disk, LOOP_SET_FD, file) < 0)
		die("/dev/loop0");
	if (posix_memalign((void **)&block, 4096, 4096))
		die("memory");
	for (int i = 0; i < BLOCKS; i++)
		if (pread(disk, block, 4096, i * 4096) != 4096)
			die("read");
	expect("{\"disk\":\"7:0\",\"unit\":\"usecs\",\"slots\":{\"sum\":{\"min\":%d}}}", BLOCKS);
	ioctl(disk, LOOP_CLR_FD, 0);
	close(disk);
}

/* Compute until the CPU was taken away from each of two ten times, as the other wanted it. */
static void be_busy(volatile long switches[2], int mine)
{
	time_t end = time(NULL) + BUSY_SECONDS;
	struct rusage usage;

	prctl(PR_SET_NAME, "busy");
	while ((switches[0] < 10 || switches[1] < 10) && time(NULL) < end) {
		getrusage(RUSAGE_SELF, &usage);
		switches[mine] = usage.ru_nivcsw;
	}
}

/* Two that compute at once, on one CPU, have to wait for each other. */
static void make_queue(void)
{
	long *switches = mmap(NULL, 2 * sizeof(long), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[2];

	if (switches == MAP_FAILED)
		die("mmap");
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			be_busy(switches, i);
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++) {
		waitpid(pids[i], NULL, 0);
		expect("{\"pid\":%d,\"comm\":\"busy\",\"unit\":\"usecs\","
		       "\"slots\":{\"sum\":{\"min\":5}}}",
		       pids[i]);
	}
}

/* Somebody's own object: its constants as options, its events, what its map holds. */
static void exec_for_foreign(void)
{
	char *args[] = { "hello", NULL };

	expect("{\"pid\":%d,\"ppid\":%d,\"answer\":42,\"comm\":\"hello\"}", getpid(), getppid());
	expect("{\"map\":\"last\",\"key\":0,\"value\":{\"pid\":%d,\"answer\":42}}", getpid());
	fflush(stdout);
	execv("/bin/hello", args);
}

static void make_foreign(void)
{
	in_child(exec_for_foreign);
}

static const struct test {
	const char *gadget;
	const char *options[4];
	void (*make_events)(void);
} tests[] = {
	{ "execsnoop", { "--fails" }, make_execs },
	{ "opensnoop", { 0 }, make_opens },
	{ "exitsnoop", { "-T" }, make_exits },
	{ "sigsnoop", { "-k" }, make_signals },
	{ "mountsnoop", { 0 }, make_mounts },
	{ "tcpconnect", { 0 }, make_connects },
	{ "tcpaccept", { 0 }, make_accepts },
	{ "tcplife", { "-4", "-6" }, make_lives },
	{ "tcprtt", { "--by-raddr" }, make_round_trips },
	{ "bindsnoop", { 0 }, make_binds },
	{ "oomkill", { 0 }, make_oom },
	{ "capable", { 0 }, make_capability_checks },
	{ "biolatency", { "--disks", "-d", "7:0" }, make_disk_reads },
	{ "runqlat", { "--pids" }, make_queue },
	{ "foreign", { "--answer=42", "--with-parent", "--dump-maps" }, make_foreign },
};

/* --- running a gadget -------------------------------------------------------------------- */

static void start_gadget(const struct test *test)
{
	char *args[16] = { "btfrun", "-v", "--json" }, path[64];
	int n = 3;
	int out = open("/out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open("/err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (dup2(out, 1) < 0 || dup2(err, 2) < 0)
		die("dup2");
	/* A gadget, or an object that lies there. */
	snprintf(path, sizeof(path), "/%s.bpf.o", test->gadget);
	args[n++] = access(path, F_OK) ? (char *)test->gadget : path;
	for (int i = 0; test->options[i]; i++)
		args[n++] = (char *)test->options[i];
	execv("/bin/btfrun", args);
	die("/bin/btfrun");
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
	if (wait_for_words(": running, ", pid, &status)) {
		test->make_events();
		usleep(100000);
		kill(pid, SIGINT);
		waitpid(pid, &status, 0);
	}
	print_file("/out", "event", current);
	print_file("/err", "words", current);
	printf("\n@status %s %d\n", current, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	fflush(stdout);
}

/* --- what must be refused --------------------------------------------------------------------- */

/* What btfrun says of itself on every kernel, and to somebody without rights; and on kernels
 * without BTF of bundles that must not do, and of none at all. Each is a gadget of its own
 * name in what is printed; the "event" is how it ended. */
static const struct refusal {
	const char *name;
	const char *args[6];
	int status;
	const char *words; /* part of what it says */
	uid_t uid;
} refusals[] = {
	{ "doctor", { "/bin/btfrun", "--doctor" }, 0, "can run here" },
	{ "nobody", { "/bin/btfrun", "capable" }, 4, "it takes root, or CAP_BPF", 65534 },
	{ "patient", { "/bin/btfrun", "--doctor" }, 1, "neither CAP_SYS_ADMIN nor CAP_BPF", 65534 },
	{ "lacking", { "/bin/btfrun-bare", "--doctor" }, 1, "cannot run here, for want of: BTF to use\n" },
	{ "wrong", { "/bin/btfrun-bare", "--bundle", "/wrong.bundle", "execsnoop" }, 4, "no BTF" },
	{ "corrupt", { "/bin/btfrun-bare", "--bundle", "/corrupt.bundle", "execsnoop" }, 3, "bundle" },
	{ "without", { "/bin/btfrun-bare", "execsnoop" }, 4, "no BTF" },
};

static void run_refusal(const struct refusal *refusal)
{
	int status;
	pid_t pid;

	current = refusal->name;
	unlink("/err");
	expect("{\"status\":%d,\"says\":true}", refusal->status);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int err = open("/err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(err, 1);
		dup2(err, 2);
		if (refusal->uid && setuid(refusal->uid) < 0)
			_exit(126);
		execv(refusal->args[0], (char **)refusal->args);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	printf("\n@event %s {\"status\":%d,\"says\":%s}\n", current, WEXITSTATUS(status),
	       has_line("/err", refusal->words) ? "true" : "false");
	print_file("/err", "words", current);
	printf("\n@status %s 0\n", current);
}

static bool is_named(const char *gadget, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], gadget))
			return true;
	return false;
}

/* The kernel hands on words of its own that it does not know: not every argument is ours. */
static bool is_any_named(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (is_named(tests[i].gadget, argc, argv))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct utsname host;

	if (getpid() != 1)
		return 0; /* "hello" */
	setvbuf(stdout, NULL, _IOFBF, 65536);
	mount_all();
	set_loopback_up();
	write_text("/proc/self/oom_score_adj", "-1000");
	uname(&host);
	printf("\n@kernel %s %s\n", host.machine, host.release);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!is_any_named(argc, argv) || is_named(tests[i].gadget, argc, argv))
			run_test(&tests[i]);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (!access(refusals[i].args[0], F_OK))
			run_refusal(&refusals[i]);
	end();
}
