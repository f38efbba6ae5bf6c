/* SPDX-License-Identifier: MIT */
#include "mem/account.h"

void account_init(struct account *account, uint64_t limit)
{
	pthread_mutex_init(&account->lock, NULL);
	account->limit = limit;
	account->pages = 0;
}

void account_fini(struct account *account)
{
	pthread_mutex_destroy(&account->lock);
}
