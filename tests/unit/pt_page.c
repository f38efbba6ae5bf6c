/* SPDX-License-Identifier: MIT */
/* The stock of table pages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pt/page.h"

static int by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* Pages are aligned, distinct, apart from the array, and lead to their element and back. */
static void pages(void **state)
{
	enum {
		N = 3 * PT_CHUNK_PAGES
	};
	static uintptr_t addr[N];
	struct pt_page *list;
	size_t n = 0;

	assert_int_equal(pt_pages_take(N, &list), 0);
	for (struct pt_page *page = list; page; page = page->next) {
		void *table = (void *)pt_page_table(page);

		assert_true(n < N);
		assert_int_equal((uintptr_t)table % PT_PAGE_SIZE, 0);
		assert_ptr_equal(pt_page_of(table), page);
		assert_ptr_equal(pt_page_of((char *)table + PT_PAGE_SIZE - 1), page);
		memset(table, 0xff, PT_PAGE_SIZE);
		page->zero = false;
		addr[n++] = (uintptr_t)table;
	}
	assert_int_equal(n, N);
	qsort(addr, n, sizeof(addr[0]), by_address);
	for (size_t i = 1; i < n; i++)
		assert_true(addr[i] - addr[i - 1] >= PT_PAGE_SIZE);
	pt_pages_put(list);
}

static void nothing(void **state)
{
	struct pt_page *list;

	assert_int_equal(pt_pages_take(0, &list), 0);
	assert_null(list);
	pt_pages_put(NULL);
}

/* A page says that it is zero only if it was put back so. */
static void zero(void **state)
{
	struct pt_page *list, *page;

	assert_int_equal(pt_pages_take(2, &list), 0);
	page = list->next;
	memset((void *)pt_page_table(list), 1, PT_PAGE_SIZE);
	memset((void *)pt_page_table(page), 0, PT_PAGE_SIZE);
	list->zero = false;
	page->zero = true;
	pt_pages_put(list);
	assert_int_equal(pt_pages_take(2, &list), 0);
	for (page = list; page; page = page->next)
		assert_true(!page->zero || *pt_page_table(page) == 0);
	pt_pages_put(list);
}

/* Whichever allocation fails, none is taken. */
static void failure(void **state)
{
	enum {
		N = 2 * PT_CHUNK_PAGES
	};
	struct pt_page *list = (struct pt_page *)&list;

	for (unsigned long n = 1; n <= N; n += n < 4 ? 1 : 97) {
		base_fail_nth(n);
		assert_int_equal(pt_pages_take(N, &list), -ENOMEM);
		assert_null(list);
	}
	base_fail_nth(0);
	assert_int_equal(pt_pages_take(SIZE_MAX / 2, &list), -ENOMEM);
	assert_null(list);
}

/* Many chunks come and go; the address and leak sanitizers look on. */
static void chunks(void **state)
{
	enum {
		LISTS = 16,
		EACH = PT_CHUNK_PAGES - 30
	};
	struct pt_page *list[LISTS];

	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < LISTS; i++)
			assert_int_equal(pt_pages_take(EACH, &list[i]), 0);
		for (unsigned int i = 0; i < LISTS; i += 2)
			pt_pages_put(list[i]);
		for (unsigned int i = 0; i < LISTS; i += 2)
			assert_int_equal(pt_pages_take(EACH, &list[i]), 0);
		for (unsigned int i = LISTS; i-- > 0;)
			pt_pages_put(list[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(nothing),
		cmocka_unit_test(zero),
		cmocka_unit_test(failure),
		cmocka_unit_test(chunks),
	};

	return cmocka_run_group_tests_name("pt_page", tests, NULL, NULL);
}
