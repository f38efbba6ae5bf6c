/* SPDX-License-Identifier: MIT */
/*
 * Pages that tables live in.
 *
 * All tables of the process come from 2 MiB chunks, aligned to their size, which the kernel may
 * back by huge pages: a walk over many tables then misses few TLB entries. What the engine knows of
 * a table stands beside it, in an array at the chunk's start that is found from the table's
 * address, so that a table that was taken out of its tree stays as it is for readers, and so that
 * no bit of an entry is spent on it.
 *
 * Thread-safe: one lock, taken once for a list of pages.
 */
#ifndef UIOMMU_PT_PAGE_H
#define UIOMMU_PT_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PT_PAGE_LG2  12
#define PT_PAGE_SIZE ((size_t)1 << PT_PAGE_LG2)

/* Its owner writes it: a table's writer, who took the page, until the page is put back. */
struct pt_page {
	struct pt_page *next; /* in a reservation, in a gather list, among free pages */
	uint16_t live;	      /* entries that aren't empty; of a page in a tree */
	bool zero;	      /* all of the page is zero; of a page that is in none */
};

#define PT_CHUNK_LG2   21
#define PT_CHUNK_SIZE  ((size_t)1 << PT_CHUNK_LG2)
#define PT_CHUNK_PAGES (PT_CHUNK_SIZE / PT_PAGE_SIZE)

static inline struct pt_page *pt_page_of(const void *table)
{
	uintptr_t addr = (uintptr_t)table, chunk = addr & ~(PT_CHUNK_SIZE - 1);

	return (struct pt_page *)chunk + ((addr - chunk) >> PT_PAGE_LG2);
}

static inline _Atomic uint64_t *pt_page_table(const struct pt_page *page)
{
	uintptr_t addr = (uintptr_t)page, chunk = addr & ~(PT_CHUNK_SIZE - 1);
	size_t i = (addr - chunk) / sizeof(*page);

	return (_Atomic uint64_t *)(chunk + (i << PT_PAGE_LG2));
}

/* Of a page that was taken and isn't in a tree yet. */
static inline void pt_page_zero(struct pt_page *page)
{
	if (!page->zero)
		memset((void *)pt_page_table(page), 0, PT_PAGE_SIZE);
}

/* A list of @n pages, which aren't zeroed where !zero. Return: 0; -ENOMEM, when none was taken. */
int pt_pages_take(size_t n, struct pt_page **list);

/* Back for anyone to take; `zero` is right. */
void pt_pages_put(struct pt_page *list);

#endif
