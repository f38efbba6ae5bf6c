/* SPDX-License-Identifier: MIT */
/*
 * The order in the handler: a guarded access of the engine, a register of a device, the program.
 *
 * While it runs, all signals wait but those that a processor raises, since the engine's own guarded
 * accesses fault in it too; a handler of the program's, however, sees the mask that it would have
 * had. That a handler of the program's is still running, or was left by longjmp(), is told from
 * the stack: a fault further down is a fault inside of it.
 */
#include "front/preload/real.h"
#include "front/preload/traps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "front/preload/bars.h"
#include "front/preload/explain.h"
#include "front/preload/home.h"
#include "front/preload/locked.h"
#include "front/preload/mmio.h"
#include "mem/guard.h"

#define HANDLER_STACK (256u << 10) /* what a handler of the program's may use of its stack */

#define THREAD_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

static _Atomic bool installed;

/* Both under lock, which handlers take as well: never held while anything can fault. */
static _Atomic bool lock;
static struct sigaction wanted[2]; /* the program's: SIGSEGV, SIGBUS */

THREAD_LOCAL bool blocked[2];		 /* what the thread thinks of the two */
THREAD_LOCAL uintptr_t handler_stack[2]; /* where a handler of the program's was called, 0: none */

static unsigned int index_of(int sig)
{
	return sig == SIGBUS;
}

static void lock_wanted(sigset_t *held)
{
	signals_hold(held);
	while (atomic_exchange_explicit(&lock, true, memory_order_acquire))
		;
}

static void unlock_wanted(const sigset_t *held)
{
	atomic_store_explicit(&lock, false, memory_order_release);
	signals_release(held);
}

bool traps_own(int sig)
{
	return (sig == SIGSEGV || sig == SIGBUS) &&
	       atomic_load_explicit(&installed, memory_order_acquire);
}

/* --- The program's handler ------------------------------------------------------------------- */

static bool in_handler(unsigned int i, const ucontext_t *uc)
{
	uintptr_t sp = mmio_stack(uc), alt = (uintptr_t)uc->uc_stack.ss_sp;
	size_t len = uc->uc_stack.ss_size;

	if (!handler_stack[i] || sp >= handler_stack[i])
		return false;
	/* An alternate stack may itself be memory of the ordinary one. */
	if (handler_stack[i] - alt < len)
		return sp - alt < len;
	return handler_stack[i] - sp < HANDLER_STACK;
}

static bool raised_by_processor(const siginfo_t *info)
{
	return info->si_code > 0;
}

/* The kernel takes the default action: at once where the access is repeated, else when the signal
 * comes again, as it came. */
static void act_by_default(int sig, siginfo_t *info, bool repeats)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t set;

	real()->sigaction(sig, &sa, NULL);
	if (!repeats)
		syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), sig, info);
	sigemptyset(&set);
	sigaddset(&set, sig);
	real()->pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void mask_for_handler(const struct sigaction *sa, int sig, const ucontext_t *uc)
{
	sigset_t mask, copy;

	sigorset(&mask, &uc->uc_sigmask, &sa->sa_mask);
	real()->pthread_sigmask(SIG_SETMASK, traps_strip(&mask, &copy), NULL);
}

/* The mask that the handler found and may have changed is what the thread has afterwards. */
static void context_show(ucontext_t *uc)
{
	if (blocked[0])
		sigaddset(&uc->uc_sigmask, SIGSEGV);
	if (blocked[1])
		sigaddset(&uc->uc_sigmask, SIGBUS);
}

static void context_take(ucontext_t *uc)
{
	blocked[0] = sigismember(&uc->uc_sigmask, SIGSEGV) == 1;
	blocked[1] = sigismember(&uc->uc_sigmask, SIGBUS) == 1;
	sigdelset(&uc->uc_sigmask, SIGSEGV);
	sigdelset(&uc->uc_sigmask, SIGBUS);
}

