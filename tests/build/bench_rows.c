/* SPDX-License-Identifier: MIT */
/* The benchmark harness: what it computes, records and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <cmocka.h>

#include "bench.h"

static char json_path[] = "/tmp/bench-rows-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(json_path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return setenv("UIOMMU_BENCH_JSON", json_path, 1) || setenv("UIOMMU_BENCH_SAMPLES", "5", 1);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(json_path);
}

/* What was recorded since the last call. */
static const char *recorded(void)
{
	static char text[4096];
	FILE *file = fopen(json_path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	assert_int_equal(truncate(json_path, 0), 0);
	return text;
}

static void figures_are_of_sorted_samples(void **state)
{
	struct bench_row row = {
		.path = "a/b",
		.reference = { .name = "floor: \"x\"\\\n" },
		.goal = { BENCH_RATIO_AT_MOST, 2, "at most twice" },
	};
	double samples[] = { 9, 4, 5, 100, 6 }, reference[] = { 3, 2 };

	(void)state;
	assert_int_equal(bench_report(&row, samples, 5, reference, 2), 0);
	assert_string_equal(recorded(),
		"{\"path\": \"a/b\", \"unit\": \"ns\", \"min\": 4, \"median\": 6, \"p99\": 9, "
		"\"reference\": 2, \"reference_median\": 3, "
		"\"reference_name\": \"floor: \\\"x\\\"\\\\\\u000a\", \"ratio\": 2, "
		"\"goal\": \"at most twice\", \"goal_kind\": \"ratio\", \"goal_limit\": 2, "
		"\"met\": true}\n");
}

static void goals_may_be_missed(void **state)
{
	struct bench_row row = {
		.path = "a", .unit = "bytes", .goal = { BENCH_AT_MOST, 3.5, "at most 3.5" }
	};
	double samples[] = { 3.6 };

	(void)state;
	assert_int_equal(bench_report(&row, samples, 1, NULL, 0), 0);
	assert_non_null(strstr(recorded(), "\"met\": false"));
	row.goal.kind = BENCH_RATIO_AT_MOST;
	row.goal.limit = 1000;
	assert_int_equal(bench_report(&row, samples, 1, NULL, 0), 0);
	assert_non_null(strstr(recorded(), "\"met\": false"));
}

struct calls {
	uint64_t prepared, done, batches;
};

static void prepare(void *arg, uint64_t iterations)
{
	((struct calls *)arg)->prepared = iterations;
}

static void perform(void *arg, uint64_t iterations)
{
	struct calls *calls = arg;

	assert_int_equal(calls->prepared, iterations);
	calls->prepared = 0;
	calls->done += iterations;
	calls->batches++;
}

static void each_batch_is_prepared(void **state)
{
	struct calls subject = { 0 }, reference = { 0 };
	struct bench_row row = {
		.path = "a/b",
		.subject = { .fn = perform, .before = prepare, .arg = &subject, .iterations = 7 },
		.reference = { .fn = perform,
			.before = prepare,
			.arg = &reference,
			.iterations = 3 },
	};

	(void)state;
	assert_int_equal(bench_run(&row), 0);
	assert_true(subject.batches >= 5);
	assert_int_equal(subject.batches, reference.batches);
	assert_int_equal(subject.done, 7 * subject.batches);
	assert_int_equal(reference.done, 3 * reference.batches);
	assert_non_null(strstr(recorded(), "\"goal\": null"));
}

static void filtered_rows_do_not_run(void **state)
{
	struct calls calls = { 0 };
	struct bench_row row = {
		.path = "a/b",
		.subject = { .fn = perform, .before = prepare, .arg = &calls, .iterations = 1 },
	};

	(void)state;
	setenv("UIOMMU_BENCH_FILTER", "a/c", 1);
	assert_int_equal(bench_run(&row), 0);
	unsetenv("UIOMMU_BENCH_FILTER");
	assert_int_equal(calls.batches, 0);
	assert_string_equal(recorded(), "");
}

static void wrong_rows_are_refused(void **state)
{
	struct bench_row row = { .path = "a" };
	double sample = 1;

	(void)state;
	assert_int_equal(bench_run(&row), -EINVAL);
	assert_int_equal(bench_report(&row, &sample, 0, NULL, 0), -EINVAL);
	setenv("UIOMMU_BENCH_JSON", "/nonexistent/rows", 1);
	assert_int_equal(bench_report(&row, &sample, 1, NULL, 0), -ENOENT);
	setenv("UIOMMU_BENCH_JSON", json_path, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_of_sorted_samples),
		cmocka_unit_test(goals_may_be_missed),
		cmocka_unit_test(each_batch_is_prepared),
		cmocka_unit_test(filtered_rows_do_not_run),
		cmocka_unit_test(wrong_rows_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
