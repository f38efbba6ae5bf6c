/* SPDX-License-Identifier: MIT */
/*
 * flush_load BDF LEDGER SEED BLOCKS: writes random blocks of an NVMe drive, many at a time, with a
 * flush now and then, until it is killed. The ledger is a file that is mapped, so that it outlives
 * the program: for each block the number of the last write that was submitted, and of the last one
 * that a completed flush covers. Each sector of a block holds the write's number and the sector's,
 * repeated.
 *
 * At most one write of a block is in flight, so that what a sector holds is between the two.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nvme_client.h"

#define SECTOR	     512u
#define SECTORS	     (PAGE / SECTOR) /* of a block */
#define SLOTS	     32u
#define SLOT_PAGES   9u /* 8 of data, and their list */
#define LONGEST	     8u
#define FLUSH_ID     SLOTS
#define FLUSH_EACH   48u /* writes */
#define LONGEST_LIFE 300 /* seconds, if nobody comes to kill it */

struct ledger_block {
	_Atomic uint64_t submitted, durable;
};

struct slot {
	uint64_t number;
	unsigned int first, count; /* blocks; none: the slot is free */
};

static struct nvme nvme;
static struct ledger_block *ledger;
static uint64_t *completed, *covered; /* by the flush in flight */
static struct slot slots[SLOTS];
static unsigned int blocks, since_flush;
static bool flushing;
static uint64_t next_number, seed;

static uint64_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void open_ledger(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	ledger = mmap(NULL, blocks * sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ledger == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	completed = calloc(blocks, sizeof(*completed));
	covered = calloc(blocks, sizeof(*covered));
	if (!completed || !covered)
		err(1, "memory");
	for (unsigned int i = 0; i < blocks; i++)
		if (ledger[i].submitted > next_number)
			next_number = ledger[i].submitted;
}

static bool in_flight(unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slots[i].count && first < slots[i].first + slots[i].count &&
			slots[i].first < first + count)
			return true;
	return false;
}

static void fill(uint64_t *data, const struct slot *slot)
{
	for (unsigned int i = 0; i < slot->count * PAGE / 16; i++) {
		data[2 * i] = slot->number;
		data[2 * i + 1] = (uint64_t)slot->first * SECTORS + i / (SECTOR / 16);
	}
}

static void write_some(unsigned int id)
{
	struct slot *slot = &slots[id];
	uint8_t *data = (uint8_t *)nvme_buffer(&nvme) + (size_t)id * SLOT_PAGES * PAGE;
	uint64_t *list = (uint64_t *)(void *)(data + LONGEST * PAGE);
	unsigned int count = 1 + (unsigned int)(random_number() % LONGEST);
	unsigned int first = (unsigned int)(random_number() % (blocks - count + 1));
	struct command cmd = { .opcode = CMD_WRITE, .id = (uint16_t)id, .nsid = 1 };

	if (in_flight(first, count))
		return;
	*slot = (struct slot){ ++next_number, first, count };
	fill((uint64_t *)(void *)data, slot);
	for (unsigned int i = 1; i < count; i++)
		list[i - 1] = IOVA_OF(&nvme, data + (size_t)i * PAGE);
	cmd.prp[0] = IOVA_OF(&nvme, data);
	cmd.prp[1] = count == 2 ? list[0] : IOVA_OF(&nvme, list);
	cmd.dw[0] = first * SECTORS;
	cmd.dw[2] = count * SECTORS - 1;
	for (unsigned int i = 0; i < count; i++)
		atomic_store(&ledger[first + i].submitted, slot->number);
	nvme_submit(&nvme, &nvme.io, &cmd);
}

/* What has completed so far will be covered. */
static void flush(void)
{
	struct command cmd = { .opcode = CMD_FLUSH, .id = FLUSH_ID, .nsid = 1 };

	memcpy(covered, completed, blocks * sizeof(*covered));
	flushing = true;
	since_flush = 0;
	nvme_submit(&nvme, &nvme.io, &cmd);
}

static void take(const struct completion *done)
{
	if (done->status >> 1)
		errx(1, "command %u: status %#x", done->id, done->status >> 1);
	if (done->id == FLUSH_ID) {
		for (unsigned int i = 0; i < blocks; i++)
			if (covered[i])
				atomic_store(&ledger[i].durable, covered[i]);
		flushing = false;
		return;
	}
	for (unsigned int i = 0; i < slots[done->id].count; i++)
		completed[slots[done->id].first + i] = slots[done->id].number;
	slots[done->id].count = 0;
	since_flush++;
}

int main(int argc, char **argv)
{
	struct completion done;

	if (argc != 5)
		errx(2, "usage: flush_load BDF LEDGER SEED BLOCKS");
	seed = strtoull(argv[3], NULL, 0) | 1;
	blocks = (unsigned int)strtoul(argv[4], NULL, 0);
	open_ledger(argv[2]);
	nvme_open(&nvme, argv[1], SLOTS * SLOT_PAGES);
	if (!nvme_enable(&nvme))
		errx(1, "the controller isn't ready");
	alarm(LONGEST_LIFE);
	printf("%d\n", getpid());
	fflush(stdout);
	for (;;) {
		for (unsigned int i = 0; i < SLOTS; i++)
			if (!slots[i].count)
				write_some(i);
		if (!flushing && since_flush >= FLUSH_EACH)
			flush();
		if (!nvme_reap(&nvme, &nvme.io, &done)) {
			sched_yield();
			continue;
		}
		do
			take(&done);
		while (nvme_reap(&nvme, &nvme.io, &done));
	}
}
