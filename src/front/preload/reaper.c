/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/reaper.h"

#include <errno.h>

#include "base/fd.h"
#include "front/preload/fdtable.h"
#include "front/preload/locked.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct desc *waiting; /* under lock, as is the rest */
static int epoll = -1;

static void unlink_locked(struct desc *desc)
{
	struct desc **link = &waiting;

	while (*link && *link != desc)
		link = &(*link)->next;
	if (*link)
		*link = desc->next;
}

static void *reaper_main(void *arg)
{
	int on = (int)(intptr_t)arg;

	for (;;) {
		struct epoll_event event;
		struct desc *desc;
		sigset_t held;
		int n = epoll_wait(on, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			return NULL;
		if (n != 1 || !(event.events & EPOLLHUP))
			continue;
		desc = event.data.ptr;
		lock_hold(&lock, &held);
		epoll_ctl(on, EPOLL_CTL_DEL, desc->peer, NULL);
		unlink_locked(desc);
		lock_release(&lock, &held);
		desc_put(desc);
	}
}

static int start_locked(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (epoll >= 0)
		return 0;
	epoll = base_fd_own(epoll_create1(EPOLL_CLOEXEC));
	if (epoll < 0)
		return epoll;
	/* Signals are held by the lock, and so they are in the thread. */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, reaper_main, (void *)(intptr_t)epoll);
	pthread_attr_destroy(&attr);
	if (err) {
		base_fd_close(epoll);
		epoll = -1;
		return -err;
	}
	return 0;
}

int reaper_add(struct desc *desc)
{
	struct epoll_event event = { .events = EPOLLHUP, .data.ptr = desc };
	sigset_t held;
	int err;

	lock_hold(&lock, &held);
	err = start_locked();
	if (!err && epoll_ctl(epoll, EPOLL_CTL_ADD, desc->peer, &event))
		err = -errno;
	if (!err) {
		desc->next = waiting;
		waiting = desc;
	}
	lock_release(&lock, &held);
	return err;
}

struct desc *reaper_find(uint64_t socket)
{
	struct desc *desc;
	sigset_t held;

	lock_hold(&lock, &held);
	for (desc = waiting; desc && desc->socket != socket; desc = desc->next)
		;
	if (desc)
		atomic_fetch_add_explicit(&desc->refs, 1, memory_order_relaxed);
	lock_release(&lock, &held);
	return desc;
}

/* The descriptor went with the others (fdtable_child). */
void reaper_child(void)
{
	pthread_mutex_init(&lock, NULL);
	waiting = NULL;
	epoll = -1;
}
