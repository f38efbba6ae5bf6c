/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/refuse.h"

static void test_without_loan(void **state)
{
	assert_int_equal(refuse(EINVAL, "rule", "object %d", 1), -EINVAL);
	assert_int_equal(refuse(ENOENT, "rule", NULL), -ENOENT);
	why_asked("%s", "nothing");
	why_forget();
}

static void test_explains(void **state)
{
	struct uiommu_why why = { .err = 77, .rule = "stale", .object = "stale", .asked = "stale" };

	assert_null(why_begin(&why));
	assert_int_equal(why.err, 0);
	assert_string_equal(why.asked, "");
	assert_string_equal(why.rule, "");
	assert_string_equal(why.object, "");
	why_asked("map %d bytes", 4096);
	assert_int_equal(refuse(EEXIST, "ranges don't overlap", "area %s", "0x1000"), -EEXIST);
	why_end(NULL);
	assert_int_equal(why.err, EEXIST);
	assert_string_equal(why.asked, "map 4096 bytes");
	assert_string_equal(why.rule, "ranges don't overlap");
	assert_string_equal(why.object, "area 0x1000");
}

static void test_first_is_kept(void **state)
{
	struct uiommu_why why;

	why_begin(&why);
	why_asked("outer");
	why_asked("inner");
	assert_int_equal(refuse(EBUSY, "first", NULL), -EBUSY);
	assert_int_equal(refuse(EINVAL, "second", "object"), -EINVAL);
	why_end(NULL);
	assert_string_equal(why.asked, "outer");
	assert_int_equal(why.err, EBUSY);
	assert_string_equal(why.rule, "first");
	assert_string_equal(why.object, "");
}

static void test_forget(void **state)
{
	struct uiommu_why why;

	why_begin(&why);
	why_asked("this");
	refuse(EBUSY, "first", "one");
	why_forget();
	assert_int_equal(why.err, 0);
	assert_string_equal(why.asked, "this");
	refuse(EINVAL, "second", NULL);
	why_end(NULL);
	assert_int_equal(why.err, EINVAL);
	assert_string_equal(why.rule, "second");
	assert_string_equal(why.object, "");
}

static void test_nested_loans(void **state)
{
	struct uiommu_why outer, inner, *saved;

	why_begin(&outer);
	saved = why_begin(&inner);
	assert_ptr_equal(saved, &outer);
	refuse(EBUSY, "inner", NULL);
	why_end(saved);
	assert_int_equal(outer.err, 0);
	saved = why_begin(NULL);
	refuse(EPERM, "nobody listens", NULL);
	why_end(saved);
	assert_int_equal(outer.err, 0);
	refuse(EINVAL, "outer", NULL);
	why_end(NULL);
	refuse(ENOMEM, "after the request", NULL);
	assert_int_equal(outer.err, EINVAL);
	assert_int_equal(inner.err, EBUSY);
}

static void test_long_text(void **state)
{
	struct uiommu_why why;
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	why_begin(&why);
	why_asked("%s", text);
	refuse(EINVAL, text, "%s", text);
	why_end(NULL);
	assert_int_equal(strlen(why.asked), sizeof(why.asked) - 1);
	assert_int_equal(strlen(why.rule), sizeof(why.rule) - 1);
	assert_int_equal(strlen(why.object), sizeof(why.object) - 1);
}

/* A rule isn't a format. */
static void test_percent(void **state)
{
	struct uiommu_why why;

	why_begin(&why);
	refuse(EINVAL, "100 %s of %n", NULL);
	why_end(NULL);
	assert_string_equal(why.rule, "100 %s of %n");
}

static void *other_thread(void *arg)
{
	refuse(EIO, "another thread's", NULL);
	return NULL;
}

static void test_loan_is_the_threads(void **state)
{
	struct uiommu_why why;
	pthread_t thread;

	why_begin(&why);
	assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	why_end(NULL);
	assert_int_equal(why.err, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_loan),
		cmocka_unit_test(test_explains),
		cmocka_unit_test(test_first_is_kept),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_nested_loans),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_loan_is_the_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
