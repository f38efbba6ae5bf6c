/* SPDX-License-Identifier: MIT */
#include "base/readsec.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/arch.h"
#include "base/mem.h"

#define SPINS_BEFORE_YIELD 2000

void rs_set_init(struct rs_set *set)
{
	for (unsigned int i = 0; i < RS_CHUNKS; i++)
		atomic_init(&set->chunk[i], NULL);
	atomic_init(&set->used, 0);
}

void rs_set_fini(struct rs_set *set)
{
	for (unsigned int i = 0; i < RS_CHUNKS; i++)
		base_free(atomic_load_explicit(&set->chunk[i], memory_order_relaxed));
}

static struct rs_slot *slot_at(struct rs_set *set, uint32_t i)
{
	struct rs_slot *chunk =
		atomic_load_explicit(&set->chunk[i / RS_SLOTS_PER_CHUNK], memory_order_acquire);

	return chunk ? &chunk[i % RS_SLOTS_PER_CHUNK] : NULL;
}

static int chunk_grow(struct rs_set *set, uint32_t i)
{
	struct rs_slot *chunk, *none = NULL;

	chunk = base_zalloc_aligned(64, RS_SLOTS_PER_CHUNK * sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	for (uint32_t k = 0; k < RS_SLOTS_PER_CHUNK; k++)
		chunk[k].index = i - i % RS_SLOTS_PER_CHUNK + k;
	if (!atomic_compare_exchange_strong(&set->chunk[i / RS_SLOTS_PER_CHUNK], &none, chunk))
		base_free(chunk);
	return 0;
}

static void used_raise(struct rs_set *set, uint32_t n)
{
	uint32_t used = atomic_load(&set->used);

	while (used < n && !atomic_compare_exchange_weak(&set->used, &used, n))
		;
}

int rs_slot_take(struct rs_set *set, struct rs_slot **out)
{
	for (uint32_t i = 0; i < RS_CHUNKS * RS_SLOTS_PER_CHUNK; i++) {
		struct rs_slot *slot = slot_at(set, i);
		uint32_t free = 0;

		if (!slot) {
			if (chunk_grow(set, i))
				return -ENOMEM;
			slot = slot_at(set, i);
		}
		if (!atomic_compare_exchange_strong(&slot->taken, &free, 1))
			continue;
		used_raise(set, i + 1);
		*out = slot;
		return 0;
	}
	return -ENOSPC;
}

void rs_slot_drop(struct rs_slot *slot)
{
	atomic_store_explicit(&slot->taken, 0, memory_order_release);
}

static void slot_wait(struct rs_slot *slot, const void *table)
{
	/* Counted before the table is looked at: a section that is seen there is the n-th or later.
	 */
	uint64_t n = atomic_load_explicit(&slot->sections, memory_order_acquire);
	unsigned int spins = 0;

	while (atomic_load_explicit(&slot->table, memory_order_acquire) == table &&
		atomic_load_explicit(&slot->sections, memory_order_acquire) == n) {
		if (++spins < SPINS_BEFORE_YIELD)
			arch_pause();
		else
			sched_yield();
	}
}

void rs_wait(struct rs_set *set, const void *table)
{
	uint32_t used;

	/* Pairs with the exchange in rs_enter(): either it sees our change, or we see its slot. */
	arch_full_fence();
	used = atomic_load_explicit(&set->used, memory_order_acquire);
	for (uint32_t i = 0; i < used; i++)
		slot_wait(slot_at(set, i), table);
}
