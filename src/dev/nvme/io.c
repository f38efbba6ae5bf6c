/* SPDX-License-Identifier: MIT */
/* NVM commands (base specification 6). */
#include "dev/nvme/ctrl.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define NLB(cdw12) (((cdw12)&0xffffu) + 1)

struct namespace *ns_get(struct ctrl *c, uint32_t nsid)
{
	return nsid && nsid <= c->nn && c->ns[nsid - 1].live ? &c->ns[nsid - 1] : NULL;
}

static struct namespace *ns_of(struct ctrl *c, const struct cmd *cmd)
{
	return &c->ns[le32toh(cmd->sqe.nsid) - 1];
}

/* --- Errors of the host
 * ----------------------------------------------------------------------------- */

/*
 * No space on the host is "Capacity Exceeded": the namespace is in effect thinly provisioned, and
 * clients tell their users ENOSPC. Repeating the command won't help.
 */
static uint32_t write_status(int res)
{
	switch (res) {
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
		return NVME_SC_CAPACITY | NVME_SC_DNR;
	case -EROFS:
	case -EPERM:
		return NVME_SC_WRITE_PROTECTED | NVME_SC_DNR;
	case -ENOMEM:
		return NVME_SC_INTERNAL;
	default:
		return NVME_SC_WRITE_FAULT;
	}
}

uint32_t io_status(struct ctrl *c, struct cmd *cmd, int res)
{
	uint32_t status;

	if (!res)
		return NVME_SC_SUCCESS;
	if (cmd->req.op == AIO_READ)
		status = res == -ENOMEM ? NVME_SC_INTERNAL : NVME_SC_READ_ERROR;
	else
		status = write_status(res);
	if (status == NVME_SC_READ_ERROR || status == NVME_SC_WRITE_FAULT)
		c->logs.media_errors++;
	return status;
}

/*
 * Linux reports a failed write-back once, and forgets the data. So after that no flush of this
 * drive succeeds any more.
 */
static void sync_failed(struct ctrl *c, struct drive *drive)
{
	uint8_t before = logs_warnings(c);

	drive->sync_failed = true;
	c->logs.degraded = true;
	events_warnings(c, before);
}

void cmd_io(struct ctrl *c, struct cmd *cmd, struct namespace *ns, enum aio_op op,
	void (*step)(struct ctrl *, struct cmd *, int))
{
	cmd->req.drive = &ns->drive;
	cmd->req.op = op;
	cmd->req.buf = cmd->buf;
	cmd->step = step;
	aio_queue(c->aio, &cmd->req);
}

static bool is_durable(struct ctrl *c, const struct cmd *cmd)
{
	return !(c->feat.write_cache & 1) || (le32toh(cmd->sqe.cdw12) & NVME_RW_FUA);
}

static void finish(struct ctrl *c, struct cmd *cmd, int res)
{
	cmd_complete(c, cmd, io_status(c, cmd, res));
}

/* --- Flush
 * ------------------------------------------------------------------------------------------ */

static void synced(struct ctrl *c, struct cmd *cmd, int res)
{
	if (res)
		sync_failed(c, cmd->req.drive);
	finish(c, cmd, res);
}

static void sync_one(struct ctrl *c, struct cmd *cmd, struct namespace *ns)
{
	if (ns->drive.readonly)
		cmd_complete(c, cmd, NVME_SC_SUCCESS);
	else if (ns->drive.sync_failed)
		cmd_complete(c, cmd, NVME_SC_WRITE_FAULT);
	else
		cmd_io(c, cmd, ns, AIO_SYNC, synced);
}

static void sync_next(struct ctrl *c, struct cmd *cmd);

static void synced_one_of_all(struct ctrl *c, struct cmd *cmd, int res)
{
	if (res) {
		sync_failed(c, cmd->req.drive);
		cmd->err = res;
	}
	cmd->index++;
	sync_next(c, cmd);
}

