/* SPDX-License-Identifier: MIT */
/* NVM commands, data pointers, errors of the host, back-pressure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev/nvme/aio.h"
#include "dev_nvme_host.h"

#define SIZE (4u << 20)

static struct host h;
static struct host_queue q;
static char path[64];
static uint64_t buf; /* 600 pages */
static unsigned int block;

static void begin_with(const char *more, unsigned int lba)
{
	char options[200];

	block = lba;
	host_file(path, SIZE);
	snprintf(options, sizeof(options), "drive=%s,lba=%u%s", path, lba, more);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	assert_true(host_enable(&h, 32));
	assert_int_equal(host_create_pair(&h, &q, 1, 128, 0, false), 0);
	buf = host_pages(&h, 600);
}

static int begin(void **state)
{
	begin_with("", 512);
	return 0;
}

static int begin_4k(void **state)
{
	begin_with(",aio=threads", 4096);
	return 0;
}

static int end(void **state)
{
	aio_inject(NULL, NULL);
	host_close(&h);
	host_free(&h);
	unlink(path);
	return 0;
}

static void again(const char *more, unsigned int lba)
{
	end(NULL);
	begin_with(more, lba);
}

static uint8_t *at(uint64_t iova)
{
	return h.pdev->mem + iova;
}

static void check_pattern(uint64_t iova, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at(iova)[i] != host_pattern(off + i))
			fail_msg("byte %zu of %zu differs", i, len);
}

static unsigned int rw(uint8_t opcode, uint64_t slba, uint32_t nlb, uint64_t prp1, uint64_t prp2)
{
	struct nvme_sqe sqe = host_rw(opcode, 1, slba, nlb, prp1, prp2);

	return host_cmd(&h, &q, &sqe);
}

static void file_at(uint64_t off, void *to, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, to, len, (off_t)off), len);
	close(fd);
}

static void test_read_write(void **state)
{
	uint8_t back[8192];
	uint32_t n = 8192 / block;

	assert_int_equal(rw(NVME_CMD_READ, 3, n, buf, buf + 4096), 0);
	check_pattern(buf, 3 * block, 8192);
	for (unsigned int i = 0; i < 8192; i++)
		at(buf)[i] = (uint8_t)(i * 3 + 1);
	assert_int_equal(rw(NVME_CMD_WRITE, 5, n, buf, buf + 4096), 0);
	file_at(5 * block, back, 8192);
	assert_memory_equal(back, at(buf), 8192);
	assert_int_equal(rw(NVME_CMD_COMPARE, 5, n, buf, buf + 4096), 0);
	at(buf)[8191] ^= 1;
	assert_int_equal(rw(NVME_CMD_COMPARE, 5, n, buf, buf + 4096), NVME_SC_COMPARE);
	assert_int_equal(rw(NVME_CMD_FLUSH, 0, 1, 0, 0), 0);
}

static void test_ranges(void **state)
{
	uint64_t blocks = SIZE / block;

	assert_int_equal(rw(NVME_CMD_READ, blocks - 1, 1, buf, 0), 0);
	check_pattern(buf, SIZE - block, block);
	assert_int_equal(rw(NVME_CMD_READ, blocks - 1, 2, buf, buf + 4096), NVME_SC_LBA_RANGE);
	assert_int_equal(rw(NVME_CMD_READ, blocks, 1, buf, 0), NVME_SC_LBA_RANGE);
	assert_int_equal(rw(NVME_CMD_WRITE, UINT64_MAX, 1, buf, 0), NVME_SC_LBA_RANGE);
	assert_int_equal(rw(NVME_CMD_COMPARE, UINT64_MAX / block, 2, buf, 0), NVME_SC_LBA_RANGE);
	assert_int_equal(rw(NVME_CMD_WRITE_ZEROES, blocks - 1, 2, 0, 0), NVME_SC_LBA_RANGE);
	assert_int_equal(rw(NVME_CMD_WRITE_ZEROES, UINT64_MAX - 3, 65536, 0, 0), NVME_SC_LBA_RANGE);
}

