/* SPDX-License-Identifier: MIT */
/*
 * IOMMU groups: requesters that the IOMMU can't tell apart, or that can reach each other behind its
 * back. All devices of a group belong to one context and share one attachment.
 */
#ifndef UIOMMU_CORE_GROUP_H
#define UIOMMU_CORE_GROUP_H

#include <pthread.h>
#include <stdbool.h>

struct ctx;
struct device;
struct hwpt;
struct requester;

struct group {
	unsigned int number;
	pthread_mutex_t
		lock; /* all below, and what devices say of their attachment; before any IOAS's */
	struct requester *members;
	struct ctx *owner;	 /* who has bound devices of it */
	unsigned int bound;	 /* DEVICE objects */
	struct hwpt *hwpt;	 /* what all members translate through, NULL: blocked */
	struct device *attached; /* devices that joined it; each holds a user of the HWPT */
};

void group_init(struct group *group, unsigned int number);
void group_fini(struct group *group);
void group_add(struct group *group, struct requester *req);
void group_remove(struct group *group, struct requester *req);

/* Every member translates through @hwpt (NULL: is blocked) from now on; group->lock is held. */
void group_publish_locked(struct group *group, struct hwpt *hwpt);

#endif
