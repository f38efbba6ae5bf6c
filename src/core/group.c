/* SPDX-License-Identifier: MIT */
#include "core/group.h"

#include "core/hwpt.h"
#include "core/requester.h"

void group_init(struct group *group, unsigned int number)
{
	*group = (struct group){ .number = number };
	pthread_mutex_init(&group->lock, NULL);
}

void group_fini(struct group *group)
{
	pthread_mutex_destroy(&group->lock);
}

void group_add(struct group *group, struct requester *req)
{
	pthread_mutex_lock(&group->lock);
	req->group_next = group->members;
	group->members = req;
	pthread_mutex_unlock(&group->lock);
}

void group_remove(struct group *group, struct requester *req)
{
	struct requester **at = &group->members;

	pthread_mutex_lock(&group->lock);
	while (*at && *at != req)
		at = &(*at)->group_next;
	if (*at)
		*at = req->group_next;
	pthread_mutex_unlock(&group->lock);
}

void group_publish_locked(struct group *group, struct hwpt *hwpt)
{
	group->hwpt = hwpt;
	for (struct requester *req = group->members; req; req = req->group_next)
		requester_attach(req, hwpt ? &hwpt->dom : NULL);
}
