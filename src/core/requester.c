/* SPDX-License-Identifier: MIT */
#include "core/requester.h"

#include <stdio.h>

#include "core/core.h"
#include "core/domain.h"
#include "core/group.h"

void requester_init(struct requester *req, struct core *core, struct group *group, const char *name)
{
	atomic_init(&req->rid, NULL);
	req->core = core;
	req->group = group;
	req->attached = NULL;
	req->bus_master = false;
	req->fault = NULL;
	req->fault_arg = NULL;
	snprintf(req->name, sizeof(req->name), "%s", name);
	pthread_mutex_init(&req->lock, NULL);
	group_add(group, req);
}

void requester_fini(struct requester *req)
{
	group_remove(req->group, req);
	pthread_mutex_destroy(&req->lock);
}

static void publish_locked(struct requester *req)
{
	void *next = req->bus_master ? req->attached : NULL;
	void *prev = atomic_load_explicit(&req->rid, memory_order_relaxed);

	if (prev == next)
		return;
	/* Pairs with the acquire loads in rs_enter(). */
	atomic_store_explicit(&req->rid, next, memory_order_release);
	if (prev)
		rs_wait(&req->core->readers, prev);
}

void requester_attach(struct requester *req, struct domain *dom)
{
	pthread_mutex_lock(&req->lock);
	req->attached = dom;
	publish_locked(req);
	pthread_mutex_unlock(&req->lock);
}

void requester_set_bus_master(struct requester *req, bool on)
{
	pthread_mutex_lock(&req->lock);
	req->bus_master = on;
	publish_locked(req);
	pthread_mutex_unlock(&req->lock);
}
