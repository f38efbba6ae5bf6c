/* SPDX-License-Identifier: MIT */
/*
 * A program that is built with the address sanitizer, whose runtime has a handler of SIGSEGV and
 * interceptors of its own. That it ends with success shows that nothing of ours is reported as a
 * leak.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define LEN (4 * PAGE)

static char *volatile sink;

static void overflow(void *arg)
{
	char *mem = malloc(16);

	close(2);
	sink = mem;
	sink[16] = 1;
}

static void wild(void *arg)
{
	close(2);
	*(volatile int *)arg = 1;
}

/* The sanitizer reports, and ends the process with a status of its own, not with a signal. */
static bool is_reported(void (*fn)(void *), void *arg)
{
	int status = in_child(fn, arg);

	return WIFEXITED(status) && WEXITSTATUS(status);
}

int main(void)
{
	void *nothing = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct client c;
	uint8_t *mem;

	client_open(&c);
	if (posix_memalign((void **)&mem, PAGE, LEN))
		bail_out("posix_memalign");
	ok(!client_map(&c, mem, 0x10000, LEN) && client_fill(&c, 0x10000, LEN, 0x1234) &&
			is_filled(mem, LEN, 0x1234),
		"the device works");
	ok(is_reported(overflow, NULL), "an overflow is reported");
	ok(is_reported(wild, nothing), "so is a fault");
	ok(reg64(&c, REG_PATTERN) == 0x1234, "registers work afterwards");
	client_unmap(&c, 0x10000, LEN);
	free(mem);
	client_close(&c);
	client_open(&c);
	return done_testing();
}
