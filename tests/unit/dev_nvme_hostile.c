/* SPDX-License-Identifier: MIT */
/* Random hostile clients of the NVMe controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dev_nvme_stream.h"

#define STREAM 4000u

static void streams(const char *more, unsigned int seed, unsigned int n)
{
	char path[64], options[128];
	struct host h;

	host_file(path, 1 << 20);
	snprintf(options, sizeof(options), "drive=%s,queues=3%s", path, more);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	srandom(seed);
	for (unsigned int i = 0; i < n; i++) {
		uint8_t data[STREAM];

		for (unsigned int k = 0; k < STREAM; k++)
			data[k] = (uint8_t)(random() >> 8);
		if (!nvme_stream(&h, data, STREAM))
			fail_msg("stream %u of seed %u: the controller is stuck", i, seed);
	}
	host_close(&h);
	host_free(&h);
	unlink(path);
}

static void test_uring(void **state)
{
	streams("", 1, 40);
}

static void test_threads(void **state)
{
	streams(",aio=threads", 2, 40);
}

static void test_4k(void **state)
{
	streams(",lba=4096,mdts=1", 3, 40);
}

static void test_readonly(void **state)
{
	streams(",readonly=on", 4, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uring),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_4k),
		cmocka_unit_test(test_readonly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
