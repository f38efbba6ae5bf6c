/* SPDX-License-Identifier: MIT */
/* The Identify command (base specification 5.15). */
#include "dev/nvme/ctrl.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dev/nvme/identity.h"

#define NVME_OPTPERF_GRANULE 4096u

static void text(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size);

	memset(to, ' ', size);
	memcpy(to, from, len);
}

static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h;
}

#define HASH_1 UINT64_C(0xcbf29ce484222325)
#define HASH_2 UINT64_C(0x9e3779b97f4a7c15)

/* The same identity whenever the same device is made again: of its serial number and address. */
static uint64_t ctrl_hash(const struct ctrl *c, uint64_t seed)
{
	return hash(hash(seed, c->opt.serial), uiommu_pdev_name(c->pdev));
}

static void subsystem_name(const struct ctrl *c, char *to, size_t size)
{
	uint64_t a = ctrl_hash(c, HASH_1), b = ctrl_hash(c, HASH_2);

	snprintf(to, size,
		"nqn.2014-08.org.nvmexpress:uuid:%08" PRIx32 "-%04x-8%03x-8%03x-%012" PRIx64,
		(uint32_t)(a >> 32), (unsigned int)(a >> 16 & 0xffff), (unsigned int)(a & 0xfff),
		(unsigned int)(b >> 48 & 0xfff), b & UINT64_C(0xffffffffffff));
}

/* Locally administered: bit 1 of the first byte. */
static uint64_t ns_eui64(const struct ctrl *c, uint32_t nsid)
{
	uint64_t h = ctrl_hash(c, HASH_1 ^ ((uint64_t)nsid << 32));

	return (h & ~UINT64_C(0xff00000000000000)) | UINT64_C(0x0200000000000000);
}

static void ns_ids(const struct ctrl *c, uint32_t nsid, uint8_t nguid[16], uint8_t eui64[8])
{
	uint64_t eui = htobe64(ns_eui64(c, nsid));
	uint64_t ext = htobe64(ctrl_hash(c, HASH_2 ^ nsid));

	memcpy(eui64, &eui, 8);
	memcpy(nguid, &ext, 8);
	memcpy(nguid + 8, &eui, 8);
}

static void fill_power(struct nvme_power_state *ps)
{
	ps->max_power = htole16(100);
}

static void fill_nvm(const struct ctrl *c, struct nvme_id_ctrl *id)
{
	id->sqes = 0x66;
	id->cqes = 0x44;
	id->nn = htole32(c->nn);
	id->oncs = htole16(
		NVME_ONCS_COMPARE | NVME_ONCS_DSM | NVME_ONCS_WRITE_ZEROES | NVME_ONCS_SELECT);
	id->vwc = NVME_VWC_PRESENT | NVME_VWC_FLUSH_ALL;
	id->sgls = htole32(NVME_SGLS_SUPPORTED | NVME_SGLS_BIT_BUCKET | NVME_SGLS_LONGER);
}

static void fill_controller(const struct ctrl *c, struct nvme_id_ctrl *id)
{
	id->vid = id->ssvid = htole16(IDENTITY_VENDOR);
	text(id->sn, sizeof(id->sn), c->opt.serial);
	text(id->mn, sizeof(id->mn), IDENTITY_MODEL);
	text(id->fr, sizeof(id->fr), IDENTITY_FIRMWARE);
	id->mdts = c->opt.mdts;
	id->ver = htole32(NVME_VS_1_4);
	id->cntrltype = 1;
	id->acl = 3;
	id->aerl = EVENT_REQUESTS - 1;
	id->frmw = 1 << 1 | 1; /* one slot, which can't be written */
	id->lpa = NVME_LPA_EXTENDED;
	id->elpe = ERROR_ENTRIES - 1;
	id->wctemp = htole16(IDENTITY_TEMP_WARNING);
	id->cctemp = htole16(IDENTITY_TEMP_CRITICAL);
	fill_nvm(c, id);
	subsystem_name(c, id->subnqn, sizeof(id->subnqn));
	fill_power(&id->psd[0]);
}