static void test_namespaces(void **state)
{
	struct nvme_sqe sqe;

	for (uint8_t op = 0; op < 10; op++) {
		if (op == 3 || op == 4 || op == 6 || op == 7)
			continue;
		sqe = host_rw(op, 0, 0, 1, buf, 0);
		assert_int_equal(host_cmd(&h, &q, &sqe), NVME_SC_INVALID_NS);
		sqe = host_rw(op, 2, 0, 1, buf, 0);
		assert_int_equal(host_cmd(&h, &q, &sqe), NVME_SC_INVALID_NS);
		sqe = host_rw(op, NVME_NSID_ALL, 0, 1, buf, 0);
		assert_int_equal(host_cmd(&h, &q, &sqe), op ? NVME_SC_INVALID_NS : 0);
	}
	for (unsigned int op = 0; op < 256; op++) {
		if (op < 10 && op != 3 && op != 4 && op != 6 && op != 7)
			continue;
		sqe = host_rw((uint8_t)op, 1, 0, 1, buf, 0);
		assert_int_equal(host_cmd(&h, &q, &sqe), NVME_SC_INVALID_OPCODE);
	}
	sqe = host_rw(NVME_CMD_READ, 1, 0, 1, buf, 0);
	sqe.flags = 1;
	assert_int_equal(host_cmd(&h, &q, &sqe), NVME_SC_INVALID_FIELD);
	sqe.flags = 2 << 6;
	assert_int_equal(host_cmd(&h, &q, &sqe), NVME_SC_INVALID_FIELD);
}

static void list_fill(uint64_t list, unsigned int n, uint64_t first)
{
	uint64_t *entry = (uint64_t *)at(list);

	for (unsigned int i = 0; i < n; i++)
		entry[i] = htole64(first + (uint64_t)i * 4096);
}

static void test_prp_forms(void **state)
{
	uint64_t list = host_pages(&h, 2);

	/* An offset in the first page, two entries, a list. */
	assert_int_equal(rw(NVME_CMD_READ, 0, 8, buf + 512, buf + 8192), 0);
	check_pattern(buf + 512, 0, 3584);
	check_pattern(buf + 8192, 3584, 512);
	list_fill(list, 4, buf + 16384);
	assert_int_equal(rw(NVME_CMD_READ, 0, 33, buf + 4092 - 508, list), 0);
	check_pattern(buf + 3584, 0, 512);
	check_pattern(buf + 16384, 512, 16384);
	/* All of MDTS: 128 pages, scattered backwards. */
	for (unsigned int i = 0; i < 127; i++)
		((uint64_t *)at(list))[i] = htole64(buf + (uint64_t)(300 - i) * 4096);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1024, buf, list), 0);
	check_pattern(buf, 0, 4096);
	for (unsigned int i = 0; i < 127; i++)
		check_pattern(buf + (uint64_t)(300 - i) * 4096, (i + 1) * 4096, 4096);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1025, buf, list), NVME_SC_INVALID_FIELD);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 65536, buf, list), NVME_SC_INVALID_FIELD);
}

static void test_prp_chain(void **state)
{
	uint64_t list = host_pages(&h, 2);
	uint64_t first = list + 4096 - 16;

	/* Two entries are left in the first page of the list: one of data, and the chain. */
	list_fill(first, 1, buf + 4096);
	((uint64_t *)at(first))[1] = htole64(list + 4096);
	list_fill(list + 4096, 126, buf + 2 * 4096);
	assert_int_equal(rw(NVME_CMD_READ, 8, 1024, buf, first), 0);
	check_pattern(buf, 4096, 128 * 4096);
	/* The last entry of a page is data if it is the last of all. */
	((uint64_t *)at(first))[1] = htole64(buf + 2 * 4096);
	assert_int_equal(rw(NVME_CMD_READ, 8, 24, buf, first), 0);
	check_pattern(buf, 4096, 3 * 4096);
	/* Chains that lead to themselves, nowhere, or into the middle of a page. */
	list_fill(list, 127, buf);
	((uint64_t *)at(list + 4096 - 8))[0] = htole64(list);
	assert_int_equal(rw(NVME_CMD_READ, 8, 1024, buf, list + 4096 - 8), NVME_SC_SUCCESS);
	((uint64_t *)at(list + 4096 - 8))[0] = htole64(HOST_MEM + 4096);
	assert_int_equal(rw(NVME_CMD_READ, 8, 1024, buf, list + 4096 - 8), NVME_SC_DATA_TRANSFER);
	((uint64_t *)at(list + 4096 - 8))[0] = htole64(list + 64);
	assert_int_equal(rw(NVME_CMD_READ, 8, 1024, buf, list + 4096 - 8), NVME_SC_PRP_OFFSET);
}

