/* SPDX-License-Identifier: MIT */
#include "pt/page.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define PAGE_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PAGE_POISON 1
#endif
#endif

#ifdef PAGE_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr))
#endif

/* The array of struct pt_page has an element for each page of the chunk; it fills the first ones,
 * and in place of these pages' own elements stands this. */
struct chunk {
	struct chunk *prev, *next; /* chunks that have pages to give */
	struct pt_page *free;	   /* were given back */
	uint16_t used;		   /* are out */
	uint16_t fresh;		   /* this page and those after it were never out */
};

#define CHUNK_FIRST (PT_CHUNK_PAGES * sizeof(struct pt_page) / PT_PAGE_SIZE)

static_assert(sizeof(struct chunk) <= CHUNK_FIRST * sizeof(struct pt_page),
	"a chunk's header stands where its own pages' elements would");

/* Chunks with no page out that are kept, and how long the lock is held. */
#define IDLE_MAX  4u
#define PUT_BATCH 256u

/* `lock` protects this, and all chunks' headers. */
static struct {
	pthread_mutex_t lock;
	struct chunk *chunks; /* that have pages to give */
	unsigned int idle;    /* of these, with no page out */
} stock = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct chunk *chunk_of(const struct pt_page *page)
{
	return (struct chunk *)((uintptr_t)page & ~(PT_CHUNK_SIZE - 1));
}

static bool chunk_has_pages(const struct chunk *chunk)
{
	return chunk->free || chunk->fresh < PT_CHUNK_PAGES;
}

static void chunk_link(struct chunk *chunk)
{
	chunk->prev = NULL;
	chunk->next = stock.chunks;
	if (chunk->next)
		chunk->next->prev = chunk;
	stock.chunks = chunk;
}

static void chunk_unlink(struct chunk *chunk)
{
	if (chunk->prev)
		chunk->prev->next = chunk->next;
	else
		stock.chunks = chunk->next;
	if (chunk->next)
		chunk->next->prev = chunk->prev;
}

static struct chunk *chunk_new(void)
{
	struct chunk *chunk = base_alloc_aligned(PT_CHUNK_SIZE, PT_CHUNK_SIZE);

	if (!chunk)
		return NULL;
	/* A hint; small pages work as well. */
	(void)madvise(chunk, PT_CHUNK_SIZE, MADV_HUGEPAGE);
	*chunk = (struct chunk){ .fresh = CHUNK_FIRST };
	ASAN_POISON_MEMORY_REGION((char *)chunk + CHUNK_FIRST * PT_PAGE_SIZE,
		PT_CHUNK_SIZE - CHUNK_FIRST * PT_PAGE_SIZE);
	chunk_link(chunk);
	stock.idle++;
	return chunk;
}

static void chunk_free(struct chunk *chunk)
{
	chunk_unlink(chunk);
	ASAN_UNPOISON_MEMORY_REGION(chunk, PT_CHUNK_SIZE);
	base_free(chunk);
}

static struct pt_page *page_take(void)
{
	struct chunk *chunk;
	struct pt_page *page;

	if (base_fails())
		return NULL;
	chunk = stock.chunks ? stock.chunks : chunk_new();
	if (!chunk)
		return NULL;
	page = chunk->free;
	if (page) {
		chunk->free = page->next;
	} else {
		page = (struct pt_page *)chunk + chunk->fresh++;
		page->zero = false;
	}
	if (!chunk->used++)
		stock.idle--;
	if (!chunk_has_pages(chunk))
		chunk_unlink(chunk);
	ASAN_UNPOISON_MEMORY_REGION(pt_page_table(page), PT_PAGE_SIZE);
	return page;
}

static void page_put(struct pt_page *page)
{
	struct chunk *chunk = chunk_of(page);

	ASAN_POISON_MEMORY_REGION(pt_page_table(page), PT_PAGE_SIZE);
	if (!chunk_has_pages(chunk))
		chunk_link(chunk);
	page->next = chunk->free;
	chunk->free = page;
	if (--chunk->used)
		return;
	if (stock.idle < IDLE_MAX)
		stock.idle++;
	else
		chunk_free(chunk);
}

/* More than the machine could hold: refused before memory that others need is spent on it. */
static bool too_many(size_t n)
{
	long pages;

	if (n < PT_CHUNK_PAGES)
		return false;
	pages = sysconf(_SC_PHYS_PAGES);
	return pages > 0 && n > (size_t)pages;
}

int pt_pages_take(size_t n, struct pt_page **list)
{
	struct pt_page *first = NULL, *page;

	*list = NULL;
	if (too_many(n))
		return -ENOMEM;
	pthread_mutex_lock(&stock.lock);
	while (n) {
		page = page_take();
		if (!page)
			break;
		page->next = first;
		first = page;
		n--;
	}
	pthread_mutex_unlock(&stock.lock);
	if (n) {
		pt_pages_put(first);
		return -ENOMEM;
	}
	*list = first;
	return 0;
}

void pt_pages_put(struct pt_page *list)
{
	while (list) {
		pthread_mutex_lock(&stock.lock);
		for (unsigned int i = 0; list && i < PUT_BATCH; i++) {
			struct pt_page *next = list->next;

			page_put(list);
			list = next;
		}
		pthread_mutex_unlock(&stock.lock);
	}
}
