/* SPDX-License-Identifier: MIT */
/* Admin commands of the NVMe controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev/nvme/aio.h"
#include "dev_nvme_host.h"

static struct host h;
static char path[64], path3[64];
static uint64_t page;

static int begin(void **state)
{
	char options[200];

	host_file(path, 1 << 20);
	host_file(path3, 1 << 16);
	snprintf(options, sizeof(options), "drive=%s,ns3=%s,queues=8,serial=S-1", path, path3);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	assert_true(host_enable(&h, 32));
	page = host_pages(&h, 4);
	return 0;
}

static int end(void **state)
{
	aio_inject(NULL, NULL);
	host_close(&h);
	host_free(&h);
	unlink(path);
	unlink(path3);
	return 0;
}

static void *at(uint64_t iova)
{
	return h.pdev->mem + iova;
}

static bool is_zero(uint64_t iova, size_t len)
{
	const uint8_t *p = at(iova);

	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static void test_identify_controller(void **state)
{
	const struct nvme_id_ctrl *id = at(page);

	assert_int_equal(host_identify(&h, NVME_CNS_CONTROLLER, 0, page), 0);
	assert_memory_equal(id->sn, "S-1                 ", 20);
	assert_int_equal(le32toh(id->nn), 3);
	assert_int_equal(le32toh(id->ver), 0x10400);
	assert_int_equal(id->sqes, 0x66);
	assert_int_equal(id->cqes, 0x44);
	assert_int_equal(id->mdts, 7);
	assert_int_equal(id->vwc & 1, 1);
	assert_int_equal(le16toh(id->oncs), 0x1d);
	assert_int_equal(le16toh(id->oacs), 0);
	assert_int_equal(id->cntrltype, 1);
	assert_int_equal(strlen(id->subnqn), 68);
	assert_int_equal(strncmp(id->subnqn, "nqn.2014-08.org.nvmexpress:uuid:", 32), 0);
}

static void test_identify_namespace(void **state)
{
	const struct nvme_id_ns *id = at(page);

	assert_int_equal(host_identify(&h, NVME_CNS_NAMESPACE, 1, page), 0);
	assert_int_equal(le64toh(id->nsze), (1 << 20) / 512);
	assert_int_equal(id->nlbaf, 0);
	assert_int_equal(id->lbaf[0].lbads, 9);
	assert_int_equal(id->eui64[0], 2);
	assert_int_equal(host_identify(&h, NVME_CNS_NAMESPACE, 3, page), 0);
	assert_int_equal(le64toh(id->nsze), (1 << 16) / 512);
	/* Valid but inactive: all zeroes. */
	assert_int_equal(host_identify(&h, NVME_CNS_NAMESPACE, 2, page), 0);
	assert_true(is_zero(page, 4096));
	assert_int_equal(host_identify(&h, NVME_CNS_NAMESPACE, 0, page), NVME_SC_INVALID_NS);
	assert_int_equal(host_identify(&h, NVME_CNS_NAMESPACE, 4, page), NVME_SC_INVALID_NS);
	assert_int_equal(
		host_identify(&h, NVME_CNS_NAMESPACE, NVME_NSID_ALL, page), NVME_SC_INVALID_NS);
}

static void test_identify_lists(void **state)
{
	const uint32_t *list = at(page);
	const uint8_t *d = at(page);

	assert_int_equal(host_identify(&h, NVME_CNS_ACTIVE_LIST, 0, page), 0);
	assert_int_equal(le32toh(list[0]), 1);
	assert_int_equal(le32toh(list[1]), 3);
	assert_int_equal(list[2], 0);
	assert_int_equal(host_identify(&h, NVME_CNS_ACTIVE_LIST, 1, page), 0);
	assert_int_equal(le32toh(list[0]), 3);
	assert_int_equal(list[1], 0);
	assert_int_equal(host_identify(&h, NVME_CNS_ACTIVE_LIST, 3, page), 0);
	assert_true(is_zero(page, 4096));
	assert_int_equal(host_identify(&h, NVME_CNS_ACTIVE_LIST, NVME_NSID_ALL - 1, page),
		NVME_SC_INVALID_NS);
	assert_int_equal(host_identify(&h, NVME_CNS_DESCRIPTORS, 1, page), 0);
	assert_int_equal(d[0], NVME_NIDT_EUI64);
	assert_int_equal(d[1], 8);
	assert_int_equal(d[12], NVME_NIDT_NGUID);
	assert_int_equal(d[13], 16);
	assert_true(is_zero(page + 32, 100));
	assert_int_equal(host_identify(&h, NVME_CNS_DESCRIPTORS, 2, page), NVME_SC_INVALID_FIELD);
	assert_int_equal(host_identify(&h, NVME_CNS_DESCRIPTORS, 9, page), NVME_SC_INVALID_NS);
}