static void test_prp_errors(void **state)
{
	uint64_t list = host_pages(&h, 1);

	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf + 1, 0), NVME_SC_PRP_OFFSET);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf + 4, 0), 0);
	assert_int_equal(rw(NVME_CMD_READ, 0, 16, buf, buf + 4), NVME_SC_PRP_OFFSET);
	assert_int_equal(rw(NVME_CMD_READ, 0, 24, buf, list + 4), NVME_SC_PRP_OFFSET);
	list_fill(list, 3, buf + 8);
	assert_int_equal(rw(NVME_CMD_READ, 0, 24, buf, list), NVME_SC_PRP_OFFSET);
	list_fill(list, 3, HOST_MEM);
	assert_int_equal(rw(NVME_CMD_READ, 0, 24, buf, list), NVME_SC_DATA_TRANSFER);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 24, buf, list), NVME_SC_DATA_TRANSFER);
	assert_int_equal(rw(NVME_CMD_COMPARE, 0, 24, buf, list), NVME_SC_DATA_TRANSFER);
	assert_int_equal(rw(NVME_CMD_READ, 0, 24, buf, HOST_MEM), NVME_SC_DATA_TRANSFER);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, UINT64_MAX - 3, 0), NVME_SC_DATA_TRANSFER);
	host_perm(&h, buf, 1, HOST_READ);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf, 0), NVME_SC_DATA_TRANSFER);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 1, buf, 0), 0);
	host_perm(&h, buf, 1, HOST_WRITE);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 1, buf, 0), NVME_SC_DATA_TRANSFER);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf, 0), 0);
}

/* --- SGLs ---------------------------------------------------------------------------------------
 */

static struct nvme_sgl_desc sgl(unsigned int type, uint64_t addr, uint32_t len)
{
	return (struct nvme_sgl_desc){
		.addr = htole64(addr), .len = htole32(len), .id = (uint8_t)(type << 4)
	};
}

static unsigned int rw_sgl(uint8_t opcode, uint32_t nlb, struct nvme_sgl_desc d)
{
	struct nvme_sqe sqe = host_rw(opcode, 1, 0, nlb, 0, 0);

	sqe.flags = NVME_PSDT_SGL << 6;
	sqe.sgl = d;
	return host_cmd(&h, &q, &sqe);
}

