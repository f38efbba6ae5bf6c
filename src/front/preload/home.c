/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/refuse.h"
#include "front/preload/bars.h"
#include "front/preload/explain.h"
#include "front/preload/fdtable.h"
#include "front/preload/locked.h"
#include "front/preload/paths.h"
#include "front/preload/reaper.h"
#include "front/preload/traps.h"

#define PAGE 4096u

_Atomic(struct home *) home_page;

/* Protects the making of an engine, and `generations`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t generations;

bool home_is_borrowed(void)
{
	struct home *home = atomic_load_explicit(&home_page, memory_order_acquire);

	if (!home)
		return false;
	/* Cleared by a fork() whose handlers we haven't seen. */
	if (!home->pid)
		home_child();
	return home->pid != getpid();
}

static struct home *page_locked(void)
{
	struct home *home = atomic_load_explicit(&home_page, memory_order_acquire);

	if (home)
		return home;
	home = real()->mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (home == MAP_FAILED)
		return NULL;
	if (real()->madvise(home, PAGE, MADV_WIPEONFORK)) {
		real()->munmap(home, PAGE);
		return NULL;
	}
	home->pid = getpid();
	atomic_store_explicit(&home_page, home, memory_order_release);
	return home;
}

static void at_prepare(void)
{
	fdtable_lock();
}

static void at_parent(void)
{
	fdtable_unlock();
}

static void at_child(void)
{
	home_child();
	fdtable_unlock();
}

void home_child(void)
{
	struct home *home = atomic_load_explicit(&home_page, memory_order_acquire);

	if (!home || home->pid)
		return;
	home->pid = getpid();
	pthread_mutex_init(&lock, NULL);
	bars_child();
	reaper_child();
	paths_child();
	fdtable_child();
}

static int make_locked(struct home *home, struct sys **out)
{
	const char *text = getenv(SYS_ENV_TOPOLOGY);
	char err[SYS_ERR_LEN] = "";
	int ret;

	if (!text)
		return refuse(ENODEV, "no topology is given", SYS_ENV_TOPOLOGY " is not set");
	fdtable_init();
	ret = traps_install();
	if (!ret)
		ret = sys_new(text, getenv(SYS_ENV_RUN_DIR), out, err);
	if (ret) {
		explain_say("%s", err[0] ? err : "can't catch SIGSEGV and SIGBUS");
		return refuse(-ret, "the system can't be made", NULL);
	}
	if (!generations++)
		pthread_atfork(at_prepare, at_parent, at_child);
	explain_faults(*out);
	atomic_store_explicit(&home->generation, generations, memory_order_release);
	atomic_store_explicit(&home->sys, *out, memory_order_release);
	return 0;
}

int home_get(struct sys **out)
{
	struct home *home;
	sigset_t held;
	int ret = 0;

	*out = home_sys();
	if (*out)
		return 0;
	lock_hold(&lock, &held);
	home = page_locked();
	*out = home ? atomic_load_explicit(&home->sys, memory_order_acquire) : NULL;
	if (!home)
		ret = -ENOMEM;
	else if (!home->pid)
		home_child();
	if (!ret && !*out)
		ret = make_locked(home, out);
	lock_release(&lock, &held);
	return ret;
}
