/* SPDX-License-Identifier: MIT */
/*
 * Data pointers (base specification 4.3 and 4.4): PRPs and SGLs become a list of segments.
 *
 * Lists are read once, in batches, and every entry is checked in its copy. A list can't be longer
 * than its transfer asks for: PRP entries cover a page each, and SGL descriptors, which may cover
 * nothing, are counted.
 */
#include "dev/nvme/ctrl.h"

#include <endian.h>
#include <string.h>

#define BATCH		64u
#define DESCRIPTORS_MAX (4 * SEGS_MAX)

static bool seg_add(struct cmd *cmd, uint64_t iova, uint64_t len, bool bucket)
{
	struct uiommu_dma_seg *last = cmd->nseg ? &cmd->seg[cmd->nseg - 1] : NULL;

	if (last && !bucket && !(last->len & SEG_BUCKET) && last->iova + last->len == iova) {
		last->len += len;
		return true;
	}
	if (cmd->nseg == SEGS_MAX)
		return false;
	cmd->seg[cmd->nseg++] =
		(struct uiommu_dma_seg){ .iova = iova, .len = bucket ? len | SEG_BUCKET : len };
	cmd->has_bucket |= bucket;
	return true;
}

/* --- PRPs
 * ----------------------------------------------------------------------------------------- */

struct prp_list {
	uint64_t next;	   /* address of the next entry to be read */
	unsigned int n, i; /* entries that were read, and taken */
	uint64_t entry[BATCH];
};

/* Entries from @list->next up to the end of its page, and no more than @want. */
static uint32_t prp_list_read(struct ctrl *c, struct prp_list *list, uint64_t want)
{
	uint64_t page = UINT64_C(1) << c->page_lg2;
	uint64_t n = (page - (list->next & (page - 1))) / 8;

	if (n > want)
		n = want;
	if (n > BATCH)
		n = BATCH;
	if (uiommu_dma_read(c->dma, UIOMMU_PASID_NONE, list->next, list->entry, n * 8))
		return NVME_SC_DATA_TRANSFER;
	list->next += n * 8;
	list->n = (unsigned int)n;
	list->i = 0;
	return NVME_SC_SUCCESS;
}

static uint32_t prp_list_map(struct ctrl *c, struct cmd *cmd, uint64_t prp2, uint64_t left)
{
	uint64_t page = UINT64_C(1) << c->page_lg2;
	struct prp_list list = { .next = prp2 };

	if (prp2 & 7)
		return NVME_SC_PRP_OFFSET;
	while (left) {
		uint64_t entry, len = left < page ? left : page;
		bool at_end;

		if (list.i == list.n) {
			uint32_t sc = prp_list_read(c, &list, (left + page - 1) / page);

			if (sc)
				return sc;
		}
		/* The last entry of a page of the list leads to the next, unless it is the last of
		 * all. */
		at_end = list.i + 1 == list.n && !(list.next & (page - 1));
		entry = le64toh(list.entry[list.i++]);
		if (entry & (page - 1))
			return NVME_SC_PRP_OFFSET;
		if (at_end && left > page) {
			list = (struct prp_list){ .next = entry };
			continue;
		}
		if (!seg_add(cmd, entry, len, false))
			return NVME_SC_INTERNAL;
		left -= len;
	}
	return NVME_SC_SUCCESS;
}

static uint32_t prp_map(struct ctrl *c, struct cmd *cmd, uint32_t len)
{
	uint64_t prp1 = le64toh(cmd->sqe.prp1), prp2 = le64toh(cmd->sqe.prp2);
	uint64_t page = UINT64_C(1) << c->page_lg2;
	uint64_t first = page - (prp1 & (page - 1)), left;

	if (prp1 & 3)
		return NVME_SC_PRP_OFFSET;
	if (first > len)
		first = len;
	seg_add(cmd, prp1, first, false);
	left = len - first;
	if (!left)
		return NVME_SC_SUCCESS;
	if (left > page)
		return prp_list_map(c, cmd, prp2, left);
	if (prp2 & (page - 1))
		return NVME_SC_PRP_OFFSET;
	seg_add(cmd, prp2, left, false);
	return NVME_SC_SUCCESS;
}

/* --- SGLs
 * ----------------------------------------------------------------------------------------- */

struct sgl {
	struct cmd *cmd;
	uint64_t left;	    /* bytes of the transfer that nothing describes yet */
	unsigned int count; /* descriptors so far */
	bool to_client;
};

static bool sgl_is_segment(const struct nvme_sgl_desc *d)
{
	unsigned int type = NVME_SGL_TYPE(d->id);

	return type == NVME_SGL_SEGMENT || type == NVME_SGL_LAST_SEGMENT;
}

static uint32_t sgl_check(const struct nvme_sgl_desc *d)
{
	uint32_t len = le32toh(d->len);

	if (NVME_SGL_TYPE(d->id) > NVME_SGL_LAST_SEGMENT || NVME_SGL_SUBTYPE(d->id))
		return NVME_SC_SGL_TYPE;
	if (sgl_is_segment(d) && (!len || len % sizeof(*d)))
		return NVME_SC_SGL_SEGMENT;
	return NVME_SC_SUCCESS;
}

