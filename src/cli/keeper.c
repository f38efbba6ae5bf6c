/* SPDX-License-Identifier: MIT */
#include "cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
	const struct launch *launch;
	int chan;
	pid_t caller, pid;
};

static void tell(const struct keeper *k, enum keeper_event event, int value, bool left)
{
	struct keeper_msg msg = { event, value, left };

	int flags = MSG_NOSIGNAL;

	/* The caller's process may be stopped: how often the program is as well need not be kept
	 * for it. */
	if (event == KEEPER_STOPPED || event == KEEPER_CONTINUED)
		flags |= MSG_DONTWAIT;
	/* Nobody listens any more once that process was killed. */
	while (send(k->chan, &msg, sizeof(msg), flags) < 0 && errno == EINTR)
		;
}

static _Noreturn void be_program(const struct keeper *k, int report)
{
	int err;

	signal(SIGCHLD, k->launch->inherited.on_child);
	sigprocmask(SIG_SETMASK, &k->launch->inherited.mask, NULL);
	execv(k->launch->path, k->launch->argv);
	err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

/* Return: 0 and the program runs, or a positive errno. */
static int start(struct keeper *k)
{
	int report[2], err = 0;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return errno;
	k->pid = fork();
	if (k->pid < 0) {
		err = errno;
		close(report[0]);
		close(report[1]);
		return err;
	}
	if (!k->pid)
		be_program(k, report[1]);
	close(report[1]);
	do
		n = read(report[0], &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	return n == sizeof(err) ? err : 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * Whoever reads what the program writes shall see its end: nothing of the caller's may stay open in
 * here. The program has its own copies by now.
 */
static void let_go(struct keeper *k, int *keep)
{
	unsigned int n = k->launch->nkeep, next = 3;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
	}
	for (unsigned int i = 0; i < n; i++)
		keep[i] = k->launch->keep[i];
	keep[n++] = k->chan;
	keep[n++] = k->launch->dir->lock;
	qsort(keep, n, sizeof(keep[0]), by_number);
	for (unsigned int i = 0; i < n; i++) {
		if ((unsigned int)keep[i] > next)
			close_range(next, (unsigned int)keep[i] - 1, 0);
		next = (unsigned int)keep[i] + 1;
	}
	close_range(next, ~0u, 0);
}

static bool reap_what_ended(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0);
	return !pid;
}

/* Return: whether the program has ended. */
static bool program_changed(struct keeper *k, int status)
{
	if (WIFSTOPPED(status)) {
		tell(k, KEEPER_STOPPED, WSTOPSIG(status), false);
		return false;
	}
	if (WIFCONTINUED(status)) {
		tell(k, KEEPER_CONTINUED, 0, false);
		if (getppid() == k->caller)
			kill(k->caller, SIGCONT);
		return false;
	}
	tell(k, KEEPER_ENDED, status, reap_what_ended());
	return true;
}

static void watch_program(struct keeper *k)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, WUNTRACED | WCONTINUED);
		if (pid < 0 && errno != EINTR)
			return;
		if (pid == k->pid && program_changed(k, status))
			return;
	}
}

/* Until the last descendant has ended, and the caller's process has read what it wanted to. */
static void watch_descendants(const struct keeper *k)
{
	char byte;
	ssize_t n;

	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	do
		n = read(k->chan, &byte, sizeof(byte));
	while (n > 0 || (n < 0 && errno == EINTR));
}

_Noreturn void keeper_main(const struct launch *launch, int chan)
{
	struct keeper k = {
		.launch = launch,
		.chan = chan,
		.caller = getppid(),
	};
	int *keep = calloc(launch->nkeep + 2, sizeof(*keep));
	sigset_t all;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "uiommu-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	err = keep ? start(&k) : ENOMEM;
	tell(&k, err ? KEEPER_FAILED : KEEPER_STARTED, err ? err : k.pid, false);
	if (!err) {
		let_go(&k, keep);
		if (chdir("/"))
			err = errno;
		watch_program(&k);
	}
	watch_descendants(&k);
	rundir_remove(launch->dir);
	_exit(0);
}
