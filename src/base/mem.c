/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local unsigned long fail_at, made;

void base_fail_nth(unsigned long n)
{
	fail_at = n;
	made = 0;
}

unsigned long base_fail_count(void)
{
	return made;
}

bool base_fails(void)
{
	return ++made == fail_at;
}

void *base_alloc(size_t size)
{
	return base_fails() ? NULL : malloc(size);
}

void *base_zalloc(size_t size)
{
	return base_fails() ? NULL : calloc(1, size);
}

void *base_calloc(size_t n, size_t size)
{
	return base_fails() ? NULL : calloc(n, size);
}

void *base_realloc(void *p, size_t size)
{
	return base_fails() ? NULL : realloc(p, size);
}

void *base_alloc_aligned(size_t align, size_t size)
{
	void *p;

	return base_fails() || posix_memalign(&p, align, size) ? NULL : p;
}

void *base_zalloc_aligned(size_t align, size_t size)
{
	void *p = base_alloc_aligned(align, size);

	return p ? memset(p, 0, size) : NULL;
}

void base_free(void *p)
{
	free(p);
}
