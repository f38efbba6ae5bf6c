/* SPDX-License-Identifier: MIT */
/*
 * What is exclusive between the processes of a run: a group. Its lock is a record lock on a file of
 * the run's directory: it belongs to the process that serves the group, not to a descriptor that a
 * forked child would share, and goes with the process, however it ends.
 */
#ifndef UIOMMU_SYSTEM_CLAIM_H
#define UIOMMU_SYSTEM_CLAIM_H

#include <pthread.h>

struct claims {
	int dir; /* the run's directory, -1: nobody else shares the devices */
	int fd;	 /* the file with all groups' locks, a byte each; -1: not open yet; closing it drops
		    them all */
	pthread_mutex_t lock; /* fd */
};

/* @run_dir: NULL for none. Return: 0, -errno. */
int claims_init(struct claims *claims, const char *run_dir);
void claims_fini(struct claims *claims);
/* Return: 0; -EBUSY another process has it; -errno. */
int claims_take(struct claims *claims, unsigned int group);
void claims_drop(struct claims *claims, unsigned int group);

#endif
