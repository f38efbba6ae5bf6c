/* SPDX-License-Identifier: MIT */
/* What holds for every request of /dev/iommu: numbers, sizes, the tail, what is written back. */
#include "fixture.h"

#include <string.h>
#include <sys/mman.h>

/* Requests that have a handler. */
struct request {
	unsigned long code;
	uint32_t size, min;
};
#define REQUEST(name, tag)                                                                         \
	{                                                                                          \
		UIOMMU_ABI_##name, sizeof(struct uiommu_abi_##tag), UIOMMU_ABI_##name##_MIN        \
	}

static const struct request requests[] = {
	REQUEST(DESTROY, destroy),
	REQUEST(IOAS_ALLOC, ioas_alloc),
	REQUEST(IOAS_ALLOW_IOVAS, ioas_allow_iovas),
	REQUEST(IOAS_COPY, ioas_copy),
	REQUEST(IOAS_IOVA_RANGES, ioas_iova_ranges),
	REQUEST(IOAS_MAP, ioas_map),
	REQUEST(IOAS_UNMAP, ioas_unmap),
	REQUEST(OPTION, option),
	REQUEST(VFIO_IOAS, vfio_ioas),
	REQUEST(HWPT_ALLOC, hwpt_alloc),
	REQUEST(GET_HW_INFO, hw_info),
};
#define NREQUESTS (sizeof(requests) / sizeof(requests[0]))

#define ROOM 256

/* A structure of that size, all zeroes but for its first word. */
static long ask_size(struct fixture *f, unsigned long code, uint32_t size, uint8_t *body)
{
	memset(body, 0, ROOM);
	memcpy(body, &size, sizeof(size));
	return ask(f, f->ctx, code, body);
}

static void test_too_small(void **state)
{
	struct fixture *f = *state;
	uint8_t body[ROOM];

	for (size_t i = 0; i < NREQUESTS; i++) {
		assert_refused(EINVAL, ask_size(f, requests[i].code, requests[i].min - 1, body));
		assert_refused(EINVAL, ask_size(f, requests[i].code, 4, body));
		assert_refused(EINVAL, ask_size(f, requests[i].code, 0, body));
	}
}

static void test_unknown_tail(void **state)
{
	struct fixture *f = *state;
	uint8_t body[ROOM];

	for (size_t i = 0; i < NREQUESTS; i++) {
		uint32_t size = requests[i].size + 1;

		memset(body, 0, sizeof(body));
		memcpy(body, &size, sizeof(size));
		body[size - 1] = 1;
		assert_refused(E2BIG, ask(f, f->ctx, requests[i].code, body));
		/* Far away, too. */
		body[size - 1] = 0;
		size = ROOM;
		memcpy(body, &size, sizeof(size));
		body[ROOM - 1] = 1;
		assert_refused(E2BIG, ask(f, f->ctx, requests[i].code, body));
	}
}

static void test_zero_tail_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t exact[ROOM], larger[ROOM];

	for (size_t i = 0; i < NREQUESTS; i++) {
		long ret = ask_size(f, requests[i].code, requests[i].size, exact);

		assert_int_equal(ret, ask_size(f, requests[i].code, requests[i].size + 1, larger));
		assert_int_equal(ret, ask_size(f, requests[i].code, ROOM, larger));
	}
}

/* A caller that knows less gets no more than it has room for. */
static void test_minimum_size(void **state)
{
	struct fixture *f = *state;
	uint8_t body[ROOM];

	for (size_t i = 0; i < NREQUESTS; i++) {
		uint32_t min = requests[i].min;

		memset(body, 0xee, sizeof(body));
		memset(body, 0, min);
		memcpy(body, &min, sizeof(min));
		assert_int_not_equal(-E2BIG, ask(f, f->ctx, requests[i].code, body));
		for (size_t at = min; at < ROOM; at++)
			assert_int_equal(0xee, body[at]);
	}
}

static void test_bad_pointer(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NREQUESTS; i++)
		assert_refused(EFAULT, ask_at(f, f->ctx, requests[i].code, BAD_POINTER));
}

/* The size word is there, the rest is beyond the end of memory. */
static void test_half_readable(void **state)
{
	struct fixture *f = *state;
	char *edge = f->buf + BUF_SIZE - 4;
	uint32_t size;

	for (size_t i = 0; i < NREQUESTS; i++) {
		memcpy(edge, &requests[i].size, 4);
		if (requests[i].size > 4)
			assert_refused(
				EFAULT, ask_at(f, f->ctx, requests[i].code, (uintptr_t)edge));
		/* The tail is looked at before the body. */
		size = ROOM;
		memcpy(edge, &size, 4);
		assert_refused(EFAULT, ask_at(f, f->ctx, requests[i].code, (uintptr_t)edge));
	}
}

static void test_unknown_requests(void **state)
{
	struct fixture *f = *state;
	uint8_t body[ROOM];

	/* A number without a request: the size word is read first. */
	for (unsigned long code = 0x3b96; code < 0x3ba0; code++)
		assert_refused(ENOTTY, ask_size(f, code, ROOM, body));
	/* Another type, stray direction and size bits. */
	for (size_t i = 0; i < NREQUESTS; i++) {
		uint32_t size = requests[i].size;

		assert_refused(ENOTTY, ask_size(f, requests[i].code | 0x80000000, size, body));
		assert_refused(ENOTTY, ask_size(f, requests[i].code | 0x40080000, size, body));
		assert_refused(ENOTTY, ask_size(f, (requests[i].code & 0xff) | 0x3c00, size, body));
		assert_refused(
			EFAULT, ask_at(f, f->ctx, requests[i].code | 0x80000000, BAD_POINTER));
	}
	assert_refused(ENOTTY, ask_size(f, 0x3b63, ROOM, body));
	assert_refused(ENOTTY, ask_size(f, 0x3b75, ROOM, body));
	assert_refused(ENOTTY, ask_size(f, 0x3bff, ROOM, body));
}

/* Results go to memory that can't be written: the request has had its effect. */
static void test_read_only_argument(void **state)
{
	static const struct uiommu_abi_ioas_alloc cmd = { .size = sizeof(cmd) };
	struct fixture *f = *state;

	assert_refused(EFAULT, ask_at(f, f->ctx, UIOMMU_ABI_IOAS_ALLOC, (uintptr_t)&cmd));
}

static void test_no_file_operations(void **state)
{
	struct fixture *f = *state;
	struct provider_mmap map;
	char byte = 0;

	assert_int_equal(-EINVAL, f->p->ops->read(f->p, f->ctx, &byte, 1, 0, &f->why));
	assert_int_equal(-EINVAL, f->p->ops->write(f->p, f->ctx, &byte, 1, 0, &f->why));
	assert_refused(EINVAL,
		f->p->ops->mmap(f->p, f->ctx, PAGE, PAGE, PROT_READ, MAP_PRIVATE, &map, &f->why));
	assert_refused(EPERM, f->p->ops->mmap(f->p, f->ctx, PAGE, PAGE, PROT_READ | PROT_EXEC,
				      MAP_SHARED, &map, &f->why));
	assert_refused(ENXIO,
		f->p->ops->mmap(f->p, f->ctx, PAGE, PAGE, PROT_READ, MAP_SHARED, &map, &f->why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_too_small),
		conformance_test(test_unknown_tail),
		conformance_test(test_zero_tail_changes_nothing),
		conformance_test(test_minimum_size),
		conformance_test(test_bad_pointer),
		conformance_test(test_half_readable),
		conformance_test(test_unknown_requests),
		conformance_test(test_read_only_argument),
		conformance_test(test_no_file_operations),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