static void call_handler(const struct sigaction *sa, int sig, siginfo_t *info, ucontext_t *uc)
{
	unsigned int i = index_of(sig);
	uintptr_t outer = handler_stack[i];

	if (!(sa->sa_flags & SA_NODEFER))
		handler_stack[i] = (uintptr_t)__builtin_frame_address(0);
	mask_for_handler(sa, sig, uc);
	context_show(uc);
	if (sa->sa_flags & SA_SIGINFO)
		sa->sa_sigaction(sig, info, uc);
	else
		sa->sa_handler(sig);
	context_take(uc);
	handler_stack[i] = outer;
}

/* The program's disposition, and what it becomes by being used. */
static struct sigaction take_wanted(int sig)
{
	struct sigaction sa;
	sigset_t held;

	lock_wanted(&held);
	sa = wanted[index_of(sig)];
	if (sa.sa_flags & (int)SA_RESETHAND) {
		wanted[index_of(sig)].sa_handler = SIG_DFL;
		wanted[index_of(sig)].sa_flags &= ~SA_SIGINFO;
	}
	unlock_wanted(&held);
	return sa;
}

/* @repeats: the access will fault again, with the same signal, if nobody does anything. */
static void deliver(int sig, siginfo_t *info, ucontext_t *uc, bool repeats)
{
	struct sigaction sa = take_wanted(sig);
	bool forced = raised_by_processor(info);
	bool held = blocked[index_of(sig)] || in_handler(index_of(sig), uc);

	if (!forced && sa.sa_handler == SIG_IGN)
		return;
	if (sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN || (forced && held))
		act_by_default(sig, info, forced && repeats);
	else
		call_handler(&sa, sig, info, uc);
}

/* --- Registers of devices -------------------------------------------------------------------- */

static bool bus_trapped(const struct mmio_bus *bus, uintptr_t addr)
{
	struct bar *bar = bar_get(addr);

	if (bar)
		bar_put(bar);
	return bar;
}

/* Registers of this or another mapping, or the program's memory; what crosses an edge is memory. */
static struct bar *bar_for(const struct mmio_bus *bus, uintptr_t addr, size_t len)
{
	struct bar *bar = bar_get(addr);

	if (bar && bar_end(bar) - addr < len) {
		bar_put(bar);
		bar = NULL;
	}
	return bar;
}

static int accessed(ssize_t ret, size_t len)
{
	return ret < 0 ? -EIO : (size_t)ret < len ? -EIO : 0;
}

static int bus_read(const struct mmio_bus *bus, uintptr_t addr, void *buf, size_t len)
{
	struct bar *bar = bar_for(bus, addr, len);
	int err;

	if (!bar)
		return guard_copy(buf, (const void *)addr, len);
	err = bar_permits(bar, false) ? accessed(bar_read(bar, addr, buf, len), len) : -EFAULT;
	bar_put(bar);
	return err;
}

static int bus_write(const struct mmio_bus *bus, uintptr_t addr, const void *buf, size_t len)
{
	struct bar *bar = bar_for(bus, addr, len);
	int err;

	if (!bar)
		return guard_copy((void *)addr, buf, len);
	err = bar_permits(bar, true) ? accessed(bar_write(bar, addr, buf, len), len) : -EFAULT;
	bar_put(bar);
	return err;
}

static size_t bus_fetch(const struct mmio_bus *bus, uintptr_t addr, void *buf, size_t len)
{
	size_t page = 4096 - addr % 4096;

	if (!guard_copy(buf, (const void *)addr, len))
		return len;
	return page < len && !guard_copy(buf, (const void *)addr, page) ? page : 0;
}

static void deliver_bus_error(siginfo_t *info, ucontext_t *uc)
{
	siginfo_t bus = { 0 };

	bus.si_signo = SIGBUS;
	bus.si_code = BUS_ADRERR;
	bus.si_addr = info->si_addr;
	deliver(SIGBUS, &bus, uc, false);
}

/* Return: 0; -EFAULT as of any memory; others are bus errors. */
static int trap(struct bar *bar, siginfo_t *info, ucontext_t *uc)
{
	static const struct mmio_bus bus = {
		.read = bus_read, .write = bus_write, .trapped = bus_trapped, .fetch = bus_fetch
	};
	struct sys *sys = home_sys();
	const char *name;
	int err;

	if (!bar_permits(bar, mmio_is_store(uc)))
		return -EFAULT;
	err = mmio_emulate(uc, &bus, &name);
	if (sys)
		sys_count_traps(sys, 1);
	if (err == -EOPNOTSUPP)
		explain_say(
			"a register at %p is accessed by %s, which isn't supported (bar=poll is "
			"for such programs)",
			info->si_addr, name);
	return err;
}

