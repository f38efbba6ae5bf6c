/* SPDX-License-Identifier: MIT */
#include "cli/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is delivered to us and passed on: all but what tells of our own errors and children. */
static void passed_signals(sigset_t *set)
{
	static const int own[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP,
		SIGCHLD, SIGPIPE };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(set, own[i]);
}

/*
 * What the terminal sends, it sends to the whole foreground process group, the program included;
 * what a process sends to us is meant for the program.
 */
static void pass_signal(const struct supervision *sup, int signals, int pidfd)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info) || info.ssi_code > 0)
		return;
	/* Our keeper says that the program goes on. */
	if (info.ssi_signo == SIGCONT && (pid_t)info.ssi_pid == sup->keeper)
		return;
	if (pidfd >= 0)
		pidfd_send_signal(pidfd, (int)info.ssi_signo, NULL, 0);
}

/* The latest of what the keeper has told: an older stop may be over. Return: false at its end. */
static bool hear(const struct supervision *sup, struct keeper_msg *msg)
{
	ssize_t n;

	do
		n = recv(sup->chan, msg, sizeof(*msg), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*msg))
		return false;
	while (msg->event == KEEPER_STOPPED &&
		recv(sup->chan, msg, sizeof(*msg), MSG_DONTWAIT) == sizeof(*msg))
		;
	return true;
}

static bool is_job_control(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* Return: whether the run is over. */
static bool take_in(struct supervision *sup, const struct keeper_msg *msg, int *pidfd)
{
	switch (msg->event) {
	case KEEPER_STARTED:
		sup->started = true;
		sup->pid = msg->value;
		*pidfd = pidfd_open(sup->pid, 0);
		return false;
	case KEEPER_STOPPED:
		/* So that the shell sees that its job has stopped. */
		if (is_job_control(msg->value))
			raise(SIGSTOP);
		return false;
	case KEEPER_CONTINUED:
		return false;
	case KEEPER_FAILED:
		sup->exec_err = msg->value;
		return true;
	case KEEPER_ENDED:
		sup->status = msg->value;
		sup->left = msg->left;
		return true;
	}
	return true;
}

static int watch(struct supervision *sup, int signals)
{
	struct pollfd fds[] = {
		{ .fd = sup->chan, .events = POLLIN },
		{ .fd = -1,
			.events = POLLIN }, /* signals wait until there is somebody to have them */
	};
	struct keeper_msg msg;
	bool over = false;
	int pidfd = -1, ret = 0;

	while (!over && !ret) {
		if (poll(fds, 2, -1) < 0) {
			ret = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (fds[1].revents)
			pass_signal(sup, signals, pidfd);
		if (!fds[0].revents)
			continue;
		if (!hear(sup, &msg))
			ret = -ECHILD;
		else
			over = take_in(sup, &msg, &pidfd);
		fds[1].fd = signals;
	}
	if (pidfd >= 0)
		close(pidfd);
	return ret;
}

void supervise_begin(struct inherited *inherited)
{
	sigset_t passed;

	passed_signals(&passed);
	sigprocmask(SIG_BLOCK, &passed, &inherited->mask);
	/* Where it is ignored, the ends of children go unnoticed. */
	inherited->on_child = signal(SIGCHLD, SIG_DFL);
}

int supervise(struct supervision *sup, const struct launch *launch)
{
	int pair[2], signals, ret;
	sigset_t passed;

	*sup = (struct supervision){ .chan = -1, .keeper = -1 };
	passed_signals(&passed);
	signals = signalfd(-1, &passed, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		ret = -errno;
		goto out;
	}
	sup->chan = pair[0];
	sup->keeper = fork();
	if (!sup->keeper) {
		close(pair[0]);
		keeper_main(launch, pair[1]);
	}
	ret = sup->keeper < 0 ? -errno : 0;
	close(pair[1]);
	if (!ret)
		ret = watch(sup, signals);
out:
	close(signals);
	return ret;
}

void supervise_end(struct supervision *sup)
{
	if (sup->chan >= 0)
		close(sup->chan);
	sup->chan = -1;
	if (sup->keeper > 0 && !sup->left) {
		while (waitpid(sup->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
}