/* What is best written together is a page of the host. */
static void fill_preferences(const struct ctrl *c, struct nvme_id_ns *id)
{
	uint16_t blocks = (uint16_t)(NVME_OPTPERF_GRANULE >> c->opt.lba_lg2);
	uint16_t zero_based = htole16((uint16_t)(blocks - 1));

	id->nsfeat = NVME_NSFEAT_OPTPERF;
	id->npwg = id->npwa = id->npdg = id->npda = zero_based;
}

static void fill_namespace(const struct ctrl *c, uint32_t nsid, struct nvme_id_ns *id)
{
	const struct namespace *ns = &c->ns[nsid - 1];

	id->nsze = id->ncap = id->nuse = htole64(ns->blocks);
	id->lbaf[0].lbads = c->opt.lba_lg2;
	if (ns->drive.can_punch)
		id->dlfeat = NVME_DLFEAT_ZEROES | NVME_DLFEAT_DEAC;
	if (ns->drive.readonly)
		id->nsattr = NVME_NSATTR_PROTECTED;
	fill_preferences(c, id);
	ns_ids(c, nsid, id->nguid, id->eui64);
}

static enum nvme_sc namespace_page(struct ctrl *c, uint32_t nsid, void *page)
{
	if (!nsid || nsid > c->nn)
		return NVME_SC_INVALID_NS;
	if (ns_get(c, nsid))
		fill_namespace(c, nsid, page);
	return NVME_SC_SUCCESS;
}

/* Active namespaces with ids above @nsid. */
static enum nvme_sc list_page(struct ctrl *c, uint32_t nsid, void *page)
{
	uint32_t *list = page;

	if (nsid >= NVME_NSID_ALL - 1)
		return NVME_SC_INVALID_NS;
	for (uint32_t i = nsid + 1; i <= c->nn; i++)
		if (ns_get(c, i))
			*list++ = htole32(i);
	return NVME_SC_SUCCESS;
}

static uint8_t *descriptor(uint8_t *to, uint8_t type, uint8_t len, const void *id)
{
	to[0] = type;
	to[1] = len;
	memcpy(to + 4, id, len);
	return to + 4 + len;
}

static enum nvme_sc descriptors_page(struct ctrl *c, uint32_t nsid, void *page)
{
	uint8_t nguid[16], eui64[8], *to = page;

	if (!ns_get(c, nsid))
		return nsid && nsid <= c->nn ? NVME_SC_INVALID_FIELD : NVME_SC_INVALID_NS;
	ns_ids(c, nsid, nguid, eui64);
	to = descriptor(to, NVME_NIDT_EUI64, sizeof(eui64), eui64);
	descriptor(to, NVME_NIDT_NGUID, sizeof(nguid), nguid);
	return NVME_SC_SUCCESS;
}

void identify_start(struct ctrl *c, struct cmd *cmd)
{
	uint32_t nsid = le32toh(cmd->sqe.nsid), sc;
	void *page = cmd->buf;

	memset(page, 0, NVME_IDENTIFY_SIZE);
	switch (le32toh(cmd->sqe.cdw10) & 0xff) {
	case NVME_CNS_NAMESPACE:
		sc = namespace_page(c, nsid, page);
		break;
	case NVME_CNS_CONTROLLER:
		fill_controller(c, page);
		sc = NVME_SC_SUCCESS;
		break;
	case NVME_CNS_ACTIVE_LIST:
		sc = list_page(c, nsid, page);
		break;
	case NVME_CNS_DESCRIPTORS:
		sc = descriptors_page(c, nsid, page);
		break;
	default:
		sc = NVME_SC_INVALID_FIELD;
		break;
	}
	if (sc)
		sc |= NVME_SC_DNR;
	else
		sc = data_answer(c, cmd, page, NVME_IDENTIFY_SIZE);
	cmd_complete(c, cmd, sc);
}
