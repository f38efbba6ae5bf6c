/* SPDX-License-Identifier: MIT */
/* Log pages (base specification 5.14): error information, SMART / health, firmware slots. */
#include "dev/nvme/ctrl.h"

#include <endian.h>
#include <string.h>
#include <time.h>

#include "dev/nvme/identity.h"

#define DATA_UNIT 1000u /* in units of 512 bytes */

static struct nvme_error_entry *error_new(struct ctrl *c)
{
	struct nvme_error_entry *e = &c->logs.error[c->logs.nerrors++ % ERROR_ENTRIES];

	*e = (struct nvme_error_entry){ .count = htole64(c->logs.nerrors) };
	return e;
}

/* @status: as in the completion, without the phase. */
void logs_error(struct ctrl *c, const struct cmd *cmd, uint32_t status)
{
	struct nvme_error_entry *e = error_new(c);

	e->sqid = htole16(cmd->sq->id);
	e->cid = cmd->sqe.cid;
	e->status = htole16((uint16_t)(status << 1));
	e->location = htole16(UINT16_MAX);
	e->nsid = cmd->sqe.nsid;
	if (cmd->sq->id)
		e->lba = htole64(le32toh(cmd->sqe.cdw10) | (uint64_t)le32toh(cmd->sqe.cdw11) << 32);
}

/* Not about a command: the queue is known, or all ones. */
void logs_error_doorbell(struct ctrl *c, uint16_t sqid)
{
	struct nvme_error_entry *e = error_new(c);

	e->sqid = htole16(sqid);
	e->cid = htole16(UINT16_MAX);
	e->location = htole16(UINT16_MAX);
}

void logs_count(struct ctrl *c, bool write, uint32_t len)
{
	uint64_t *rest = write ? &c->logs.write_rest : &c->logs.read_rest;
	uint64_t *units = write ? &c->logs.units_written : &c->logs.units_read;

	if (write)
		c->logs.writes++;
	else
		c->logs.reads++;
	*rest += len / 512;
	*units += *rest / DATA_UNIT;
	*rest %= DATA_UNIT;
}

uint8_t logs_warnings(const struct ctrl *c)
{
	uint8_t warnings = 0;

	if (TEMPERATURE >= c->feat.temperature_over || TEMPERATURE <= c->feat.temperature_under)
		warnings |= NVME_SMART_TEMPERATURE;
	if (c->logs.degraded)
		warnings |= NVME_SMART_DEGRADED;
	return warnings;
}

/* The latest first. */
static void error_page(const struct ctrl *c, struct nvme_error_entry *page)
{
	uint64_t n = c->logs.nerrors;

	for (unsigned int i = 0; i < ERROR_ENTRIES && i < n; i++)
		page[i] = c->logs.error[(n - 1 - i) % ERROR_ENTRIES];
}

static uint64_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

void logs_start(struct ctrl *c)
{
	c->logs = (struct logs){ .started = seconds(), .cycles = 1 };
}

static void smart_page(const struct ctrl *c, struct nvme_smart *page)
{
	const struct logs *logs = &c->logs;

	page->warning = logs_warnings(c);
	page->temperature[0] = TEMPERATURE & 0xff;
	page->temperature[1] = TEMPERATURE >> 8;
	page->spare = 100;
	page->spare_threshold = 10;
	page->units_read[0] = htole64(logs->units_read + !!logs->read_rest);
	page->units_written[0] = htole64(logs->units_written + !!logs->write_rest);
	page->reads[0] = htole64(logs->reads);
	page->writes[0] = htole64(logs->writes);
	page->cycles[0] = htole64(logs->cycles);
	page->hours[0] = htole64((seconds() - logs->started) / 3600);
	page->media_errors[0] = htole64(logs->media_errors);
	page->error_entries[0] = htole64(logs->nerrors);
}

static void firmware_page(struct nvme_firmware *page)
{
	page->active = 1;
	memset(page->slot[0], ' ', sizeof(page->slot[0]));
	memcpy(page->slot[0], IDENTITY_FIRMWARE, strlen(IDENTITY_FIRMWARE));
}

#define PAGE_MAX (ERROR_ENTRIES * sizeof(struct nvme_error_entry))
static_assert(PAGE_MAX >= sizeof(struct nvme_smart), "the largest page");

/* Return: the page's size; 0: there is no such page. */
static uint32_t page_make(const struct ctrl *c, uint8_t lid, void *page)
{
	switch (lid) {
	case NVME_LOG_ERROR:
		error_page(c, page);
		return PAGE_MAX;
	case NVME_LOG_SMART:
		smart_page(c, page);
		return sizeof(struct nvme_smart);
	case NVME_LOG_FIRMWARE:
		firmware_page(page);
		return sizeof(struct nvme_firmware);
	default:
		return 0;
	}
}

#define LOG_RETAIN_EVENT (1u << 15)

static bool ns_is_all(const struct cmd *cmd)
{
	return !cmd->sqe.nsid || le32toh(cmd->sqe.nsid) == NVME_NSID_ALL;
}

void logs_get(struct ctrl *c, struct cmd *cmd)
{
	uint32_t cdw10 = le32toh(cmd->sqe.cdw10), size, sc;
	uint64_t dwords = (cdw10 >> 16 | (le32toh(cmd->sqe.cdw11) & 0xffff) << 16) + UINT64_C(1);
	uint64_t off = le32toh(cmd->sqe.cdw12) | (uint64_t)le32toh(cmd->sqe.cdw13) << 32;
	_Alignas(8) uint8_t page[PAGE_MAX] = { 0 };
	uint64_t len = dwords * 4;

	size = page_make(c, (uint8_t)cdw10, page);
	if (!size) {
		cmd_refuse(c, cmd, NVME_SC_LOG_PAGE);
		return;
	}
	if (len > c->buf_size || (off & 3) || off > size || !ns_is_all(cmd)) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	memset(cmd->buf, 0, len);
	memcpy(cmd->buf, page + off, len < size - off ? len : size - off);
	sc = data_answer(c, cmd, cmd->buf, (uint32_t)len);
	cmd_complete(c, cmd, sc);
	if (!sc && !(cdw10 & LOG_RETAIN_EVENT))
		events_read(c, (uint8_t)cdw10);
}
