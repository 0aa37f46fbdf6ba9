/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "core/log.h"
#include "fetcher/keyring.h"
#include "fetcher/signature.h"

#define STATUS_PREFIX  "[GNUPG:] "
#define STATUS_MAXIMUM (1 << 20)
#define STATUS_FD      3
#define SIGNATURE_FD   4 /* of a detached signature */
#define KEYRING_FD     5

extern char **environ;

/* What gpgv's status lines say. See doc/DETAILS of GnuPG for the words. */
struct verdict {
	unsigned int good, bad, unknown;
	const char *reason; /* why not good, in our words; NULL: no signature at all */
};

static const struct {
	const char *word;
	const char *reason; /* a signature that counts for nothing, or damage */
	bool fatal;         /* whatever other signatures say */
} refusals[] = {
	{ "BADSIG", "the signature does not match the text", true },
	{ "ERROR", "the message is malformed or holds more than one text", true },
	{ "UNEXPECTED", "the message is malformed", true },
	{ "EXPKEYSIG", "it is signed by a key that has expired", false },
	{ "EXPSIG", "the signature has expired", false },
	{ "REVKEYSIG", "it is signed by a key that was revoked", false },
	{ "NO_PUBKEY", "it is signed by a key that the keyring does not hold", false },
};

static void read_status_line(struct verdict *v, const char *word)
{
	size_t length = strcspn(word, " ");

	/* VALIDSIG also follows EXPKEYSIG; only GOODSIG means good in every way. */
	if (length == strlen("GOODSIG") && !strncmp(word, "GOODSIG", length))
		v->good++;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (strlen(refusals[i].word) != length || strncmp(word, refusals[i].word, length))
			continue;
		if (refusals[i].fatal || !v->bad)
			v->reason = refusals[i].reason;
		if (refusals[i].fatal)
			v->bad++;
		else
			v->unknown++;
	}
}

static struct verdict read_status(char *text)
{
	struct verdict v = { 0 };
	char *saved = NULL;

	for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved))
		if (!strncmp(line, STATUS_PREFIX, strlen(STATUS_PREFIX)))
			read_status_line(&v, line + strlen(STATUS_PREFIX));
	return v;
}

/* Files in memory stand in for pipes: whatever gpgv writes first, nobody waits.
 * Their descriptors stay clear of 0 to 5, which the child gets assigned. */
static int memory_file(const void *data, size_t size)
{
	AUTO_FD int fd = memfd_create("btfpack-signature", MFD_CLOEXEC);

	if (fd < 0 || fs_write_fd(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, KEYRING_FD + 1);
}

static int read_memory_file(int fd, size_t maximum, struct btfpack_blob *ret,
			    struct btfpack_error *err)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fs_read(path, maximum, ret, err);
}

/* What gpgv works on, as memory files. */
struct call {
	int message, text, status, keyring;
	int signature; /* -1: within the message */
};

/* gpgv --keyring /dev/fd/5 --status-fd 3 --output - - < message > text 3> status
 * gpgv --keyring /dev/fd/5 --status-fd 3 /dev/fd/4 - < message 3> status 4< signature */
