/* SPDX-License-Identifier: MIT */
/* The program's own use of SIGSEGV and SIGBUS, beside trapped registers. */
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

static struct client client;
static sigjmp_buf out;
static volatile sig_atomic_t count, last_sig;
static void *volatile last_addr;
static volatile uint32_t *bad;

static void jump(int sig, siginfo_t *info, void *uc)
{
	count++;
	last_sig = sig;
	last_addr = info->si_addr;
	siglongjmp(out, 1);
}

static void repair(int sig, siginfo_t *info, void *uc)
{
	count++;
	mprotect((void *)bad, PAGE, PROT_READ | PROT_WRITE);
}

static void nothing(int sig)
{
	count++;
}

static void install(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	if (sigaction(sig, &sa, NULL))
		bail_out("sigaction");
}

static void *handler_of(int sig)
{
	struct sigaction sa;

	sigaction(sig, NULL, &sa);
	return (void *)sa.sa_sigaction;
}

static bool registers_work(void)
{
	reg64_set(&client, REG_PATTERN, 0x123456789abcdef);
	return reg64(&client, REG_PATTERN) == 0x123456789abcdef;
}

static bool faults(volatile uint32_t *at)
{
	int before = count;

	if (!sigsetjmp(out, 1))
		(void)*at;
	return count == before + 1 && last_addr == (void *)at;
}

static void handlers(void)
{
	stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 },
		none = { .ss_flags = SS_DISABLE };
	int good = 0;

	ok(handler_of(SIGSEGV) == (void *)jump, "a handler from before is still there");
	ok(faults(bad), "and is called");
	ok(registers_work(), "registers work as well");
	for (int i = 0; i < 100; i++)
		good += faults(bad) && registers_work();
	ok(good == 100, "and again, after longjmp()");
	install(SIGSEGV, repair, 0);
	count = 0;
	*bad = 1;
	ok(count == 1 && *bad == 1, "a handler that repairs, and returns");
	mprotect((void *)bad, PAGE, PROT_NONE);
	sigaltstack(&stack, NULL);
	install(SIGSEGV, jump, SA_ONSTACK);
	ok(faults(bad) && faults(bad) && registers_work(), "on a stack of its own");
	sigaltstack(&none, NULL);
	install(SIGSEGV, jump, (int)SA_RESETHAND);
	ok(faults(bad) && handler_of(SIGSEGV) == (void *)SIG_DFL, "once only");
	ok(signal(SIGSEGV, nothing) == SIG_DFL && signal(SIGSEGV, SIG_DFL) == nothing, "signal()");
	free(stack.ss_sp);
}

static void die_by_fault(void *arg)
{
	*bad = 1;
}

static void die_by_kill(void *arg)
{
	kill(getpid(), SIGBUS);
	pause();
}

static void die_blocked(void *arg)
{
	sigset_t set;

	signal(SIGSEGV, nothing);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*bad = 1;
}

static void ignore(void *arg)
{
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	_exit(7);
}

static void fault_in_handler(int sig)
{
	*bad = 1;
}

static void die_in_handler(void *arg)
{
	signal(SIGSEGV, fault_in_handler);
	*bad = 1;
}

static int death(void (*fn)(void *))
{
	struct rlimit none = { 0, 0 };
	int status;

	setrlimit(RLIMIT_CORE, &none);
	status = in_child(fn, NULL);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void deaths(void)
{
	signal(SIGSEGV, SIG_DFL);
	ok(death(die_by_fault) == SIGSEGV, "the default action of a fault");
	ok(death(die_by_kill) == SIGBUS, "and of kill()");
	ok(death(die_blocked) == SIGSEGV, "a fault that is blocked");
	ok(death(ignore) == -7, "a signal that is ignored");
	ok(death(die_in_handler) == SIGSEGV, "a fault in the handler");
}

static void *blocked_thread(void *arg)
{
	sigset_t all, now;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return (void *)(uintptr_t)(sigismember(&now, SIGSEGV) == 1 &&
				   sigismember(&now, SIGUSR1) == 1 && registers_work());
}

static void masks(void)
{
	pthread_t thread;
	sigset_t set, old;
	void *ret;

	if (pthread_create(&thread, NULL, blocked_thread, NULL))
		bail_out("pthread_create");
	pthread_join(thread, &ret);
	ok(ret != NULL, "a thread that blocks all signals has registers");
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigprocmask(SIG_SETMASK, NULL, &old);
	ok(sigismember(&old, SIGSEGV) == 1 && sigismember(&old, SIGBUS) == 0 && registers_work(),
		"a mask is what it was set to");
	sigprocmask(SIG_UNBLOCK, &set, &old);
	sigprocmask(SIG_SETMASK, NULL, &set);
	ok(sigismember(&old, SIGSEGV) == 1 && sigismember(&set, SIGSEGV) == 0, "and unset");
}

static void memory_disabled(void)
{
	struct vfio_region_info config = { .argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command = 4;

	ioctl(client.device, VFIO_DEVICE_GET_REGION_INFO, &config);
	if (pwrite(client.device, &command, 2, (off_t)config.offset + 4) != 2)
		bail_out("config space");
	install(SIGBUS, jump, 0);
	ok(faults((volatile uint32_t *)client.bar) && last_sig == SIGBUS,
		"registers without memory decoding are a bus error");
	command = 6;
	if (pwrite(client.device, &command, 2, (off_t)config.offset + 4) != 2)
		bail_out("config space");
	ok(registers_work(), "and work with it");
}

static void protections(void)
{
	volatile uint32_t *bar = (volatile uint32_t *)client.bar;
	int before = count;

	install(SIGSEGV, jump, 0);
	ok(!mprotect((void *)bar, PAGE, PROT_READ) && reg64(&client, REG_PATTERN),
		"registers are read-only");
	if (!sigsetjmp(out, 1))
		bar[REG_LEN / 4] = 1;
	ok(count == before + 1 && last_sig == SIGSEGV, "a store to them is a fault");
	ok(!mprotect((void *)bar, PAGE, PROT_NONE) && faults(bar), "registers are out of reach");
	ok(!mprotect((void *)bar, PAGE, PROT_READ | PROT_WRITE) && registers_work(), "or not");
}

static void pieces(void)
{
	volatile uint8_t *all, *moved;
	uint8_t *place = new_pages(8 * PAGE);

	all = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, client.device,
		(off_t)client.bar_offset);
	ok(all != MAP_FAILED && *(volatile uint64_t *)(all + REG_PATTERN), "mapped twice");
	ok(!munmap((void *)(all + PAGE), PAGE) && faults((volatile uint32_t *)(all + PAGE)),
		"a hole in the middle");
	ok(*(volatile uint64_t *)(all + REG_PATTERN) == reg64(&client, REG_PATTERN) &&
			!*(volatile uint32_t *)(all + 2 * PAGE),
		"has edges that work");
	moved = mremap((void *)all, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	ok(moved == place &&
			*(volatile uint64_t *)(moved + REG_PATTERN) == reg64(&client, REG_PATTERN),
		"it moves");
	ok(mmap(place, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == place &&
			!*(uint64_t *)(place + REG_PATTERN),
		"something else is mapped over it");
	munmap((void *)(all + 2 * PAGE), 2 * PAGE);
	ok(registers_work(), "the first mapping works");
}

int main(void)
{
	install(SIGSEGV, jump, 0);
	bad = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	client_open(&client);
	handlers();
	deaths();
	masks();
	memory_disabled();
	protections();
	pieces();
	return done_testing();
}
