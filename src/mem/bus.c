/* SPDX-License-Identifier: MIT */
#include "mem/bus.h"

#include <errno.h>

#include "base/range.h"

#define PAGE UINT64_C(4096)

void bus_init(struct bus *bus)
{
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->idle, NULL);
	imap_init(&bus->windows);
}

void bus_fini(struct bus *bus)
{
	imap_fini(&bus->windows);
	pthread_cond_destroy(&bus->idle);
	pthread_mutex_destroy(&bus->lock);
}

int bus_window_add(struct bus *bus, struct bus_window *win, uint64_t len)
{
	int err;

	if (!len || !align_up(len, PAGE, &len))
		return -EINVAL;
	pthread_mutex_lock(&bus->lock);
	err = imap_find_gap(
		&bus->windows, BUS_RAM_END, BUS_WINDOW_END - 1, len, PAGE, 0, &win->base);
	if (!err)
		err = imap_insert(&bus->windows, win->base, win->base + len - 1, win);
	win->len = len;
	win->active = 0;
	win->gone = false;
	pthread_mutex_unlock(&bus->lock);
	return err;
}

void bus_window_remove(struct bus *bus, struct bus_window *win)
{
	pthread_mutex_lock(&bus->lock);
	imap_remove(&bus->windows, win->base);
	win->gone = true;
	while (win->active)
		pthread_cond_wait(&bus->idle, &bus->lock);
	pthread_mutex_unlock(&bus->lock);
}

static struct bus_window *window_get(struct bus *bus, uint64_t addr, size_t len)
{
	struct bus_window *win = NULL;
	struct imap_ent ent;
	uint64_t last;

	if (!range_last(addr, len, &last))
		return NULL;
	pthread_mutex_lock(&bus->lock);
	if (imap_find(&bus->windows, addr, &ent) && last <= ent.last) {
		win = ent.val;
		win->active++;
	}
	pthread_mutex_unlock(&bus->lock);
	return win;
}

static void window_put(struct bus *bus, struct bus_window *win)
{
	pthread_mutex_lock(&bus->lock);
	if (!--win->active && win->gone)
		pthread_cond_broadcast(&bus->idle);
	pthread_mutex_unlock(&bus->lock);
}

int bus_read(struct bus *bus, uint64_t addr, void *buf, size_t len)
{
	struct bus_window *win = window_get(bus, addr, len);
	int err;

	if (!win)
		return -EFAULT;
	err = win->ops->read(win, addr - win->base, buf, len);
	window_put(bus, win);
	return err;
}

int bus_write(struct bus *bus, uint64_t addr, const void *buf, size_t len)
{
	struct bus_window *win = window_get(bus, addr, len);
	int err;

	if (!win)
		return -EFAULT;
	err = win->ops->write(win, addr - win->base, buf, len);
	window_put(bus, win);
	return err;
}