static void test_sgl_forms(void **state)
{
	uint64_t list = host_pages(&h, 1);
	struct nvme_sgl_desc *d = (struct nvme_sgl_desc *)at(list);

	assert_int_equal(rw_sgl(NVME_CMD_READ, 4, sgl(NVME_SGL_DATA, buf + 1, 2048)), 0);
	check_pattern(buf + 1, 0, 2048);
	/* Longer than the transfer. */
	at(buf)[2048] = 0xaa;
	assert_int_equal(rw_sgl(NVME_CMD_READ, 4, sgl(NVME_SGL_DATA, buf, 4096)), 0);
	assert_int_equal(at(buf)[2048], 0xaa);
	/* A segment of two, then the last, with a bucket in it. */
	d[0] = sgl(NVME_SGL_DATA, buf + 3, 5);
	d[1] = sgl(NVME_SGL_DATA, buf + 1000, 507);
	d[2] = sgl(NVME_SGL_LAST_SEGMENT, list + 1024, 3 * 16);
	d[64] = sgl(NVME_SGL_BIT_BUCKET, UINT64_MAX, 512);
	d[65] = sgl(NVME_SGL_DATA, 0, 0);
	d[66] = sgl(NVME_SGL_DATA, buf + 5000, 1024);
	assert_int_equal(rw_sgl(NVME_CMD_READ, 4, sgl(NVME_SGL_SEGMENT, list, 3 * 16)), 0);
	check_pattern(buf + 3, 0, 5);
	check_pattern(buf + 1000, 5, 507);
	check_pattern(buf + 5000, 1024, 1024);
	/* To the device, a bucket is nothing. */
	assert_int_equal(rw_sgl(NVME_CMD_WRITE, 3, sgl(NVME_SGL_SEGMENT, list, 3 * 16)), 0);
	assert_int_equal(rw_sgl(NVME_CMD_COMPARE, 3, sgl(NVME_SGL_SEGMENT, list, 3 * 16)), 0);
	assert_int_equal(
		rw_sgl(NVME_CMD_WRITE, 4, sgl(NVME_SGL_SEGMENT, list, 3 * 16)), NVME_SC_SGL_LENGTH);
}

static void test_sgl_errors(void **state)
{
	uint64_t list = host_pages(&h, 1);
	struct nvme_sgl_desc *d = (struct nvme_sgl_desc *)at(list);
	struct nvme_sgl_desc keyed = sgl(4, buf, 512), offset = sgl(NVME_SGL_DATA, buf, 512);

	offset.id |= 1;
	assert_int_equal(rw_sgl(NVME_CMD_READ, 1, keyed), NVME_SC_SGL_TYPE);
	assert_int_equal(rw_sgl(NVME_CMD_READ, 1, offset), NVME_SC_SGL_TYPE);
	assert_int_equal(rw_sgl(NVME_CMD_READ, 1, sgl(15, buf, 512)), NVME_SC_SGL_TYPE);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_DATA, buf, 511)), NVME_SC_SGL_LENGTH);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_SEGMENT, list, 0)), NVME_SC_SGL_SEGMENT);
	assert_int_equal(rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_LAST_SEGMENT, list, 17)),
		NVME_SC_SGL_SEGMENT);
	assert_int_equal(rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_SEGMENT, HOST_MEM, 16)),
		NVME_SC_DATA_TRANSFER);
	/* Not the last, but leads nowhere; leads on too early; leads on although it's the last. */
	d[0] = sgl(NVME_SGL_DATA, buf, 16);
	d[1] = sgl(NVME_SGL_DATA, buf, 16);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_SEGMENT, list, 32)), NVME_SC_SGL_SEGMENT);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_LAST_SEGMENT, list, 32)), NVME_SC_SGL_LENGTH);
	d[0] = sgl(NVME_SGL_SEGMENT, list, 32);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_SEGMENT, list, 32)), NVME_SC_SGL_SEGMENT);
	assert_int_equal(rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_LAST_SEGMENT, list, 16)),
		NVME_SC_SGL_SEGMENT);
	/* A loop without data comes to an end. */
	d[0] = sgl(NVME_SGL_DATA, buf, 0);
	d[1] = sgl(NVME_SGL_SEGMENT, list, 32);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 1, sgl(NVME_SGL_SEGMENT, list, 32)), NVME_SC_SGL_COUNT);
	/* Too many pieces. */
	d[0] = sgl(NVME_SGL_DATA, buf + 8, 1);
	assert_int_equal(
		rw_sgl(NVME_CMD_READ, 8, sgl(NVME_SGL_SEGMENT, list, 32)), NVME_SC_SGL_COUNT);
}

/* --- Write zeroes, deallocate
 * ---------------------------------------------------------------------- */

static bool file_is_zero(uint64_t off, size_t len)
{
	static uint8_t all[SIZE];

	file_at(off, all, len);
	for (size_t i = 0; i < len; i++)
		if (all[i])
			return false;
	return true;
}

