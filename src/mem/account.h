/* SPDX-License-Identifier: MIT */
/*
 * Accounting of memory that mappings pin, against a limit.
 *
 * In the kernel pinned pages can't be swapped, so RLIMIT_MEMLOCK bounds them. Here nothing is
 * really locked: by default nothing is charged. With a limit (a topology's `memlock`) maps fail as
 * they would there: the memory of one map request is charged once, when a table first needs it,
 * however many copies, parts and tables refer to it.
 */
#ifndef UIOMMU_MEM_ACCOUNT_H
#define UIOMMU_MEM_ACCOUNT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define ACCOUNT_NO_LIMIT UINT64_MAX

struct account {
	pthread_mutex_t lock; /* all below, and the pins of memory objects; innermost */
	uint64_t limit;	      /* pages; ACCOUNT_NO_LIMIT: nothing is charged at all */
	uint64_t pages;	      /* charged */
};

void account_init(struct account *account, uint64_t limit);
void account_fini(struct account *account);
static inline bool account_charges(const struct account *account)
{
	return account->limit != ACCOUNT_NO_LIMIT;
}

#endif
