/* SPDX-License-Identifier: MIT */
/* Each operation with its n-th allocation failing, for every n: afterwards all is as it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/follow.h"
#include "dma/chan.h"
#include "rig.h"

#define PAGE  4096u
#define LARGE (UINT64_C(2) << 20)
#define IOVA  UINT64_C(0x40000000)
#define AREAS 4u

static struct rig rig;
static struct ioas *other;
static char *mem; /* two large pages */

/* What a client could see, and what would leak. */
struct state {
	size_t areas, other_areas, objects, reserved, other_reserved;
	uint64_t pinned, bytes, alignment;
	uint64_t users, other_users, bound;
	struct hwpt *hwpt;
};

static struct state look(void)
{
	return (struct state){
		.areas = rig.ioas->areas.count,
		.other_areas = other->areas.count,
		.objects = rig.ctx->objs.count,
		.reserved = rig.ioas->reserved.count,
		.other_reserved = other->reserved.count,
		.pinned = rig.core.userspace.ranges,
		.bytes = rig.counters.bytes_now,
		.alignment = other->alignment,
		.users = rig.ioas->obj.users,
		.other_users = other->obj.users,
		.hwpt = rig.group.hwpt,
		.bound = rig.group.bound,
	};
}

static void memory_is_reached(void)
{
	for (uint64_t off = 0; off < 2 * LARGE; off += LARGE / 8) {
		uint64_t seen = 0;

		assert_int_equal(
			uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + off, &seen, 8), 0);
		assert_int_equal(seen, off);
	}
}