static void sync_next(struct ctrl *c, struct cmd *cmd)
{
	for (; cmd->index < c->nn; cmd->index++) {
		struct namespace *ns = &c->ns[cmd->index];

		if (!ns->live || ns->drive.readonly)
			continue;
		if (!ns->drive.sync_failed) {
			cmd_io(c, cmd, ns, AIO_SYNC, synced_one_of_all);
			return;
		}
		cmd->err = -EIO;
	}
	cmd->req.op = AIO_SYNC;
	cmd->after(c, cmd, cmd->err);
}

void io_sync_all(struct ctrl *c, struct cmd *cmd, void (*done)(struct ctrl *, struct cmd *, int))
{
	cmd->after = done;
	cmd->index = 0;
	cmd->err = 0;
	sync_next(c, cmd);
}

static void flush_start(struct ctrl *c, struct cmd *cmd)
{
	if (le32toh(cmd->sqe.nsid) == NVME_NSID_ALL)
		io_sync_all(c, cmd, finish);
	else
		sync_one(c, cmd, ns_of(c, cmd));
}

/* --- Read, write, compare
 * --------------------------------------------------------------------------- */

static bool range_fits(const struct namespace *ns, uint64_t slba, uint64_t nlb)
{
	return slba < ns->blocks && nlb <= ns->blocks - slba;
}

static uint64_t cmd_slba(const struct cmd *cmd)
{
	return le32toh(cmd->sqe.cdw10) | (uint64_t)le32toh(cmd->sqe.cdw11) << 32;
}

static void read_done(struct ctrl *c, struct cmd *cmd, int res)
{
	uint32_t sc = io_status(c, cmd, res);

	if (!sc)
		sc = data_to_client(c, cmd, cmd->buf);
	if (!sc)
		logs_count(c, false, cmd->len);
	cmd_complete(c, cmd, sc);
}

static void write_done(struct ctrl *c, struct cmd *cmd, int res)
{
	if (!res)
		logs_count(c, true, cmd->len);
	else if (cmd->req.durable && res == -EIO)
		sync_failed(c, cmd->req.drive);
	finish(c, cmd, res);
}

/* The client's side of a comparison, a piece at a time. */
static uint32_t compare_segments(struct ctrl *c, struct cmd *cmd)
{
	uint8_t piece[4096];
	const uint8_t *ours = cmd->buf;

	for (unsigned int i = 0; i < cmd->nseg; i++) {
		for (uint64_t at = 0, n; at < cmd->seg[i].len; at += n, ours += n) {
			n = cmd->seg[i].len - at;
			if (n > sizeof(piece))
				n = sizeof(piece);
			if (uiommu_dma_read(
				    c->dma, UIOMMU_PASID_NONE, cmd->seg[i].iova + at, piece, n))
				return NVME_SC_DATA_TRANSFER | NVME_SC_DNR;
			if (memcmp(piece, ours, n) != 0)
				return NVME_SC_COMPARE | NVME_SC_DNR;
		}
	}
	return NVME_SC_SUCCESS;
}

static void compare_done(struct ctrl *c, struct cmd *cmd, int res)
{
	uint32_t sc = io_status(c, cmd, res);

	if (!sc)
		sc = compare_segments(c, cmd);
	if (!sc)
		logs_count(c, false, cmd->len);
	cmd_complete(c, cmd, sc);
}

static void rw_start(struct ctrl *c, struct cmd *cmd)
{
	struct namespace *ns = ns_of(c, cmd);
	uint32_t cdw12 = le32toh(cmd->sqe.cdw12), nlb = NLB(cdw12), sc;
	uint64_t slba = cmd_slba(cmd), len = (uint64_t)nlb << c->opt.lba_lg2;
	uint8_t opcode = cmd->sqe.opcode;

	if (len > c->buf_size || (opcode == NVME_CMD_WRITE && (cdw12 & NVME_RW_DTYPE))) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	if (!range_fits(ns, slba, nlb)) {
		cmd_refuse(c, cmd, NVME_SC_LBA_RANGE);
		return;
	}
	if (opcode == NVME_CMD_WRITE && ns->drive.readonly) {
		cmd_refuse(c, cmd, NVME_SC_WRITE_PROTECTED);
		return;
	}
	sc = data_map(c, cmd, (uint32_t)len, opcode == NVME_CMD_READ);
	if (!sc && opcode == NVME_CMD_WRITE)
		sc = data_from_client(c, cmd, cmd->buf);
	if (sc) {
		cmd_complete(c, cmd, sc);
		return;
	}
	cmd->req.off = slba << c->opt.lba_lg2;
	cmd->req.len = len;
	cmd->req.durable = opcode == NVME_CMD_WRITE && is_durable(c, cmd);
	if (opcode == NVME_CMD_WRITE)
		cmd_io(c, cmd, ns, AIO_WRITE, write_done);
	else
		cmd_io(c, cmd, ns, AIO_READ, opcode == NVME_CMD_READ ? read_done : compare_done);
}

