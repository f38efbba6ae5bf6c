/* SPDX-License-Identifier: MIT */
/*
 * Unmap returns when no device can touch the old memory: devices write at full speed, while the
 * client maps pages, lets them be written, unmaps, poisons, and looks whether the poison stays.
 * Pages are taken away from the program and given back as well (follow_vacate), and attachments
 * come and go.
 *
 * Under the thread sanitizer each poisoning is an ordinary store: it reports a race if the order
 * that makes it safe were missing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/follow.h"
#include "dma/chan.h"
#include "rig.h"

#define PAGE	4096u
#define PAGES	16u
#define WRITERS 2u
#define IOVA	UINT64_C(0x40000000)
#define POISON	0xdbu

static struct rig rig;
static _Atomic bool stop;
static _Atomic uint64_t written, refused;

/* Each has a half of every page of its own: devices that share bytes race with each other, not with
 * us. */
static void *writer(void *arg)
{
	uint64_t half = (uintptr_t)arg * (PAGE / 2);
	struct uiommu_dma *dma;
	unsigned char line[256];
	uint64_t ok = 0, bad = 0;

	memset(line, 0x11, sizeof(line));
	if (dma_chan_new(&rig.req, &dma))
		abort();
	for (unsigned int i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
		uint64_t iova = IOVA + (i * 7 % PAGES) * PAGE + half + i % 56 * 32;

		if (uiommu_dma_write(dma, UIOMMU_PASID_NONE, iova, line, sizeof(line)))
			bad++;
		else
			ok++;
	}
	atomic_fetch_add(&written, ok);
	atomic_fetch_add(&refused, bad);
	dma_chan_free(dma);
	return NULL;
}

static void check_poison(const unsigned char *page, const char *what)
{
	for (size_t i = 0; i < PAGE; i++) {
		if (page[i] == POISON)
			continue;
		fprintf(stderr, "%s: byte %zu was written after unmap\n", what, i);
		abort();
	}
}

static void one_round(unsigned char *mem, unsigned int round)
{
	unsigned int page = round * 5 % PAGES, n = 1 + round % 4;

	if (page + n > PAGES)
		n = PAGES - page;
	if (rig_map(&rig, IOVA + page * PAGE, mem + page * PAGE, n * PAGE))
		abort();
	for (volatile unsigned int spin = 0; spin < round % 500; spin++)
		;
	if (round % 7 == 0) {
		uint32_t id = rig.ioas->obj.id;

		device_detach(rig.dev);
		memset(mem + page * PAGE, POISON, n * PAGE);
		check_poison(mem + page * PAGE, "detach");
		if (device_attach(rig.dev, &id))
			abort();
	}
	if (round % 11 == 0 && follow_vacate(&rig.core, (uintptr_t)mem + page * PAGE, PAGE))
		abort();
	if (rig_unmap(&rig, IOVA + page * PAGE, n * PAGE))
		abort();
	memset(mem + page * PAGE, POISON, n * PAGE);
	for (volatile unsigned int spin = 0; spin < 200; spin++)
		;
	for (unsigned int i = 0; i < n; i++)
		check_poison(mem + (page + i) * PAGE, "unmap");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
	double seconds = getenv("STRESS_SECONDS") ? atof(getenv("STRESS_SECONDS")) : 2;
	double end = now() + seconds;
	pthread_t thread[WRITERS];
	unsigned char *mem;
	unsigned int rounds;

	rig_init(&rig, &pt_x86_64);
	mem = rig_pages(PAGES * PAGE);
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_create(&thread[i], NULL, writer, (void *)(uintptr_t)i);
	for (rounds = 0; now() < end; rounds++)
		one_round(mem, rounds);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	printf("%u rounds, %lu writes, %lu refused\n", rounds, written, refused);
	rig_fini(&rig);
	munmap(mem, PAGES * PAGE);
	return rounds && refused ? 0 : 1;
}