static int setup(void **state)
{
	char *raw;

	rig_init(&rig, *state ? *state : &pt_x86_64);
	assert_int_equal(ioas_new(rig.ctx, &other), 0);
	raw = rig_pages(3 * LARGE);
	mem = (char *)(((uintptr_t)raw + LARGE - 1) & ~(LARGE - 1));
	munmap(raw, (size_t)(mem - raw));
	munmap(mem + 2 * LARGE, (size_t)(raw + LARGE - mem));
	for (uint64_t off = 0; off < 2 * LARGE; off += LARGE / 8)
		memcpy(mem + off, &off, sizeof(off));
	for (uint64_t i = 0; i < AREAS; i++) {
		uint64_t len = 2 * LARGE / AREAS;

		assert_int_equal(rig_map(&rig, IOVA + i * len, mem + i * len, len), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	obj_put(&other->obj);
	rig_fini(&rig);
	munmap(mem, 2 * LARGE);
	return 0;
}

/* Runs @op with each of its allocations failing until it succeeds; @undo takes that back. */
static void sweep(int (*op)(void), void (*undo)(void))
{
	struct state before = look(), after;
	unsigned long n = 0;
	int err;

	do {
		base_fail_nth(++n);
		err = op();
		base_fail_nth(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		after = look();
		assert_memory_equal(&before, &after, sizeof(before));
		memory_is_reached();
	} while (n < 1000);
	assert_int_equal(err, 0);
	if (undo) {
		undo();
		after = look();
		assert_memory_equal(&before, &after, sizeof(before));
		memory_is_reached();
	}
}

static struct ioas *made;

static int op_ioas(void)
{
	return ioas_new(rig.ctx, &made);
}

static void undo_ioas(void)
{
	uint32_t id = made->obj.id;

	obj_put(&made->obj);
	assert_int_equal(obj_destroy_id(rig.ctx, id), 0);
}

static struct hwpt *table;

static int op_hwpt(void)
{
	return hwpt_new(rig.ioas, 0, false, &table);
}

static void undo_hwpt(void)
{
	uint32_t id = table->obj.id;

	obj_put(&table->obj);
	assert_int_equal(obj_destroy_id(rig.ctx, id), 0);
}

static int op_map(void)
{
	/* Not a large page: tables down to the last level, in a range of its own. */
	return rig_map(&rig, UINT64_C(1) << 40, mem + PAGE, LARGE);
}

static void undo_map(void)
{
	assert_int_equal(rig_unmap(&rig, UINT64_C(1) << 40, LARGE), 0);
}

static struct ioas_copy copy = {
	.flags = IOAS_FIXED_IOVA | IOAS_READABLE,
	.src_iova = IOVA + PAGE,
	.len = 2 * LARGE - 2 * PAGE,
};

static int op_copy(void)
{
	copy.dst_iova = UINT64_C(1) << 41;
	return ioas_copy(rig.ioas, rig.ioas, &copy);
}

static void undo_copy(void)
{
	assert_int_equal(rig_unmap(&rig, UINT64_C(1) << 41, copy.len), 0);
}

static int op_copy_out(void)
{
	copy.dst_iova = UINT64_C(1) << 41;
	return ioas_copy(other, rig.ioas, &copy);
}

static void undo_copy_out(void)
{
	uint64_t unmapped;

	ioas_unmap_all(other, &unmapped);
	assert_int_equal(unmapped, copy.len);
}

static int op_replace(void)
{
	uint32_t id = other->obj.id;

	return device_attach(rig.dev, &id);
}

static void undo_replace(void)
{
	uint32_t id = rig.ioas->obj.id;

	assert_int_equal(device_attach(rig.dev, &id), 0);
}

static struct device *second;

static int op_bind(void)
{
	return device_bind(rig.ctx, &rig.req, &second);
}

static void undo_bind(void)
{
	device_unbind(second);
}

static struct uiommu_dma *channel;

static int op_channel(void)
{
	return dma_chan_new(&rig.req, &channel);
}

static void undo_channel(void)
{
	dma_chan_free(channel);
}

static int op_split(void)
{
	return ioas_split(rig.ioas, IOVA + LARGE / 4);
}

static void objects(void **state)
{
	sweep(op_ioas, undo_ioas);
	sweep(op_hwpt, undo_hwpt);
	sweep(op_bind, undo_bind);
	sweep(op_channel, undo_channel);
}

static void areas(void **state)
{
	sweep(op_map, undo_map);
	sweep(op_copy, undo_copy);
	sweep(op_copy_out, undo_copy_out);
}

static void many_areas(void **state)
{
	/* So many that the map grows as well. */
	for (uint64_t i = 0; i < 200; i++)
		assert_int_equal(rig_map(&rig, (UINT64_C(1) << 36) + i * 2 * PAGE, mem, PAGE), 0);
	sweep(op_map, undo_map);
	sweep(op_copy, undo_copy);
	sweep(op_hwpt, undo_hwpt);
	sweep(op_split, NULL);
	assert_int_equal(rig.ioas->areas.count, AREAS + 200 + 1);
	memory_is_reached();
}

static struct hwpt *held;

/* The table that is left stays (it is held), so that the state is comparable. */
static void attachments(void **state)
{
	struct ioas_map map = {
		.flags = IOAS_FIXED_IOVA | IOAS_READABLE,
		.user_va = (uintptr_t)mem,
		.len = 2 * LARGE,
		.iova = IOVA,
	};

	held = rig.group.hwpt;
	obj_hold(&held->obj);
	assert_int_equal(ioas_map(other, &map), 0);
	assert_int_equal(rig.core.userspace.ranges, AREAS);
	sweep(op_replace, NULL);
	memory_is_reached();
	assert_int_equal(rig.core.userspace.ranges, AREAS + 1);
	undo_replace();
	assert_int_equal(rig.core.userspace.ranges, AREAS);
	obj_put(&held->obj);
}

/* What is reached is right, or nothing is reached: for want of memory for a table (follow.c). */
static unsigned int reached(void)
{
	unsigned int right = 0;

	for (uint64_t off = 0; off < 2 * LARGE; off += LARGE / 8) {
		uint64_t seen = ~off;

		if (uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + off, &seen, 8))
			continue;
		assert_int_equal(seen, off);
		right++;
	}
	return right;
}

static void moves_of(bool vacate)
{
	unsigned long n = 0;
	int err;

	do {
		char *from = mem + LARGE / 2, *to;

		base_fail_nth(++n);
		if (vacate) {
			err = follow_vacate(&rig.core, (uintptr_t)from, LARGE / 8);
		} else {
			to = rig_pages(LARGE / 8);
			err = follow_mremap(&rig.core, from, LARGE / 8, LARGE / 8,
				      MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED
				      ? -errno
				      : 0;
			if (err)
				munmap(to, LARGE / 8);
		}
		base_fail_nth(0);
		assert_true(!err || err == -ENOMEM);
		if (err) {
			uint64_t off;

			assert_int_equal(reached(), 16);
			memcpy(&off, from, 8);
			assert_int_equal(off, LARGE / 2);
		}
	} while (err && n < 1000);
	assert_int_equal(err, 0);
	assert_int_equal(reached(), 16);
	/* Mappings are still as many as the client made. */
	assert_int_equal(rig_unmap(&rig, IOVA + LARGE / 2 + LARGE / 8, LARGE / 8), -ENOENT);
	assert_int_equal(rig_unmap(&rig, IOVA, LARGE / 2), 0);
	assert_int_equal(rig_unmap(&rig, IOVA + LARGE / 2, 3 * LARGE / 2), 0);
	assert_int_equal(rig.core.userspace.ranges, 0);
	if (!vacate)
		mmap(mem + LARGE / 2, LARGE / 8, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void vacating(void **state)
{
	moves_of(true);
}

static void moving(void **state)
{
	moves_of(false);
}

#define TEST(fn)                                                                                   \
	{ #fn " (x86-64)", fn, setup, teardown, NULL },                                            \
	{                                                                                          \
#fn " (armv8)", fn, setup, teardown, (void *)(uintptr_t)&pt_armv8_4k               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(objects),
		TEST(areas),
		TEST(many_areas),
		TEST(attachments),
		TEST(vacating),
		TEST(moving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
