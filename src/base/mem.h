/* SPDX-License-Identifier: MIT */
/* Heap with fault injection: every allocation of the engine goes through here. */
#ifndef UIOMMU_BASE_MEM_H
#define UIOMMU_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *base_alloc(size_t size);
void *base_zalloc(size_t size);
void *base_calloc(size_t n, size_t size);
void *base_realloc(void *p, size_t size);
/* @align is a power of two, at least sizeof(void *). */
void *base_zalloc_aligned(size_t align, size_t size);
/* The same, not zeroed. */
void *base_alloc_aligned(size_t align, size_t size);
void base_free(void *p);

/**
 * base_fail_nth() - let the n-th allocation of this thread from now on fail, once; 0: none
 *
 * For the n-th-failure sweeps of the tests.
 */
void base_fail_nth(unsigned long n);
/* Counts an allocation that is served from memory held in stock. Return: whether it has to fail. */
bool base_fails(void);
/* Allocations that this thread has made since base_fail_nth(). */
unsigned long base_fail_count(void);

#endif