static void test_identify_others(void **state)
{
	for (unsigned int cns = 4; cns < 256; cns++)
		assert_int_equal(host_identify(&h, (uint8_t)cns, 1, page), NVME_SC_INVALID_FIELD);
}

static void test_identify_split_and_nowhere(void **state)
{
	struct nvme_sqe sqe = { .opcode = NVME_ADM_IDENTIFY, .cdw10 = htole32(1) };

	sqe.prp1 = htole64(page + 0x804);
	sqe.prp2 = htole64(page + 4096);
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), 0);
	assert_memory_equal((char *)at(page) + 0x804 + 4, "S-1 ", 4);
	sqe.prp2 = htole64(page + 4096 + 4);
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_PRP_OFFSET);
	sqe.prp1 = htole64(page + 2);
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_PRP_OFFSET);
	sqe.prp1 = htole64(UINT64_MAX - 4095);
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_DATA_TRANSFER);
	sqe.prp1 = htole64(page);
	sqe.flags = NVME_PSDT_SGL << 6;
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_INVALID_FIELD);
	sqe.flags = 1;
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_INVALID_FIELD);
}

static void test_unknown_opcodes(void **state)
{
	static const uint8_t known[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12 };

	for (unsigned int op = 0; op < 256; op++) {
		struct nvme_sqe sqe = { .opcode = (uint8_t)op };

		if (op < 16 && memchr(known, (int)op, sizeof(known)))
			continue;
		assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_INVALID_OPCODE);
	}
}

static unsigned int create_cq(uint32_t cdw10, uint32_t cdw11, uint64_t prp1)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADM_CREATE_CQ,
		.prp1 = htole64(prp1),
		.cdw10 = htole32(cdw10),
		.cdw11 = htole32(cdw11),
	};

	return host_cmd(&h, &h.admin, &sqe);
}

static unsigned int create_sq(uint32_t cdw10, uint32_t cdw11, uint64_t prp1)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADM_CREATE_SQ,
		.prp1 = htole64(prp1),
		.cdw10 = htole32(cdw10),
		.cdw11 = htole32(cdw11),
	};

	return host_cmd(&h, &h.admin, &sqe);
}

static unsigned int delete_queue(uint8_t opcode, uint32_t id)
{
	struct nvme_sqe sqe = { .opcode = opcode, .cdw10 = htole32(id) };

	return host_cmd(&h, &h.admin, &sqe);
}

static void test_create_cq(void **state)
{
	assert_int_equal(create_cq(0 | 15 << 16, 1, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_cq(9 | 15 << 16, 1, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_cq(0xffff | 15 << 16, 1, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_cq(1, 1, page), NVME_SC_QUEUE_SIZE);
	assert_int_equal(create_cq(1 | 4096u << 16, 1, page), NVME_SC_QUEUE_SIZE);
	assert_int_equal(create_cq(1 | 0xffffu << 16, 1, page), NVME_SC_QUEUE_SIZE);
	assert_int_equal(create_cq(1 | 15 << 16, 0, page), NVME_SC_INVALID_FIELD);
	assert_int_equal(create_cq(1 | 15 << 16, 1, page + 8), NVME_SC_PRP_OFFSET);
	assert_int_equal(create_cq(1 | 15 << 16, 3 | 9 << 16, page), NVME_SC_VECTOR);
	assert_int_equal(create_cq(1 | 4095u << 16, 3 | 8 << 16, page), 0);
	assert_int_equal(create_cq(1 | 15 << 16, 1, page), NVME_SC_QUEUE_ID);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_CQ, 1), 0);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_CQ, 1), NVME_SC_QUEUE_ID);
}

