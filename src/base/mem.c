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

static bool fails(void)
{
	return ++made == fail_at;
}

void *base_alloc(size_t size)
{
	return fails() ? NULL : malloc(size);
}

void *base_zalloc(size_t size)
{
	return fails() ? NULL : calloc(1, size);
}

void *base_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

void *base_realloc(void *p, size_t size)
{
	return fails() ? NULL : realloc(p, size);
}

void *base_zalloc_aligned(size_t align, size_t size)
{
	void *p;

	if (fails() || posix_memalign(&p, align, size))
		return NULL;
	memset(p, 0, size);
	return p;
}

void base_free(void *p)
{
	free(p);
}
