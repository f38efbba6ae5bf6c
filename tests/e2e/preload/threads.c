/* SPDX-License-Identifier: MIT */
/* Threads that open, copy, close and use descriptors, registers and memory at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define THREADS 4
#define ROUNDS	200

static struct client client;

/* Each owns what it opens; numbers are recycled between threads all the time. */
static void *descriptors(void *arg)
{
	uintptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), copy = dup(fd);
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		bad += close(fd) || ioctl(copy, VFIO_GET_API_VERSION) != VFIO_API_VERSION;
		bad += ioctl(null, VFIO_GET_API_VERSION) >= 0 || dup2(copy, null) != null;
		bad += ioctl(null, VFIO_GET_API_VERSION) != VFIO_API_VERSION;
		bad += close(copy) || close(null);
	}
	return (void *)bad;
}

/* Mappings come and go beside those that others use. */
static void *mappings(void *arg)
{
	uintptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		volatile uint32_t *bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			client.device, (off_t)client.bar_offset);

		bad += bar == MAP_FAILED || bar[REG_STATUS / 4] > 3;
		bad += mprotect((void *)bar, PAGE, PROT_READ) || bar[REG_STATUS / 4] > 3;
		bad += munmap((void *)bar, PAGE) != 0;
	}
	return (void *)bad;
}

static void *registers(void *arg)
{
	uintptr_t bad = 0;

	for (int i = 0; i < 10 * ROUNDS; i++)
		bad += reg32(&client, REG_STATUS) > 3;
	return (void *)bad;
}

static void *memory(void *arg)
{
	uint64_t iova = 0x1000000 * (1 + (uintptr_t)arg);
	uintptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *mem = new_pages(4 * PAGE);

		bad += client_map(&client, mem, iova, 4 * PAGE) != 0;
		bad += munmap(mem + PAGE, PAGE) || madvise(mem, PAGE, MADV_DONTNEED) || mem[0];
		bad += client_unmap(&client, iova, 4 * PAGE) != 0;
		/* The hole may be another thread's by now. */
		bad += munmap(mem, PAGE) || munmap(mem + 2 * PAGE, 2 * PAGE);
	}
	return (void *)bad;
}

static void *forks(void *arg)
{
	uintptr_t bad = 0;

	for (int i = 0; i < ROUNDS / 10; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			_exit(ioctl(client.container, VFIO_GET_API_VERSION) >= 0 ||
				close(client.device) || open("/dev/null", O_RDONLY) < 0);
		bad += waitpid(pid, &status, 0) != pid || status;
	}
	return (void *)bad;
}

static bool all(void *(*fn)(void *), bool beside)
{
	void *(*const others[])(void *) = { registers, forks };
	pthread_t thread[THREADS + 2];
	int n = THREADS + (beside ? 2 : 0);
	uintptr_t bad = 0;

	for (int i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, i < THREADS ? fn : others[i - THREADS],
			    (void *)(uintptr_t)i))
			bail_out("pthread_create");
	for (int i = 0; i < n; i++) {
		void *ret;

		pthread_join(thread[i], &ret);
		bad += (uintptr_t)ret;
	}
	return !bad;
}

int main(void)
{
	client_open(&client);
	ok(all(descriptors, true), "descriptors");
	ok(all(mappings, true), "mappings");
	ok(all(memory, true), "memory");
	ok(all(registers, false), "registers");
	client_close(&client);
	return done_testing();
}