static void test_create_sq(void **state)
{
	assert_int_equal(create_cq(2 | 15 << 16, 1, page), 0);
	assert_int_equal(create_sq(0 | 15 << 16, 1 | 2 << 16, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_sq(9 | 15 << 16, 1 | 2 << 16, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_sq(1 | 15 << 16, 1, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_sq(1 | 15 << 16, 1 | 1 << 16, page), NVME_SC_CQ_INVALID);
	assert_int_equal(create_sq(1 | 15 << 16, 1 | 77 << 16, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_sq(1, 1 | 2 << 16, page), NVME_SC_QUEUE_SIZE);
	assert_int_equal(create_sq(1 | 15 << 16, 2 << 16, page), NVME_SC_INVALID_FIELD);
	assert_int_equal(create_sq(1 | 15 << 16, 1 | 2 << 16, page + 64), NVME_SC_PRP_OFFSET);
	assert_int_equal(create_sq(1 | 15 << 16, 1 | 2 << 16, page), 0);
	assert_int_equal(create_sq(1 | 15 << 16, 1 | 2 << 16, page), NVME_SC_QUEUE_ID);
	assert_int_equal(create_sq(5 | 15 << 16, 1 | 2 << 16, page), 0);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_CQ, 2), NVME_SC_QUEUE_DELETION);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_SQ, 1), 0);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_CQ, 2), NVME_SC_QUEUE_DELETION);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_SQ, 5), 0);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_SQ, 5), NVME_SC_QUEUE_ID);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_CQ, 2), 0);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_SQ, 0), NVME_SC_QUEUE_ID);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_CQ, 0), NVME_SC_QUEUE_ID);
	assert_int_equal(delete_queue(NVME_ADM_DELETE_SQ, 0xffff), NVME_SC_QUEUE_ID);
}

static unsigned int get(uint32_t fid_select, uint32_t nsid, uint32_t cdw11, uint32_t *res)
{
	return host_features(&h, NVME_ADM_GET_FEATURES, fid_select, nsid, cdw11, res);
}

static unsigned int set(uint32_t fid, uint32_t nsid, uint32_t cdw11, uint32_t *res)
{
	return host_features(&h, NVME_ADM_SET_FEATURES, fid, nsid, cdw11, res);
}

static void test_features_plain(void **state)
{
	static const struct {
		uint8_t fid;
		uint32_t dflt, set, then;
	} rows[] = {
		{ NVME_FID_ARBITRATION, 7, 0x01020303, 0x01020303 },
		{ NVME_FID_POWER, 0, 0x20, 0x20 },
		{ NVME_FID_WRITE_CACHE, 1, 0, 0 },
		{ NVME_FID_COALESCING, 0, 0x1234, 0x1234 },
		{ NVME_FID_ATOMICITY, 0, 1, 1 },
		{ NVME_FID_ASYNC_EVENTS, 0, 0xffff, 0xff },
	};
	uint32_t val;

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(get(rows[i].fid, 0, 0, &val), 0);
		assert_int_equal(val, rows[i].dflt);
		assert_int_equal(set(rows[i].fid, 0, rows[i].set, NULL), 0);
		assert_int_equal(get(rows[i].fid, 0, 0, &val), 0);
		assert_int_equal(val, rows[i].then);
		assert_int_equal(get(rows[i].fid | 1 << 8, 0, 0, &val), 0);
		assert_int_equal(val, rows[i].dflt);
		assert_int_equal(get(rows[i].fid | 2 << 8, 0, 0, &val), 0);
		assert_int_equal(val, rows[i].dflt);
		assert_int_equal(get(rows[i].fid | 3 << 8, 0, 0, &val), 0);
		assert_int_equal(val, 4);
		assert_int_equal(get(rows[i].fid | 4 << 8, 0, 0, &val), NVME_SC_INVALID_FIELD);
		assert_int_equal(set(rows[i].fid | 1u << 31, 0, 0, NULL), NVME_SC_NOT_SAVEABLE);
		assert_int_equal(set(rows[i].fid, 99, 0, NULL), NVME_SC_NOT_NS_SPECIFIC);
	}
	/* A reset brings the defaults back. */
	assert_true(host_disable(&h));
	assert_true(host_enable(&h, 32));
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(get(rows[i].fid, 0, 0, &val), 0);
		assert_int_equal(val, rows[i].dflt);
	}
}

