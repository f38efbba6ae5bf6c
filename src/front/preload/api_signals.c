/* SPDX-License-Identifier: MIT */
/* Functions that set dispositions of signals, and masks. */
#include "front/preload/export.h"

#include <errno.h>

#include "front/preload/traps.h"

/* --- Dispositions ---------------------------------------------------------------------------- */

EXPORT int sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
{
	if (__builtin_expect(traps_own(sig), 0))
		return (int)real_return(traps_sigaction(sig, act, old));
	return real()->sigaction(sig, act, old);
}
EXPORT_AS(__sigaction, sigaction);

static sighandler_t set_handler(int sig, sighandler_t handler, int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags }, old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	if (!(flags & SA_NODEFER))
		sigaddset(&act.sa_mask, sig);
	return traps_sigaction(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
	return traps_own(sig) ? set_handler(sig, handler, SA_RESTART)
			      : real()->signal(sig, handler);
}
EXPORT_AS(bsd_signal, signal);
EXPORT_AS(ssignal, signal);

EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return traps_own(sig) ? set_handler(sig, handler, (int)SA_RESETHAND | SA_NODEFER)
			      : real()->sysv_signal(sig, handler);
}
EXPORT_AS(__sysv_signal, sysv_signal);

static sighandler_t set_disposition(int sig, sighandler_t handler)
{
	sighandler_t old = SIG_HOLD;
	struct sigaction was;
	sigset_t set, mask;

	sigemptyset(&set);
	sigaddset(&set, sig);
	traps_sigmask(handler == SIG_HOLD ? SIG_BLOCK : SIG_UNBLOCK, &set, &mask);
	traps_sigaction(sig, NULL, &was);
	if (sigismember(&mask, sig) != 1)
		old = was.sa_handler;
	if (handler != SIG_HOLD && set_handler(sig, handler, 0) == SIG_ERR)
		return SIG_ERR;
	return old;
}

EXPORT sighandler_t sigset(int sig, sighandler_t handler)
{
	return traps_own(sig) ? set_disposition(sig, handler) : real()->sigset(sig, handler);
}

EXPORT int siginterrupt(int sig, int interrupts)
{
	struct sigaction act;

	if (!traps_own(sig))
		return real()->siginterrupt(sig, interrupts);
	traps_sigaction(sig, NULL, &act);
	act.sa_flags = interrupts ? act.sa_flags & ~SA_RESTART : act.sa_flags | SA_RESTART;
	return (int)real_return(traps_sigaction(sig, &act, NULL));
}

/* --- Masks ----------------------------------------------------------------------------------- */

EXPORT int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return traps_sigmask(how, set, old);
}

EXPORT int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	int err = traps_sigmask(how, set, old);

	return err ? (int)real_error(-err) : 0;
}

EXPORT int sigsuspend(const sigset_t *set)
{
	sigset_t copy;

	return real()->sigsuspend(traps_strip(set, &copy));
}

EXPORT int pselect(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
	const struct timespec *restrict timeout, const sigset_t *restrict set)
{
	sigset_t copy;

	return real()->pselect(n, in, out, except, timeout, traps_strip(set, &copy));
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *set)
{
	sigset_t copy;

	return real()->ppoll(fds, n, timeout, traps_strip(set, &copy));
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout, const sigset_t *set)
{
	sigset_t copy;

	return real()->epoll_pwait(fd, events, n, timeout, traps_strip(set, &copy));
}

EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int n, const struct timespec *timeout,
	const sigset_t *set)
{
	sigset_t copy;

	if (!real()->epoll_pwait2)
		return (int)real_error(-ENOSYS);
	return real()->epoll_pwait2(fd, events, n, timeout, traps_strip(set, &copy));
}
