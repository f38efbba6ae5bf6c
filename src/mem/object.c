/* SPDX-License-Identifier: MIT */
#include "mem/object.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "mem/guard.h"

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
	if (mem->kind == MEM_ALIAS && mem->len)
		munmap((void *)mem->base, mem->len);
	base_free(mem);
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