static int no_fallocate(void *ctx, const struct aio_req *req)
{
	return req->op == AIO_ZERO || req->op == AIO_PUNCH ? -EOPNOTSUPP : 0;
}

static unsigned int zeroes(uint64_t slba, uint32_t nlb, uint32_t flags)
{
	struct nvme_sqe sqe = host_rw(NVME_CMD_WRITE_ZEROES, 1, slba, nlb, 0, 0);

	sqe.cdw12 |= htole32(flags);
	return host_cmd(&h, &q, &sqe);
}

static void zeroes_everywhere(void)
{
	assert_int_equal(zeroes(1, 3, 0), 0);
	assert_true(file_is_zero(block, 3 * block));
	assert_int_equal(zeroes(5, 1, NVME_ZEROES_DEAC | NVME_RW_FUA), 0);
	assert_true(file_is_zero(5 * block, block));
	assert_false(file_is_zero(4 * block, block));
	assert_false(file_is_zero(6 * block, block));
	assert_int_equal(zeroes(10, SIZE / block - 10, 0), 0);
	assert_true(file_is_zero(10 * block, SIZE - 10 * block));
}

static void test_write_zeroes(void **state)
{
	zeroes_everywhere();
}

static void test_write_zeroes_by_hand(void **state)
{
	aio_inject(no_fallocate, NULL);
	zeroes_everywhere();
}

static unsigned int dsm(uint32_t nr, uint32_t attributes, uint64_t prp1)
{
	struct nvme_sqe sqe = { .opcode = NVME_CMD_DSM, .nsid = htole32(1) };

	sqe.prp1 = htole64(prp1);
	sqe.prp2 = htole64(prp1 + 4096);
	sqe.cdw10 = htole32(nr - 1);
	sqe.cdw11 = htole32(attributes);
	return host_cmd(&h, &q, &sqe);
}

static void test_deallocate(void **state)
{
	struct nvme_dsm_range *r = (struct nvme_dsm_range *)at(buf);
	struct stat before, after;

	stat(path, &before);
	r[0] = (struct nvme_dsm_range){ 0, htole32(65536 / block), 0 };
	r[1] = (struct nvme_dsm_range){ 0, 0, UINT64_MAX };
	r[2] = (struct nvme_dsm_range){ 0, htole32(2 * 65536 / block), htole64(131072 / block) };
	assert_int_equal(dsm(3, 0, buf), 0);
	assert_false(file_is_zero(0, 65536));
	assert_int_equal(dsm(3, NVME_DSM_DEALLOCATE, buf), 0);
	assert_true(file_is_zero(0, 65536));
	assert_false(file_is_zero(65536, 65536));
	assert_true(file_is_zero(131072, 131072));
	stat(path, &after);
	assert_true(after.st_blocks < before.st_blocks);
	assert_int_equal(after.st_size, SIZE);
	r[1] = (struct nvme_dsm_range){ 0, htole32(1), htole64(SIZE / block) };
	assert_int_equal(dsm(3, NVME_DSM_DEALLOCATE, buf), NVME_SC_LBA_RANGE);
	assert_int_equal(dsm(3, NVME_DSM_DEALLOCATE, HOST_MEM), NVME_SC_DATA_TRANSFER);
	aio_inject(no_fallocate, NULL);
	assert_int_equal(dsm(1, NVME_DSM_DEALLOCATE, buf), 0);
	memset(r, 0, 4096);
	assert_int_equal(dsm(256, NVME_DSM_DEALLOCATE, buf), 0);
}

/* --- The host fails
 * ---------------------------------------------------------------------------------- */

struct inject {
	enum aio_op op;
	int err;
	atomic_int n, durable;
};

static int inject(void *ctx, const struct aio_req *req)
{
	struct inject *in = ctx;

	if (req->op != in->op)
		return 0;
	atomic_fetch_add(&in->n, 1);
	atomic_fetch_add(&in->durable, req->durable);
	return in->err;
}