static void test_features_special(void **state)
{
	uint32_t val;

	assert_int_equal(set(NVME_FID_POWER, 0, 1, NULL), NVME_SC_INVALID_FIELD);
	assert_int_equal(get(NVME_FID_TEMPERATURE, 0, 0, &val), 0);
	assert_int_equal(val, 343);
	assert_int_equal(get(NVME_FID_TEMPERATURE, 0, 1 << 20, &val), 0);
	assert_int_equal(val, 0);
	assert_int_equal(set(NVME_FID_TEMPERATURE, 0, 1 << 16 | 350, NULL), NVME_SC_INVALID_FIELD);
	assert_int_equal(set(NVME_FID_TEMPERATURE, 0, 2 << 20 | 350, NULL), NVME_SC_INVALID_FIELD);
	assert_int_equal(set(NVME_FID_TEMPERATURE, 0, 15 << 16 | 350, NULL), 0);
	assert_int_equal(get(NVME_FID_TEMPERATURE, 0, 0, &val), 0);
	assert_int_equal(val, 350);
	assert_int_equal(set(NVME_FID_ERROR_RECOVERY, 1, 77, NULL), 0);
	assert_int_equal(get(NVME_FID_ERROR_RECOVERY, 1, 0, &val), 0);
	assert_int_equal(val, 77);
	assert_int_equal(get(NVME_FID_ERROR_RECOVERY, 3, 0, &val), 0);
	assert_int_equal(val, 0);
	assert_int_equal(set(NVME_FID_ERROR_RECOVERY, NVME_NSID_ALL, 5, NULL), 0);
	assert_int_equal(get(NVME_FID_ERROR_RECOVERY, 3, 0, &val), 0);
	assert_int_equal(val, 5);
	assert_int_equal(get(NVME_FID_ERROR_RECOVERY | 3 << 8, 1, 0, &val), 0);
	assert_int_equal(val, 6);
	assert_int_equal(set(NVME_FID_ERROR_RECOVERY, 0, 5, NULL), NVME_SC_INVALID_NS);
	assert_int_equal(set(NVME_FID_ERROR_RECOVERY, 2, 5, NULL), NVME_SC_INVALID_FIELD);
	assert_int_equal(set(NVME_FID_ERROR_RECOVERY, 1, 1 << 16, NULL), NVME_SC_INVALID_FIELD);
	assert_int_equal(set(NVME_FID_VECTOR, 0, 3 | 1 << 16, NULL), 0);
	assert_int_equal(get(NVME_FID_VECTOR, 0, 3, &val), 0);
	assert_int_equal(val, 3 | 1 << 16);
	assert_int_equal(get(NVME_FID_VECTOR, 0, 9, &val), NVME_SC_INVALID_FIELD);
	assert_int_equal(set(NVME_FID_VECTOR, 0, 0xffff, NULL), NVME_SC_INVALID_FIELD);
	assert_int_equal(get(0, 0, 0, &val), NVME_SC_INVALID_FIELD);
	assert_int_equal(get(3, 0, 0, &val), NVME_SC_INVALID_FIELD);
	assert_int_equal(set(0x80, 0, 0, &val), NVME_SC_INVALID_FIELD);
}

static void test_number_of_queues(void **state)
{
	uint32_t val;

	assert_int_equal(get(NVME_FID_QUEUES, 0, 0, &val), 0);
	assert_int_equal(val, 7 << 16 | 7);
	assert_int_equal(set(NVME_FID_QUEUES, 0, 0xfffeu << 16 | 1u, &val), 0);
	assert_int_equal(val, 7 << 16 | 1);
	assert_int_equal(set(NVME_FID_QUEUES, 0, 0xffff, &val), NVME_SC_INVALID_FIELD);
	assert_int_equal(create_cq(3 | 15 << 16, 1, page), 0);
	assert_int_equal(create_sq(3 | 15 << 16, 1 | 3 << 16, page), NVME_SC_QUEUE_ID);
	assert_int_equal(set(NVME_FID_QUEUES, 0, 3 << 16 | 3, &val), NVME_SC_SEQUENCE);
}

static void test_log_smart(void **state)
{
	const struct nvme_smart *smart = at(page);

	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 0, page), 0);
	assert_int_equal(smart->warning, 0);
	assert_int_equal(smart->temperature[0] | smart->temperature[1] << 8, 313);
	assert_int_equal(smart->spare, 100);
	assert_int_equal(le64toh(smart->cycles[0]), 1);
	assert_int_equal(host_log(&h, NVME_LOG_FIRMWARE, 512, 0, page), 0);
	assert_memory_equal(((struct nvme_firmware *)at(page))->slot[0], "1.0     ", 8);
}

