/* SPDX-License-Identifier: MIT */
/*
 * Read sections: how DMA reads tables without a lock, and how a writer knows when it may let go.
 *
 * Each reader owns a slot. On entry it publishes which table it is about to read, with an exchange:
 * a full barrier, so that it can't read the table before the writer can see that it does. On exit
 * it counts the section and clears the slot. A writer changes a table, and then waits until every
 * slot that names this table has either been cleared or moved on to another section. Readers of
 * other tables aren't waited for, and readers never wait.
 *
 * Why not liburcu or membarrier: docs/decisions/read-sections.md.
 *
 * The table that an attachment names may be replaced, and freed, at any moment: a reader loads the
 * pointer, publishes it, and loads it again. If it is still the same, the writer that replaces it
 * will find the slot (a hazard pointer). rs_enter() does all this.
 */
#ifndef UIOMMU_BASE_READSEC_H
#define UIOMMU_BASE_READSEC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct rs_slot {
	_Alignas(64) _Atomic(void *) table; /* being read, NULL outside of sections */
	_Atomic uint64_t sections;	    /* completed; written by the owner only */
	_Atomic uint32_t taken;
	uint32_t index; /* lowest free when it was taken, constant */
};

#define RS_SLOTS_PER_CHUNK 64
#define RS_CHUNKS	   64

/* All slots of a system. Slots are never freed before it, so that writers scan them without a lock.
 */
struct rs_set {
	_Atomic(struct rs_slot *) chunk[RS_CHUNKS];
	_Atomic uint32_t used; /* slots that were ever taken */
};

void rs_set_init(struct rs_set *set);
/* No slot may be taken any more. */
void rs_set_fini(struct rs_set *set);

/* Return: 0, -ENOMEM, -ENOSPC. */
int rs_slot_take(struct rs_set *set, struct rs_slot **out);
void rs_slot_drop(struct rs_slot *slot);

/* Enters the section of the table that @attachment names. Return: the table; NULL (not entered) if
 * none. */
static inline void *rs_enter(struct rs_slot *slot, _Atomic(void *) *attachment)
{
	void *table = atomic_load_explicit(attachment, memory_order_acquire);

	while (table) {
		void *again;

		/* Pairs with the fence in rs_wait(). */
		atomic_exchange_explicit(&slot->table, table, memory_order_seq_cst);
		again = atomic_load_explicit(attachment, memory_order_acquire);
		if (__builtin_expect(again == table, 1))
			return table;
		table = again;
	}
	atomic_store_explicit(&slot->table, NULL, memory_order_release);
	return NULL;
}

static inline void rs_exit(struct rs_slot *slot)
{
	uint64_t n = atomic_load_explicit(&slot->sections, memory_order_relaxed);

	/* Both pair with the acquire loads in rs_wait(). */
	atomic_store_explicit(&slot->sections, n + 1, memory_order_release);
	atomic_store_explicit(&slot->table, NULL, memory_order_release);
}

/**
 * rs_wait() - wait for all sections of @table that began before this call
 *
 * The caller has made its change first. Context: may hold locks that no reader takes inside a
 * section (readers take none); spins, then yields the processor.
 */
void rs_wait(struct rs_set *set, const void *table);

#endif