static uint32_t sgl_add(struct sgl *sgl, const struct nvme_sgl_desc *d)
{
	bool bucket = NVME_SGL_TYPE(d->id) == NVME_SGL_BIT_BUCKET;
	uint64_t len = le32toh(d->len);

	/* A bucket that data comes from has nothing in it. */
	if (bucket && !sgl->to_client)
		return NVME_SC_SUCCESS;
	if (len > sgl->left)
		len = sgl->left;
	if (len && !seg_add(sgl->cmd, le64toh(d->addr), len, bucket))
		return NVME_SC_SGL_COUNT;
	sgl->left -= len;
	return NVME_SC_SUCCESS;
}

/*
 * One segment, @seg, of descriptors; the next one is left in @seg, with length 0 if there is none.
 * Only the end of a segment that isn't the last leads on, and it must.
 */
static uint32_t sgl_segment(struct ctrl *c, struct sgl *sgl, struct nvme_sgl_desc *seg)
{
	bool last = NVME_SGL_TYPE(seg->id) == NVME_SGL_LAST_SEGMENT;
	uint32_t n = le32toh(seg->len) / (uint32_t)sizeof(*seg);
	uint64_t addr = le64toh(seg->addr);
	struct nvme_sgl_desc d[BATCH];

	seg->len = 0;
	while (n && sgl->left) {
		uint32_t batch = n < BATCH ? n : BATCH;

		if (uiommu_dma_read(c->dma, UIOMMU_PASID_NONE, addr, d, batch * sizeof(d[0])))
			return NVME_SC_DATA_TRANSFER;
		addr += batch * sizeof(d[0]);
		n -= batch;
		sgl->count += batch;
		if (sgl->count > DESCRIPTORS_MAX)
			return NVME_SC_SGL_COUNT;
		for (uint32_t i = 0; i < batch && sgl->left; i++) {
			bool leads_on = !last && !n && i + 1 == batch;
			uint32_t sc = sgl_check(&d[i]);

			if (!sc && sgl_is_segment(&d[i]) != leads_on)
				sc = NVME_SC_SGL_SEGMENT;
			if (!sc && leads_on)
				*seg = d[i];
			else if (!sc)
				sc = sgl_add(sgl, &d[i]);
			if (sc)
				return sc;
		}
	}
	return NVME_SC_SUCCESS;
}

static uint32_t sgl_map(struct ctrl *c, struct cmd *cmd, uint32_t len, bool to_client)
{
	struct sgl sgl = { .cmd = cmd, .left = len, .to_client = to_client };
	struct nvme_sgl_desc d = cmd->sqe.sgl;
	uint32_t sc = sgl_check(&d);

	if (!sc && !sgl_is_segment(&d)) {
		sc = sgl_add(&sgl, &d);
		d.len = 0;
	}
	while (!sc && sgl.left && d.len)
		sc = sgl_segment(c, &sgl, &d);
	if (sc)
		return sc;
	return sgl.left ? NVME_SC_SGL_LENGTH : NVME_SC_SUCCESS;
}

/* --- Transfers
 * ------------------------------------------------------------------------------------- */

uint32_t data_map(struct ctrl *c, struct cmd *cmd, uint32_t len, bool to_client)
{
	uint32_t sc;

	cmd->nseg = 0;
	cmd->has_bucket = false;
	cmd->len = len;
	if (!len)
		return NVME_SC_SUCCESS;
	if (NVME_FLAGS_PSDT(cmd->sqe.flags) == NVME_PSDT_PRP)
		sc = prp_map(c, cmd, len);
	else
		sc = sgl_map(c, cmd, len, to_client);
	return sc ? sc | NVME_SC_DNR : sc;
}

static int write_around_buckets(struct ctrl *c, struct cmd *cmd, const uint8_t *buf)
{
	for (unsigned int i = 0; i < cmd->nseg; i++) {
		uint64_t len = cmd->seg[i].len & ~SEG_BUCKET;

		if (!(cmd->seg[i].len & SEG_BUCKET) &&
			uiommu_dma_write(c->dma, UIOMMU_PASID_NONE, cmd->seg[i].iova, buf, len))
			return -1;
		buf += len;
	}
	return 0;
}

uint32_t data_to_client(struct ctrl *c, struct cmd *cmd, const void *buf)
{
	int err;

	if (cmd->has_bucket)
		err = write_around_buckets(c, cmd, buf);
	else if (cmd->nseg == 1)
		err = uiommu_dma_write(
			c->dma, UIOMMU_PASID_NONE, cmd->seg[0].iova, buf, cmd->seg[0].len);
	else
		err = uiommu_dma_writev(
			c->dma, UIOMMU_PASID_NONE, cmd->seg, cmd->nseg, buf, cmd->len);
	return err ? NVME_SC_DATA_TRANSFER | NVME_SC_DNR : NVME_SC_SUCCESS;
}

uint32_t data_from_client(struct ctrl *c, struct cmd *cmd, void *buf)
{
	int err;

	if (cmd->nseg == 1)
		err = uiommu_dma_read(
			c->dma, UIOMMU_PASID_NONE, cmd->seg[0].iova, buf, cmd->seg[0].len);
	else
		err = uiommu_dma_readv(
			c->dma, UIOMMU_PASID_NONE, cmd->seg, cmd->nseg, buf, cmd->len);
	return err ? NVME_SC_DATA_TRANSFER | NVME_SC_DNR : NVME_SC_SUCCESS;
}

uint32_t data_answer(struct ctrl *c, struct cmd *cmd, const void *buf, uint32_t len)
{
	uint32_t sc = data_map(c, cmd, len, true);

	return sc ? sc : data_to_client(c, cmd, buf);
}