static unsigned int with_error(uint8_t opcode, enum aio_op op, int err)
{
	struct inject in = { .op = op, .err = err };
	unsigned int sc;

	aio_inject(inject, &in);
	sc = rw(opcode, 0, 1, buf, 0);
	assert_int_equal(atomic_load(&in.n), 1);
	aio_inject(NULL, NULL);
	return sc;
}

static void test_host_errors(void **state)
{
	struct nvme_smart *smart = (struct nvme_smart *)at(buf);

	assert_int_equal(with_error(NVME_CMD_READ, AIO_READ, -EIO), NVME_SC_READ_ERROR);
	assert_int_equal(with_error(NVME_CMD_READ, AIO_READ, -ENODATA), NVME_SC_READ_ERROR);
	assert_int_equal(with_error(NVME_CMD_COMPARE, AIO_READ, -EIO), NVME_SC_READ_ERROR);
	assert_int_equal(with_error(NVME_CMD_WRITE, AIO_WRITE, -EIO), NVME_SC_WRITE_FAULT);
	assert_int_equal(with_error(NVME_CMD_WRITE, AIO_WRITE, -ENOSPC), NVME_SC_CAPACITY);
	assert_int_equal(with_error(NVME_CMD_WRITE, AIO_WRITE, -EFBIG), NVME_SC_CAPACITY);
	assert_int_equal(with_error(NVME_CMD_WRITE, AIO_WRITE, -EROFS), NVME_SC_WRITE_PROTECTED);
	assert_int_equal(with_error(NVME_CMD_WRITE, AIO_WRITE, -ENOMEM), NVME_SC_INTERNAL);
	assert_int_equal(with_error(NVME_CMD_WRITE_ZEROES, AIO_ZERO, -ENOSPC), NVME_SC_CAPACITY);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 0, buf), 0);
	assert_int_equal(le64toh(smart->media_errors[0]), 4);
	assert_int_equal(smart->warning, 0);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf, 0), 0);
}

/* A flush that failed once fails from then on: the host has forgotten what it couldn't write. */
static void test_flush_failure_stays(void **state)
{
	struct nvme_smart *smart = (struct nvme_smart *)at(buf);

	assert_int_equal(with_error(NVME_CMD_FLUSH, AIO_SYNC, -EIO), NVME_SC_WRITE_FAULT);
	assert_int_equal(rw(NVME_CMD_FLUSH, 0, 1, 0, 0), NVME_SC_WRITE_FAULT);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 1, buf, 0), 0);
	assert_int_equal(rw(NVME_CMD_FLUSH, 0, 1, 0, 0), NVME_SC_WRITE_FAULT);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 0, buf), 0);
	assert_int_equal(smart->warning, NVME_SMART_DEGRADED);
	assert_int_equal(host_features(&h, NVME_ADM_SET_FEATURES, NVME_FID_WRITE_CACHE, 0, 0, NULL),
		NVME_SC_WRITE_FAULT);
}

static void test_truncated(void **state)
{
	assert_int_equal(truncate(path, 4096), 0);
	memset(at(buf), 0xaa, 8192);
	assert_int_equal(rw(NVME_CMD_READ, 8192 / block, 1, buf, 0), NVME_SC_READ_ERROR);
	assert_int_equal(at(buf)[0], 0xaa);
	if (block == 512)
		assert_int_equal(rw(NVME_CMD_READ, 4, 8, buf, 0), NVME_SC_READ_ERROR);
	assert_int_equal(at(buf)[0], 0xaa);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf, 0), 0);
}

/* --- Write cache
 * -------------------------------------------------------------------------------------- */

