/* SPDX-License-Identifier: MIT */
/*
 * The doorbell window: tail of submission queue n at 2n, head of completion queue n at 2n + 1.
 *
 * The words are the client's to write at any time. Those of queues that don't exist are kept at 0,
 * so that a store to them is found even where it didn't trap; a bad value is put back to the last
 * good one, so that it is reported once.
 */
#include "dev/nvme/ctrl.h"

#define WORDS (DOORBELLS_SIZE / 4)

static void db_store(struct ctrl *c, unsigned int i, uint32_t val)
{
	__atomic_store_n(&c->doorbells[i], val, __ATOMIC_RELEASE);
}

void db_enable(struct ctrl *c, unsigned int i)
{
	db_store(c, i, 0);
	atomic_store(&c->db_live[i], true);
}

void db_disable(struct ctrl *c, unsigned int i)
{
	atomic_store(&c->db_live[i], false);
	db_store(c, i, 0);
}

void db_reset(struct ctrl *c)
{
	for (unsigned int i = 0; i < 2 * QUEUES_MAX; i++)
		atomic_store(&c->db_live[i], false);
	for (unsigned int i = 0; i < WORDS; i++)
		db_store(c, i, 0);
	atomic_store(&c->bad_doorbell, false);
}

void db_invalid(struct ctrl *c, unsigned int i, uint32_t bad, uint32_t good)
{
	/* Unless the client has written something else since. */
	__atomic_compare_exchange_n(
		&c->doorbells[i], &bad, good, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	logs_error_doorbell(c, (uint16_t)(i / 2));
	events_raise(c, NVME_EVENT_ERROR, NVME_EVENT_DOORBELL_VALUE);
}

static bool db_is_live(struct ctrl *c, unsigned int i)
{
	return i < 2 * QUEUES_MAX && atomic_load(&c->db_live[i]);
}

bool db_scan(struct ctrl *c)
{
	bool bad = false;

	atomic_store(&c->bad_doorbell, false);
	for (unsigned int i = 0; i < WORDS; i++) {
		if (db_is_live(c, i) || !db_load(c, i))
			continue;
		db_store(c, i, 0);
		bad = true;
	}
	if (!bad || !c->enabled)
		return false;
	logs_error_doorbell(c, UINT16_MAX);
	events_raise(c, NVME_EVENT_ERROR, NVME_EVENT_DOORBELL_REGISTER);
	return true;
}

void db_stored(struct ctrl *c, uint64_t off)
{
	uint64_t i = (off - NVME_DOORBELLS) / 4;

	if (i >= WORDS || !db_is_live(c, (unsigned int)i))
		atomic_store(&c->bad_doorbell, true);
	else if (i & 1)
		irq_head_moved(c);
	thread_ring(c);
}
