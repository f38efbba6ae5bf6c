/* SPDX-License-Identifier: MIT */
/* Memory that is mapped for DMA, and what the program does to it meanwhile. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

#define SRC 0x100000
#define DST 0x800000
#define LEN (4 * PAGE)

static struct client client;
static uint8_t *dst;

/* Whether devices still read what was in the memory that is mapped at SRC. */
static bool device_reads(uint64_t pattern, size_t off, size_t len)
{
	memset(dst, 0, LEN);
	return client_copy(&client, SRC + off, DST, (uint32_t)len) && is_filled(dst, len, pattern);
}

static void fill(void *mem, size_t len, uint64_t pattern)
{
	uint64_t *word = mem;

	for (size_t i = 0; i < len / 8; i++)
		word[i] = pattern;
}

static uint8_t *mapped(uint64_t pattern)
{
	uint8_t *mem = new_pages(LEN);

	fill(mem, LEN, pattern);
	if (client_map(&client, mem, SRC, LEN))
		bail_out("MAP_DMA");
	return mem;
}

static void unmapped(void)
{
	uint8_t *mem = mapped(0x1111), *other;

	ok(device_reads(0x1111, 0, LEN), "a device reads memory");
	ok(!munmap(mem + PAGE, PAGE) && device_reads(0x1111, 0, LEN), "a page of it is unmapped");
	ok(!munmap(mem, LEN) && device_reads(0x1111, 0, LEN), "all of it is unmapped");
	other = mmap(
		mem, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	fill(other, LEN, 0x2222);
	ok(other == mem && device_reads(0x1111, 0, LEN), "other memory is at the address");
	ok(client_fill(&client, SRC, LEN, 0x3333) && is_filled(other, LEN, 0x2222) &&
			device_reads(0x3333, 0, LEN),
		"which devices don't reach");
	ok(!client_unmap(&client, SRC, LEN) && !client_copy(&client, SRC, DST, 8),
		"until it's unmapped for devices");
	munmap(other, LEN);
}

static void replaced(void)
{
	uint8_t *mem = mapped(0x4444);
	void *at = mmap(mem + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	ok(at == mem + PAGE && is_filled(at, 2 * PAGE, 0) && is_filled(mem, PAGE, 0x4444),
		"fixed mmap() gives new memory");
	ok(device_reads(0x4444, 0, LEN), "devices have the old");
	client_unmap(&client, SRC, LEN);
	munmap(mem, LEN);
}

static void dropped(void)
{
	uint8_t *mem = mapped(0x5555);

	ok(!madvise(mem + PAGE, PAGE, MADV_DONTNEED) && is_filled(mem + PAGE, PAGE, 0) &&
			is_filled(mem, PAGE, 0x5555),
		"madvise(MADV_DONTNEED) gives zeroes");
	ok(device_reads(0x5555, 0, LEN), "devices have the old");
	mem[PAGE] = 1;
	ok(mem[PAGE] == 1 && device_reads(0x5555, PAGE, PAGE), "the new page can be used");
	ok(!madvise(mem, PAGE, MADV_FREE) && device_reads(0x5555, 0, LEN), "MADV_FREE");
	client_unmap(&client, SRC, LEN);
	munmap(mem, LEN);
}

static void moved(void)
{
	uint8_t *mem = mapped(0x6666), *place = new_pages(2 * LEN), *now;

	now = mremap(mem, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	ok(now == place && is_filled(now, LEN, 0x6666) && device_reads(0x6666, 0, LEN),
		"memory moves");
	fill(now, LEN, 0x7777);
	ok(device_reads(0x7777, 0, LEN), "and is the same");
	now = mremap(now, LEN, PAGE, 0);
	ok(now == place && device_reads(0x7777, 0, LEN), "it shrinks");
	munmap(place, 2 * LEN);
	ok(device_reads(0x7777, 0, LEN), "it is unmapped with what is around it");
	client_unmap(&client, SRC, LEN);
}

static void shared(void)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);
	uint8_t *mem;

	if (fd < 0 || ftruncate(fd, LEN))
		bail_out("memfd_create");
	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fill(mem, LEN, 0x8888);
	ok(!client_map(&client, mem, SRC, LEN) && device_reads(0x8888, 0, LEN), "shared memory");
	ok(!madvise(mem, LEN, MADV_DONTNEED) && is_filled(mem, LEN, 0x8888) &&
			device_reads(0x8888, 0, LEN),
		"keeps what is in it");
	ok(!munmap(mem, LEN) && client_fill(&client, SRC, LEN, 0x9999), "it is unmapped");
	mem = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
	ok(is_filled(mem, LEN, 0x9999), "devices write to the file");
	client_unmap(&client, SRC, LEN);
	munmap(mem, LEN);
	close(fd);
}

/* Arguments that point nowhere are errors, as in the kernel. */
static void bad_pointers(void)
{
	void *nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ok(pread(client.device, nowhere, 4, (off_t)client.bar_offset) < 0, "pread() to nowhere");
	ok(pwrite(client.device, nowhere, 4, (off_t)client.bar_offset) < 0,
		"pwrite() from nowhere");
	ok(client_map(&client, nowhere, SRC, PAGE) < 0, "a mapping of nothing");
	munmap(nowhere, PAGE);
}

int main(void)
{
	client_open(&client);
	dst = new_pages(LEN);
	if (client_map(&client, dst, DST, LEN))
		bail_out("MAP_DMA");
	unmapped();
	replaced();
	dropped();
	moved();
	shared();
	bad_pointers();
	return done_testing();
}
