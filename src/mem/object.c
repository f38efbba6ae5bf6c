/* SPDX-License-Identifier: MIT */
#include "mem/object.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/refuse.h"
#include "mem/guard.h"

#define PAGE UINT64_C(4096)

/* A pinned map request whose pages, or some of them, an alias holds. */
struct mem_kept {
	struct mem *mem;
	struct mem_kept *next;
};

static int mem_new(enum mem_kind kind, struct mem **out)
{
	struct mem *mem = base_zalloc(sizeof(*mem));

	if (!mem)
		return -ENOMEM;
	atomic_init(&mem->refs, 1);
	mem->kind = kind;
	*out = mem;
	return 0;
}

int mem_process_new(struct userspace *us, struct mem **out)
{
	int err = mem_new(MEM_PROCESS, out);

	if (!err)
		(*out)->us = us;
	return err;
}

int mem_charged_new(
	struct userspace *us, struct account *account, uintptr_t host, size_t len, struct mem **out)
{
	uint64_t first = host / PAGE, last = (host + (len - 1)) / PAGE;
	int err = mem_process_new(us, out);

	if (!err) {
		(*out)->account = account;
		(*out)->pages = last - first + 1;
	}
	return err;
}

int mem_alias_new(uintptr_t base, size_t len, struct mem **out)
{
	int err = mem_new(MEM_ALIAS, out);

	if (!err) {
		(*out)->base = base;
		(*out)->len = len;
	}
	return err;
}

void mem_get(struct mem *mem)
{
	atomic_fetch_add_explicit(&mem->refs, 1, memory_order_relaxed);
}

void mem_put(struct mem *mem)
{
	mem_put_many(mem, 1);
}

void mem_put_many(struct mem *mem, uint32_t n)
{
	if (atomic_fetch_sub_explicit(&mem->refs, n, memory_order_acq_rel) != n)
		return;
	while (mem->kept) {
		struct mem_kept *kept = mem->kept;

		mem->kept = kept->next;
		mem_unpin(kept->mem);
		mem_put(kept->mem);
		base_free(kept);
	}
	if (mem->kind == MEM_ALIAS && mem->len)
		munmap((void *)mem->base, mem->len);
	base_free(mem);
}

int mem_pin(struct mem *mem)
{
	struct account *account = mem->account;
	int err = 0;

	if (!account)
		return 0;
	pthread_mutex_lock(&account->lock);
	if (!mem->pins && mem->pages > account->limit - account->pages)
		err = refuse(ENOMEM, "pinned memory stays within the limit",
			"%lu pages are asked for, %lu of %lu are charged", mem->pages,
			account->pages, account->limit);
	else if (!mem->pins++)
		account->pages += mem->pages;
	pthread_mutex_unlock(&account->lock);
	return err;
}

void mem_unpin(struct mem *mem)
{
	struct account *account = mem->account;

	if (!account)
		return;
	pthread_mutex_lock(&account->lock);
	if (!--mem->pins)
		account->pages -= mem->pages;
	pthread_mutex_unlock(&account->lock);
}

void mem_keep(struct mem *alias, struct mem *mem)
{
	struct mem_kept *kept =
		mem->account && alias->kind == MEM_ALIAS ? base_alloc(sizeof(*kept)) : NULL;

	if (kept) {
		*kept = (struct mem_kept){ .mem = mem, .next = alias->kept };
		alias->kept = kept;
		return;
	}
	/* Nothing is charged, or there is no memory to remember that it is. */
	mem_unpin(mem);
	mem_put(mem);
}

int mem_range_add(struct mem *mem, uintptr_t host, size_t len)
{
	return mem->kind == MEM_PROCESS ? us_add(mem->us, host, len) : 0;
}

void mem_range_remove(struct mem *mem, uintptr_t host, size_t len)
{
	if (mem->kind == MEM_PROCESS)
		us_remove(mem->us, host, len);
}

int mem_populate(struct mem *mem, uintptr_t host, size_t len, bool write)
{
	return mem->kind == MEM_PROCESS ? guard_populate(host, len, write) : 0;
}