static void test_log_rules(void **state)
{
	uint8_t *p = at(page);

	assert_int_equal(host_log(&h, 0, 512, 0, page), NVME_SC_LOG_PAGE);
	assert_int_equal(host_log(&h, 5, 512, 0, page), NVME_SC_LOG_PAGE);
	assert_int_equal(host_log(&h, 0x80, 512, 0, page), NVME_SC_LOG_PAGE);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 2, page), NVME_SC_INVALID_FIELD);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 516, page), NVME_SC_INVALID_FIELD);
	assert_int_equal(
		host_log(&h, NVME_LOG_SMART, 512, UINT64_MAX - 3, page), NVME_SC_INVALID_FIELD);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 1 << 24, 0, page), NVME_SC_INVALID_FIELD);
	/* Only as long as asked for; beyond the page there are zeroes. */
	memset(p, 0xaa, 8192);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 4, 0, page), 0);
	assert_int_equal(p[3], 100);
	assert_int_equal(p[4], 0xaa);
	memset(p, 0xaa, 8192);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 1024, 508, page), 0);
	assert_true(is_zero(page, 1024));
	assert_int_equal(p[1024], 0xaa);
	assert_int_equal(host_log(&h, NVME_LOG_ERROR, 8192, 0, page), 0);
}

static void test_log_errors(void **state)
{
	struct nvme_error_entry *e = at(page);
	struct nvme_sqe sqe = { .opcode = 0xfe, .nsid = htole32(9) };
	struct nvme_cqe cqe;

	assert_int_equal(host_log(&h, NVME_LOG_ERROR, 128, 0, page), 0);
	assert_true(is_zero(page, 128));
	assert_int_equal(host_cmd_result(&h, &h.admin, &sqe, &cqe), NVME_SC_INVALID_OPCODE);
	assert_int_equal(le16toh(cqe.status) >> 1, NVME_SC_DNR | NVME_SC_MORE | 1);
	host_cmd_result(&h, &h.admin, &sqe, &cqe);
	assert_int_equal(host_log(&h, NVME_LOG_ERROR, 128, 0, page), 0);
	assert_int_equal(le64toh(e[0].count), 2);
	assert_int_equal(le64toh(e[1].count), 1);
	assert_int_equal(e[0].cid, cqe.cid);
	assert_int_equal(le32toh(e[0].nsid), 9);
	assert_int_equal(le16toh(e[0].status) >> 1, le16toh(cqe.status) >> 1);
	for (unsigned int i = 0; i < 100; i++)
		host_cmd_result(&h, &h.admin, &sqe, &cqe);
	assert_int_equal(host_log(&h, NVME_LOG_ERROR, 4096, 0, page), 0);
	assert_int_equal(le64toh(e[0].count), 102);
	assert_int_equal(le64toh(e[63].count), 39);
	/* It survives a reset of the controller. */
	assert_true(host_disable(&h));
	assert_true(host_enable(&h, 32));
	assert_int_equal(host_log(&h, NVME_LOG_ERROR, 64, 4032, page), 0);
	assert_int_equal(le64toh(e[0].count), 39);
}

static uint16_t aer(void)
{
	struct nvme_sqe sqe = { .opcode = NVME_ADM_ASYNC_EVENT };

	return host_submit(&h, &h.admin, &sqe);
}

static void expect_event(uint16_t cid, uint32_t result)
{
	struct nvme_cqe cqe;

	assert_true(host_wait(&h, &h.admin, &cqe));
	assert_int_equal(le16toh(cqe.cid), cid);
	assert_int_equal(le16toh(cqe.status) >> 1, 0);
	assert_int_equal(le32toh(cqe.result), result);
}

static void expect_nothing(void)
{
	struct nvme_cqe cqe;

	usleep(3000);
	assert_false(host_poll(&h, &h.admin, &cqe));
}