/* --- Write zeroes
 * ----------------------------------------------------------------------------------- */

static void zeroes_end(struct ctrl *c, struct cmd *cmd, int res)
{
	if (!res && is_durable(c, cmd))
		sync_one(c, cmd, ns_of(c, cmd));
	else
		finish(c, cmd, res);
}

/* Where the file system can't do it: write them, as many as fit in the buffer at a time. */
static void zeroes_written(struct ctrl *c, struct cmd *cmd, int res)
{
	uint64_t n = cmd->end - cmd->pos;

	if (res || !n) {
		zeroes_end(c, cmd, res);
		return;
	}
	if (n > c->buf_size)
		n = c->buf_size;
	cmd->req.off = cmd->pos;
	cmd->req.len = n;
	cmd->pos += n;
	cmd_io(c, cmd, ns_of(c, cmd), AIO_WRITE, zeroes_written);
}

static bool is_unsupported(int res)
{
	return res == -EOPNOTSUPP || res == -ENOSYS;
}

static void zeroes_allocated(struct ctrl *c, struct cmd *cmd, int res)
{
	uint64_t n = cmd->end - cmd->pos;

	if (!is_unsupported(res)) {
		zeroes_end(c, cmd, res);
		return;
	}
	memset(cmd->buf, 0, n < c->buf_size ? n : c->buf_size);
	zeroes_written(c, cmd, 0);
}

static void zeroes_punched(struct ctrl *c, struct cmd *cmd, int res)
{
	if (is_unsupported(res))
		cmd_io(c, cmd, ns_of(c, cmd), AIO_ZERO, zeroes_allocated);
	else
		zeroes_end(c, cmd, res);
}

static void zeroes_start(struct ctrl *c, struct cmd *cmd)
{
	struct namespace *ns = ns_of(c, cmd);
	uint32_t cdw12 = le32toh(cmd->sqe.cdw12), nlb = NLB(cdw12);
	uint64_t slba = cmd_slba(cmd);

	if (!range_fits(ns, slba, nlb)) {
		cmd_refuse(c, cmd, NVME_SC_LBA_RANGE);
		return;
	}
	if (ns->drive.readonly) {
		cmd_refuse(c, cmd, NVME_SC_WRITE_PROTECTED);
		return;
	}
	cmd->pos = slba << c->opt.lba_lg2;
	cmd->end = cmd->pos + ((uint64_t)nlb << c->opt.lba_lg2);
	cmd->req.off = cmd->pos;
	cmd->req.len = cmd->end - cmd->pos;
	cmd->req.durable = false;
	if ((cdw12 & NVME_ZEROES_DEAC) && ns->drive.can_punch)
		cmd_io(c, cmd, ns, AIO_PUNCH, zeroes_punched);
	else
		cmd_io(c, cmd, ns, AIO_ZERO, zeroes_allocated);
}

/* --- Dataset management
 * ----------------------------------------------------------------------------- */

static const struct nvme_dsm_range *dsm_range(const struct cmd *cmd, unsigned int i)
{
	return (const struct nvme_dsm_range *)cmd->buf + i;
}

static unsigned int dsm_ranges(const struct cmd *cmd)
{
	return (le32toh(cmd->sqe.cdw10) & 0xff) + 1;
}

static void dsm_next(struct ctrl *c, struct cmd *cmd);

/* Deallocation is a hint: a file that can't be punched keeps its blocks. */
static void dsm_punched(struct ctrl *c, struct cmd *cmd, int res)
{
	if (res && !is_unsupported(res)) {
		finish(c, cmd, res);
		return;
	}
	dsm_next(c, cmd);
}