static int spawn_gpgv(const struct call *c, pid_t *ret)
{
	const bool detached = c->signature >= 0;
	char *argv[] = { (char *)"gpgv",
			 (char *)"--quiet",
			 (char *)"--status-fd",
			 (char *)"3",
			 (char *)"--weak-digest",
			 (char *)"SHA1",
			 (char *)"--keyring",
			 (char *)"/dev/fd/5",
			 (char *)(detached ? "/dev/fd/4" : "--output"),
			 (char *)"-",
			 (char *)(detached ? NULL : "-"),
			 NULL };
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, c->message, STDIN_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, c->text, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							 O_WRONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, c->status, STATUS_FD);
	if (!error && detached)
		error = posix_spawn_file_actions_adddup2(&actions, c->signature, SIGNATURE_FD);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, c->keyring, KEYRING_FD);
	if (!error)
		error = posix_spawnp(ret, "gpgv", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_gpgv(const struct call *call, int *exit_ret, struct btfpack_error *err)
{
	pid_t pid;
	int error = spawn_gpgv(call, &pid);

	if (error)
		return btfpack_error_set(err, error == ENOENT ? -ENOSYS : -error,
					 "gpgv: cannot run it to verify signatures: %s (Debian has "
					 "it in the package gpgv)",
					 strerror(error));
	*exit_ret = wait_for(pid);
	return 0;
}

static int judge(const struct verdict *v, int exit_status, const char *keyring, const char *what,
		 struct btfpack_error *err)
{
	/* Exit 2 also comes of keys we lack; any other failure has shown as "bad". */
	bool explained = exit_status == 0 || (exit_status == 2 && v->unknown);

	if (v->good && !v->bad && explained)
		return 0;
	return btfpack_error_set(err, -EBADMSG, "%s: expected a good signature by a key of %s; %s",
				 what, keyring,
				 v->reason ? v->reason : "found no signature that could be read");
}

struct job {
	int message; /* read from its position on */
	const struct btfpack_blob *signature; /* NULL: within the message */
	const struct keyring *keyring;
	const char *what;
};

static int prepare_failed(const char *what, struct btfpack_error *err)
{
	return btfpack_error_set(err, -errno, "%s: cannot prepare its verification: %s", what,
				 strerror(errno));
}

/* *@text: what a clear-signed message says, when it verifies. */
static int verify(const struct job *job, int text, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob said = { 0 };
	AUTO_FD int status = memory_file(NULL, 0), detached = -1, keys = -1;
	struct verdict verdict;
	int exit_status = -1, error;

	keys = memory_file(job->keyring->keys.data, job->keyring->keys.size);
	if (job->signature)
		detached = memory_file(job->signature->data, job->signature->size);
	if (status < 0 || keys < 0 || (job->signature && detached < 0))
		return prepare_failed(job->what, err);
	error = run_gpgv(&(struct call){ job->message, text, status, keys, detached },
			 &exit_status, err);
	if (!error)
		error = read_memory_file(status, STATUS_MAXIMUM, &said, err);
	if (error < 0)
		return error;
	verdict = read_status(said.data);
	error = judge(&verdict, exit_status, job->keyring->name, job->what, err);
	if (!error)
		log_debug("%s: %u good signature%s", job->what, verdict.good,
			  verdict.good == 1 ? "" : "s");
	return error;
}

/* @signature NULL: within @message, and @text_ret wanted. */
static int verify_blob(const struct btfpack_blob *message, const struct btfpack_blob *signature,
		       const struct keyring *keyring, const char *what,
		       struct btfpack_blob *text_ret, struct btfpack_error *err)
{
	AUTO_FD int in = -1, text = -1;
	int error = keyring_check(keyring, what, err);

	if (error < 0)
		return error;
	in = memory_file(message->data, message->size);
	text = memory_file(NULL, 0);
	if (in < 0 || text < 0)
		return prepare_failed(what, err);
	error = verify(&(struct job){ in, signature, keyring, what }, text, err);
	return error < 0 || signature ? error
				      : read_memory_file(text, message->size, text_ret, err);
}

int signature_verify(const struct btfpack_blob *message, const struct keyring *keyring,
		     const char *what, struct btfpack_blob *text_ret, struct btfpack_error *err)
{
	return verify_blob(message, NULL, keyring, what, text_ret, err);
}

int signature_verify_detached(const struct btfpack_blob *message,
			      const struct btfpack_blob *signature, const struct keyring *keyring,
			      const char *what, struct btfpack_error *err)
{
	return verify_blob(message, signature, keyring, what, NULL, err);
}

int signature_verify_file(int fd, uint64_t offset, const struct btfpack_blob *signature,
			  const struct keyring *keyring, const char *what,
			  struct btfpack_error *err)
{
	AUTO_FD int in = -1, text = -1;
	int error = keyring_check(keyring, what, err);

	if (error < 0)
		return error;
	in = fcntl(fd, F_DUPFD_CLOEXEC, KEYRING_FD + 1);
	text = memory_file(NULL, 0);
	if (in < 0 || text < 0 || lseek(in, (off_t)offset, SEEK_SET) < 0)
		return prepare_failed(what, err);
	return verify(&(struct job){ in, signature, keyring, what }, text, err);
}