static void test_event_limit_and_abort(void **state)
{
	struct nvme_sqe sqe = { .opcode = NVME_ADM_ASYNC_EVENT };
	struct nvme_sqe stop = { .opcode = NVME_ADM_ABORT };
	struct nvme_cqe cqe;
	uint16_t cid[4];

	for (unsigned int i = 0; i < 4; i++)
		cid[i] = aer();
	assert_int_equal(host_cmd(&h, &h.admin, &sqe), NVME_SC_AER_LIMIT);
	stop.cdw10 = htole32((uint32_t)cid[1] << 16);
	host_submit(&h, &h.admin, &stop);
	assert_true(host_wait(&h, &h.admin, &cqe));
	assert_int_equal(le16toh(cqe.cid), cid[1]);
	assert_int_equal(le16toh(cqe.status) >> 1, NVME_SC_ABORTED);
	assert_true(host_wait(&h, &h.admin, &cqe));
	assert_int_equal(cqe.cid, stop.cid);
	assert_int_equal(cqe.result, 0);
	/* What isn't there can't be aborted. */
	assert_int_equal(host_cmd_result(&h, &h.admin, &stop, &cqe), 0);
	assert_int_equal(le32toh(cqe.result), 1);
	stop.cdw10 = htole32(5);
	assert_int_equal(host_cmd(&h, &h.admin, &stop), NVME_SC_INVALID_FIELD);
	aer();
	expect_nothing();
}

static void test_event_doorbells(void **state)
{
	uint16_t first = aer(), second = aer();

	host_ring(&h, 2 * 5, 3); /* no such queue */
	expect_event(first, 0 | 0 << 8 | 1 << 16);
	/* Masked until the log is read. */
	host_ring(&h, 1, 31);
	expect_nothing();
	assert_int_equal(host_log(&h, NVME_LOG_ERROR | 1 << 15, 64, 0, page), 0);
	host_ring(&h, 0, 4000);
	expect_nothing();
	assert_int_equal(host_log(&h, NVME_LOG_ERROR, 64, 0, page), 0);
	host_ring(&h, 0, 32);
	expect_event(second, 0 | 1 << 8 | 1 << 16);
	assert_int_equal(host_identify(&h, 1, 0, page), 0);
}

static void test_event_invalid_head(void **state)
{
	struct host_queue q;
	struct nvme_sqe sqe;
	uint16_t cid = aer();

	assert_int_equal(host_create_pair(&h, &q, 1, 16, 0, false), 0);
	sqe = host_rw(NVME_CMD_READ, 1, 0, 1, page, 0);
	host_ring(&h, 3, 5); /* of an empty queue */
	assert_int_equal(host_cmd(&h, &q, &sqe), 0);
	expect_event(cid, 0 | 1 << 8 | 1 << 16);
}

static void test_event_beyond_window(void **state)
{
	uint16_t cid = aer();

	host_ring(&h, 1023, 1);
	expect_event(cid, 0 | 0 << 8 | 1 << 16);
}

static void test_event_temperature(void **state)
{
	const struct nvme_smart *smart = at(page);
	uint16_t cid = aer(), next = aer();

	/* Not enabled: nothing is said, but it shows in the log. */
	assert_int_equal(set(NVME_FID_TEMPERATURE, 0, 300, NULL), 0);
	expect_nothing();
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 0, page), 0);
	assert_int_equal(smart->warning, NVME_SMART_TEMPERATURE);
	assert_int_equal(set(NVME_FID_ASYNC_EVENTS, 0, NVME_SMART_TEMPERATURE, NULL), 0);
	expect_event(cid, 1 | 1 << 8 | 2 << 16);
	assert_int_equal(set(NVME_FID_TEMPERATURE, 0, 400, NULL), 0);
	assert_int_equal(host_log(&h, NVME_LOG_SMART, 512, 0, page), 0);
	assert_int_equal(smart->warning, 0);
	assert_int_equal(set(NVME_FID_TEMPERATURE, 0, 1 << 20 | 313, NULL), 0);
	expect_event(next, 1 | 1 << 8 | 2 << 16);
}

static void test_event_before_request(void **state)
{
	host_ring(&h, 2 * 5, 3);
	usleep(2000);
	expect_event(aer(), 0 | 0 << 8 | 1 << 16);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identify_controller),
		TEST(test_identify_namespace),
		TEST(test_identify_lists),
		TEST(test_identify_others),
		TEST(test_identify_split_and_nowhere),
		TEST(test_unknown_opcodes),
		TEST(test_create_cq),
		TEST(test_create_sq),
		TEST(test_features_plain),
		TEST(test_features_special),
		TEST(test_number_of_queues),
		TEST(test_log_smart),
		TEST(test_log_rules),
		TEST(test_log_errors),
		TEST(test_event_limit_and_abort),
		TEST(test_event_doorbells),
		TEST(test_event_invalid_head),
		TEST(test_event_beyond_window),
		TEST(test_event_temperature),
		TEST(test_event_before_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