static void dsm_next(struct ctrl *c, struct cmd *cmd)
{
	struct namespace *ns = ns_of(c, cmd);

	while (cmd->index < dsm_ranges(cmd)) {
		const struct nvme_dsm_range *r = dsm_range(cmd, cmd->index++);

		if (!r->nlb)
			continue;
		cmd->req.off = le64toh(r->slba) << c->opt.lba_lg2;
		cmd->req.len = (uint64_t)le32toh(r->nlb) << c->opt.lba_lg2;
		cmd_io(c, cmd, ns, AIO_PUNCH, dsm_punched);
		return;
	}
	if (c->feat.write_cache & 1)
		cmd_complete(c, cmd, NVME_SC_SUCCESS);
	else
		sync_one(c, cmd, ns);
}

static uint32_t dsm_check(struct ctrl *c, const struct cmd *cmd)
{
	for (unsigned int i = 0; i < dsm_ranges(cmd); i++) {
		const struct nvme_dsm_range *r = dsm_range(cmd, i);

		if (r->nlb && !range_fits(ns_of(c, cmd), le64toh(r->slba), le32toh(r->nlb)))
			return NVME_SC_LBA_RANGE | NVME_SC_DNR;
	}
	return NVME_SC_SUCCESS;
}

static void dsm_start(struct ctrl *c, struct cmd *cmd)
{
	struct namespace *ns = ns_of(c, cmd);
	bool deallocate = le32toh(cmd->sqe.cdw11) & NVME_DSM_DEALLOCATE;
	uint32_t len = dsm_ranges(cmd) * (uint32_t)sizeof(struct nvme_dsm_range), sc;

	if (deallocate && ns->drive.readonly) {
		cmd_refuse(c, cmd, NVME_SC_WRITE_PROTECTED);
		return;
	}
	sc = data_map(c, cmd, len, false);
	if (!sc)
		sc = data_from_client(c, cmd, cmd->buf);
	if (!sc)
		sc = dsm_check(c, cmd);
	if (sc || !deallocate) {
		cmd_complete(c, cmd, sc);
		return;
	}
	cmd->index = 0;
	cmd->req.durable = false;
	dsm_next(c, cmd);
}

/* --- All of them
 * ------------------------------------------------------------------------------------ */

struct io_command {
	void (*start)(struct ctrl *c, struct cmd *cmd);
	bool all_ns; /* may name all namespaces */
};

static const struct io_command commands[] = {
	[NVME_CMD_FLUSH] = { flush_start, true },
	[NVME_CMD_WRITE] = { rw_start, false },
	[NVME_CMD_READ] = { rw_start, false },
	[NVME_CMD_COMPARE] = { rw_start, false },
	[NVME_CMD_WRITE_ZEROES] = { zeroes_start, false },
	[NVME_CMD_DSM] = { dsm_start, false },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static enum nvme_sc check(struct ctrl *c, const struct cmd *cmd)
{
	uint32_t nsid = le32toh(cmd->sqe.nsid);
	uint8_t flags = cmd->sqe.flags;

	if (cmd->sqe.opcode >= COMMANDS || !commands[cmd->sqe.opcode].start)
		return NVME_SC_INVALID_OPCODE;
	if (NVME_FLAGS_FUSE(flags) || NVME_FLAGS_PSDT(flags) > NVME_PSDT_SGL)
		return NVME_SC_INVALID_FIELD;
	if (nsid == NVME_NSID_ALL && commands[cmd->sqe.opcode].all_ns)
		return NVME_SC_SUCCESS;
	if (!nsid || nsid > c->nn)
		return NVME_SC_INVALID_NS;
	return ns_get(c, nsid) ? NVME_SC_SUCCESS : NVME_SC_INVALID_FIELD;
}

void io_start(struct ctrl *c, struct cmd *cmd)
{
	enum nvme_sc sc = check(c, cmd);

	if (sc)
		cmd_refuse(c, cmd, sc);
	else
		commands[cmd->sqe.opcode].start(c, cmd);
}