static void test_durability(void **state)
{
	struct inject in = { .op = AIO_WRITE }, sync = { .op = AIO_SYNC };
	struct nvme_sqe fua = host_rw(NVME_CMD_WRITE, 1, 0, 1, buf, 0);

	fua.cdw12 |= htole32(NVME_RW_FUA);
	aio_inject(inject, &in);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 1, buf, 0), 0);
	assert_int_equal(atomic_load(&in.durable), 0);
	assert_int_equal(host_cmd(&h, &q, &fua), 0);
	assert_int_equal(atomic_load(&in.durable), 1);
	aio_inject(inject, &sync);
	assert_int_equal(rw(NVME_CMD_WRITE_ZEROES, 0, 1, 0, 0), 0);
	assert_int_equal(atomic_load(&sync.n), 0);
	assert_int_equal(rw(NVME_CMD_FLUSH, 0, 1, 0, 0), 0);
	assert_int_equal(atomic_load(&sync.n), 1);
	assert_int_equal(zeroes(0, 1, NVME_RW_FUA), 0);
	assert_int_equal(atomic_load(&sync.n), 2);
	/* Turning the cache off writes out what is in it. */
	assert_int_equal(
		host_features(&h, NVME_ADM_SET_FEATURES, NVME_FID_WRITE_CACHE, 0, 0, NULL), 0);
	assert_int_equal(atomic_load(&sync.n), 3);
	assert_int_equal(rw(NVME_CMD_WRITE_ZEROES, 0, 1, 0, 0), 0);
	assert_int_equal(atomic_load(&sync.n), 4);
	aio_inject(inject, &in);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 1, buf, 0), 0);
	assert_int_equal(atomic_load(&in.durable), 2);
}

static void test_readonly(void **state)
{
	struct nvme_id_ns *id = (struct nvme_id_ns *)at(buf + 4096);

	again(",readonly=on", 512);
	id = (struct nvme_id_ns *)at(buf + 4096);
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf, 0), 0);
	assert_int_equal(rw(NVME_CMD_WRITE, 0, 1, buf, 0), NVME_SC_WRITE_PROTECTED);
	assert_int_equal(rw(NVME_CMD_WRITE_ZEROES, 0, 1, 0, 0), NVME_SC_WRITE_PROTECTED);
	assert_int_equal(dsm(1, NVME_DSM_DEALLOCATE, buf), NVME_SC_WRITE_PROTECTED);
	assert_int_equal(rw(NVME_CMD_FLUSH, 0, 1, 0, 0), 0);
	assert_int_equal(host_identify(&h, NVME_CNS_NAMESPACE, 1, buf + 4096), 0);
	assert_int_equal(id->nsattr, NVME_NSATTR_PROTECTED);
}

/* --- Queues
 * -------------------------------------------------------------------------------------------- */

/* A completion queue that nobody empties: nothing is overwritten, everything comes in the end. */
static void test_backpressure(void **state)
{
	struct host_queue small = { .id = 2, .size = 4, .phase = true };
	unsigned int n = 100, got = 0;
	struct nvme_cqe cqe;
	uint8_t seen[256] = { 0 };

	small.cq = host_pages(&h, 1);
	assert_int_equal(host_create_cq(&h, &small, 0, false), 0);
	small.size = 128;
	small.sq = host_pages(&h, 2);
	assert_int_equal(host_create_sq(&h, &small, 2), 0);
	h.cid = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, i, 1, buf, 0);

		sqe.cid = htole16((uint16_t)i);
		host_place(&h, &small, &sqe);
	}
	host_ring(&h, 4, small.tail);
	usleep(20000);
	/* Others go on. */
	assert_int_equal(rw(NVME_CMD_READ, 0, 1, buf, 0), 0);
	small.size = 4;
	while (got < n) {
		assert_true(host_wait(&h, &small, &cqe));
		assert_int_equal(le16toh(cqe.status) >> 1, 0);
		assert_int_equal(seen[le16toh(cqe.cid)]++, 0);
		got++;
	}
	assert_false(host_poll(&h, &small, &cqe));
}