/* The program's handler may leave by longjmp(): nothing is held while it runs. */
static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
	int keep = errno, err = -EFAULT;
	struct bar *bar = NULL;

	if (raised_by_processor(info)) {
		if (guard_handle_fault(sig, info, ucontext))
			return;
		if (sig == SIGSEGV)
			bar = bar_get((uintptr_t)info->si_addr);
	}
	if (bar) {
		err = trap(bar, info, ucontext);
		bar_put(bar);
	}
	errno = keep;
	if (err == -EFAULT)
		deliver(sig, info, ucontext, true);
	else if (err)
		deliver_bus_error(info, ucontext);
	errno = keep;
}

/* --- Taking over ----------------------------------------------------------------------------- */

/* Our handler with what of the program's flags the kernel must know. */
static int install(int sig, const struct sigaction *program)
{
	struct sigaction sa = { .sa_sigaction = on_fault };

	sa.sa_flags = SA_SIGINFO | (program->sa_flags & (SA_ONSTACK | SA_RESTART));
	sigfillset(&sa.sa_mask);
	sigdelset(&sa.sa_mask, SIGSEGV);
	sigdelset(&sa.sa_mask, SIGBUS);
	sigdelset(&sa.sa_mask, SIGILL);
	sigdelset(&sa.sa_mask, SIGFPE);
	sigdelset(&sa.sa_mask, SIGTRAP);
	sa.sa_flags |= SA_NODEFER;
	return real()->sigaction(sig, &sa, NULL) ? -errno : 0;
}

int traps_install(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS };
	sigset_t set;
	int err = 0;

	if (atomic_load_explicit(&installed, memory_order_acquire))
		return 0;
	sigemptyset(&set);
	for (unsigned int i = 0; i < 2 && !err; i++) {
		sigaddset(&set, sigs[i]);
		if (real()->sigaction(sigs[i], NULL, &wanted[i]))
			err = -errno;
		else
			err = install(sigs[i], &wanted[i]);
	}
	if (err)
		return err;
	real()->pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	guard_use_signals(true);
	atomic_store_explicit(&installed, true, memory_order_release);
	return 0;
}

int traps_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction new, before;
	sigset_t held;
	int err = 0;

	if (act)
		new = *act;
	lock_wanted(&held);
	before = wanted[index_of(sig)];
	if (act) {
		err = install(sig, &new);
		if (!err)
			wanted[index_of(sig)] = new;
	}
	unlock_wanted(&held);
	if (old)
		*old = before;
	return err;
}

/* --- Masks ----------------------------------------------------------------------------------- */

const sigset_t *traps_strip(const sigset_t *set, sigset_t *copy)
{
	if (!set || (sigismember(set, SIGSEGV) != 1 && sigismember(set, SIGBUS) != 1))
		return set;
	*copy = *set;
	sigdelset(copy, SIGSEGV);
	sigdelset(copy, SIGBUS);
	return copy;
}

static void note_mask(int how, const sigset_t *set, int sig)
{
	bool named = sigismember(set, sig) == 1;
	bool *is = &blocked[index_of(sig)];

	if (how == SIG_SETMASK)
		*is = named;
	else if (named)
		*is = how == SIG_BLOCK;
}

static void show_mask(sigset_t *set, const bool was[2])
{
	if (was[0])
		sigaddset(set, SIGSEGV);
	if (was[1])
		sigaddset(set, SIGBUS);
}

int traps_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	bool was[2] = { blocked[0], blocked[1] };
	sigset_t copy;
	int err = real()->pthread_sigmask(how, traps_strip(set, &copy), old);

	if (err)
		return err;
	if (set) {
		note_mask(how, set, SIGSEGV);
		note_mask(how, set, SIGBUS);
	}
	if (old)
		show_mask(old, was);
	return 0;
}