/* More commands than slots, rings that wrap many times, several queues on one completion queue. */
static void test_many(void **state)
{
	struct host_queue other = { .id = 3, .size = 100, .phase = true };
	unsigned int sent = 0, got = 0;
	struct nvme_cqe cqe;

	other.sq = host_pages(&h, 2);
	assert_int_equal(host_create_sq(&h, &other, 1), 0);
	while (got < 20000) {
		while (sent < 20000 && sent - got < 90) {
			struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, sent % 64, 1,
				buf + (uint64_t)(sent % 64) * 4096, 0);
			struct host_queue *to = sent % 3 ? &q : &other;

			host_submit(&h, to, &sqe);
			sent++;
		}
		assert_true(host_wait(&h, &q, &cqe));
		assert_int_equal(le16toh(cqe.status) >> 1, 0);
		got++;
	}
	assert_false(host_poll(&h, &q, &cqe));
}

#ifdef __NR_io_uring_setup
static void forbid_io_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(77);
}

/* Return: 0, or which step went wrong. */
static int without_io_uring(void)
{
	char options[128];

	forbid_io_uring();
	begin_with("", 512);
	if (rw(NVME_CMD_READ, 1, 1, buf, 0) || *at(buf) != host_pattern(512))
		return 1;
	end(NULL);
	host_file(path, SIZE);
	snprintf(options, sizeof(options), "drive=%s,aio=uring", path);
	if (host_new(&h, options) || host_open(&h))
		return 2;
	if (host_enable(&h, 16) || host_read(&h, NVME_REG_CSTS, 4) != NVME_CSTS_CFS)
		return 3;
	end(NULL);
	return 0;
}

/* Where io_uring isn't allowed, threads take its place; with aio=uring the controller has failed.
 */
static void test_io_uring_forbidden(void **state)
{
	pid_t child;
	int status;

	end(NULL);
	child = fork();
	if (!child)
		_exit(without_io_uring());
	assert_int_equal(waitpid(child, &status, 0), child);
	begin_with("", 512);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

/* All commands that were fetched complete before their queue is gone. */
static void test_delete_busy(void **state)
{
	struct nvme_sqe del = { .opcode = NVME_ADM_DELETE_SQ, .cdw10 = htole32(1) };
	struct nvme_cqe cqe;
	unsigned int n = 0;

	for (unsigned int i = 0; i < 60; i++) {
		struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, i, 8, buf, 0);

		host_place(&h, &q, &sqe);
	}
	host_ring(&h, 2, q.tail);
	assert_int_equal(host_cmd(&h, &h.admin, &del), 0);
	while (host_poll(&h, &q, &cqe))
		n++;
	usleep(2000);
	assert_false(host_poll(&h, &q, &cqe));
	assert_true(n <= 60);
	del.opcode = NVME_ADM_DELETE_CQ;
	assert_int_equal(host_cmd(&h, &h.admin, &del), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
#define TEST_4K(fn)                                                                                \
	{                                                                                          \
#fn "_4k_threads", fn, begin_4k, end, NULL                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_write),
		TEST_4K(test_read_write),
		TEST(test_ranges),
		TEST_4K(test_ranges),
		TEST(test_namespaces),
		TEST(test_prp_forms),
		TEST(test_prp_chain),
		TEST(test_prp_errors),
		TEST(test_sgl_forms),
		TEST(test_sgl_errors),
		TEST(test_write_zeroes),
		TEST_4K(test_write_zeroes),
		TEST(test_write_zeroes_by_hand),
		TEST_4K(test_write_zeroes_by_hand),
		TEST(test_deallocate),
		TEST_4K(test_deallocate),
		TEST(test_host_errors),
		TEST_4K(test_host_errors),
		TEST(test_flush_failure_stays),
		TEST(test_truncated),
		TEST_4K(test_truncated),
		TEST(test_durability),
		TEST_4K(test_durability),
		TEST(test_readonly),
		TEST(test_backpressure),
		TEST_4K(test_backpressure),
		TEST(test_many),
		TEST_4K(test_many),
#ifdef __NR_io_uring_setup
		TEST(test_io_uring_forbidden),
#endif
		TEST(test_delete_busy),
		TEST_4K(test_delete_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
