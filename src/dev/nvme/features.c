/* SPDX-License-Identifier: MIT */
/*
 * Get and Set Features (base specification 5.13, 5.27).
 *
 * Nothing is saveable; a reset brings the defaults back. A feature is a row of the table: how to
 * get its value or its default, and how to set it.
 */
#include "dev/nvme/ctrl.h"

#include <endian.h>

#include "dev/nvme/identity.h"

#define SELECT_CURRENT	    0u
#define SELECT_DEFAULT	    1u
#define SELECT_SAVED	    2u
#define SELECT_CAPABILITIES 3u

#define CAPABILITY_NAMESPACE  2u
#define CAPABILITY_CHANGEABLE 4u

#define SET_SAVE (UINT32_C(1) << 31)

#define ARBITRATION_DEFAULT 7u /* no limit of a burst */
#define ASYNC_SMART	    0xffu
#define DULBE		    (UINT32_C(1) << 16)

void features_reset(struct ctrl *c)
{
	c->feat = (struct features){
		.arbitration = ARBITRATION_DEFAULT,
		.temperature_over = IDENTITY_TEMP_WARNING,
		.write_cache = 1,
		.nsq = (uint16_t)c->opt.queues,
		.ncq = (uint16_t)c->opt.queues,
	};
}

/* @value: receives Dword 0; @dflt: the default is asked for. */
typedef enum nvme_sc get_fn(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value);
/* Completes the command, with @cdw11 checked. */
typedef void set_fn(struct ctrl *c, struct cmd *cmd, uint32_t cdw11);

static enum nvme_sc arbitration_get(
	struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	*value = dflt ? ARBITRATION_DEFAULT : c->feat.arbitration;
	return NVME_SC_SUCCESS;
}

static void arbitration_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	c->feat.arbitration = cdw11 & 0xffffff07;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static enum nvme_sc power_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	*value = dflt ? 0 : c->feat.power;
	return NVME_SC_SUCCESS;
}

/* Power state 0 is the only one; the workload hint is kept. */
static void power_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	if (cdw11 & 0x1f) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	c->feat.power = cdw11 & 0xe0;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

#define TEMP_SENSOR(cdw11) ((cdw11) >> 16 & 15)
#define TEMP_TYPE(cdw11)   ((cdw11) >> 20 & 3)
#define TEMP_ALL	   15u

static enum nvme_sc temperature_get(
	struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	uint32_t cdw11 = le32toh(cmd->sqe.cdw11);

	if (TEMP_SENSOR(cdw11) || TEMP_TYPE(cdw11) > 1)
		return NVME_SC_INVALID_FIELD;
	if (TEMP_TYPE(cdw11))
		*value = dflt ? 0 : c->feat.temperature_under;
	else
		*value = dflt ? IDENTITY_TEMP_WARNING : c->feat.temperature_over;
	return NVME_SC_SUCCESS;
}

static void temperature_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	uint32_t sensor = TEMP_SENSOR(cdw11), type = TEMP_TYPE(cdw11);
	uint8_t before = logs_warnings(c);

	if ((sensor && sensor != TEMP_ALL) || type > 1) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	if (type)
		c->feat.temperature_under = cdw11 & 0xffff;
	else
		c->feat.temperature_over = cdw11 & 0xffff;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
	events_warnings(c, before);
}

static enum nvme_sc recovery_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	uint32_t nsid = le32toh(cmd->sqe.nsid);

	if (!nsid || nsid > c->nn)
		return NVME_SC_INVALID_NS;
	if (!ns_get(c, nsid))
		return NVME_SC_INVALID_FIELD;
	*value = dflt ? 0 : c->feat.error_recovery[nsid - 1];
	return NVME_SC_SUCCESS;
}

static void recovery_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	uint32_t nsid = le32toh(cmd->sqe.nsid);

	if (!nsid || (nsid > c->nn && nsid != NVME_NSID_ALL)) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_NS);
		return;
	}
	if ((cdw11 & DULBE) || (nsid != NVME_NSID_ALL && !ns_get(c, nsid))) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	for (uint32_t i = 1; i <= c->nn; i++)
		if (nsid == i || nsid == NVME_NSID_ALL)
			c->feat.error_recovery[i - 1] = cdw11 & 0xffff;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static enum nvme_sc cache_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	*value = dflt ? 1 : c->feat.write_cache;
	return NVME_SC_SUCCESS;
}

static void cache_synced(struct ctrl *c, struct cmd *cmd, int res)
{
	if (!res)
		c->feat.write_cache = 0;
	cmd_complete(c, cmd, io_status(c, cmd, res));
}

/* Without a cache everything that was completed is durable, what was cached before included. */
static void cache_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	if (!(cdw11 & 1) && (c->feat.write_cache & 1)) {
		io_sync_all(c, cmd, cache_synced);
		return;
	}
	c->feat.write_cache = cdw11 & 1;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static enum nvme_sc queues_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	uint32_t nsq = dflt ? c->opt.queues : c->feat.nsq;
	uint32_t ncq = dflt ? c->opt.queues : c->feat.ncq;

	*value = (nsq - 1) | (ncq - 1) << 16;
	return NVME_SC_SUCCESS;
}

static uint16_t allocate(const struct ctrl *c, uint32_t zero_based)
{
	return (uint16_t)(zero_based < c->opt.queues ? zero_based + 1 : c->opt.queues);
}

static bool has_io_queues(const struct ctrl *c)
{
	for (unsigned int i = 1; i < QUEUES_MAX; i++)
		if (c->sq[i].live || c->cq[i].live)
			return true;
	return false;
}

static void queues_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	uint32_t nsq = cdw11 & 0xffff, ncq = cdw11 >> 16, value;

	if (has_io_queues(c)) {
		cmd_refuse(c, cmd, NVME_SC_SEQUENCE);
		return;
	}
	if (nsq == 0xffff || ncq == 0xffff) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	c->feat.nsq = allocate(c, nsq);
	c->feat.ncq = allocate(c, ncq);
	queues_get(c, cmd, false, &value);
	cmd_complete_result(c, cmd, NVME_SC_SUCCESS, value);
}

static enum nvme_sc coalescing_get(
	struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	*value = dflt ? 0 : c->feat.coalescing;
	return NVME_SC_SUCCESS;
}

/* A recommendation to the controller: completions are batched anyway, and never held back. */
static void coalescing_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	c->feat.coalescing = cdw11 & 0xffff;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

#define VECTOR_NO_COALESCING (UINT32_C(1) << 16)

static enum nvme_sc vector_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	uint32_t vector = le32toh(cmd->sqe.cdw11) & 0xffff;

	if (vector >= irq_vectors(c))
		return NVME_SC_INVALID_FIELD;
	*value = vector;
	if (!dflt && c->feat.no_coalescing[vector])
		*value |= VECTOR_NO_COALESCING;
	return NVME_SC_SUCCESS;
}

static void vector_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	uint32_t vector = cdw11 & 0xffff;

	if (vector >= irq_vectors(c)) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	c->feat.no_coalescing[vector] = cdw11 & VECTOR_NO_COALESCING;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static enum nvme_sc atomicity_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	*value = dflt ? 0 : c->feat.atomicity;
	return NVME_SC_SUCCESS;
}

static void atomicity_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	c->feat.atomicity = cdw11 & 1;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static enum nvme_sc events_get(struct ctrl *c, const struct cmd *cmd, bool dflt, uint32_t *value)
{
	*value = dflt ? 0 : c->feat.async_events;
	return NVME_SC_SUCCESS;
}

static void events_set(struct ctrl *c, struct cmd *cmd, uint32_t cdw11)
{
	uint32_t enabled = cdw11 & ASYNC_SMART;
	uint8_t unseen = (uint8_t)(logs_warnings(c) & ~(enabled & ~c->feat.async_events));

	c->feat.async_events = enabled;
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
	/* A warning that is there already is reported as soon as it may be. */
	events_warnings(c, unseen);
}

struct feature {
	get_fn *get;
	set_fn *set;
	bool per_namespace;
};

static const struct feature features[] = {
	[NVME_FID_ARBITRATION] = { arbitration_get, arbitration_set, false },
	[NVME_FID_POWER] = { power_get, power_set, false },
	[NVME_FID_TEMPERATURE] = { temperature_get, temperature_set, false },
	[NVME_FID_ERROR_RECOVERY] = { recovery_get, recovery_set, true },
	[NVME_FID_WRITE_CACHE] = { cache_get, cache_set, false },
	[NVME_FID_QUEUES] = { queues_get, queues_set, false },
	[NVME_FID_COALESCING] = { coalescing_get, coalescing_set, false },
	[NVME_FID_VECTOR] = { vector_get, vector_set, false },
	[NVME_FID_ATOMICITY] = { atomicity_get, atomicity_set, false },
	[NVME_FID_ASYNC_EVENTS] = { events_get, events_set, false },
};

static const struct feature *feature_find(const struct cmd *cmd)
{
	uint32_t fid = le32toh(cmd->sqe.cdw10) & 0xff;

	if (fid >= sizeof(features) / sizeof(features[0]) || !features[fid].get)
		return NULL;
	return &features[fid];
}

void features_get(struct ctrl *c, struct cmd *cmd)
{
	const struct feature *f = feature_find(cmd);
	uint32_t select = le32toh(cmd->sqe.cdw10) >> 8 & 7, value = CAPABILITY_CHANGEABLE;
	enum nvme_sc sc = NVME_SC_SUCCESS;

	if (!f || select > SELECT_CAPABILITIES) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	if (select != SELECT_CAPABILITIES)
		sc = f->get(c, cmd, select != SELECT_CURRENT, &value);
	else if (f->per_namespace)
		value |= CAPABILITY_NAMESPACE;
	if (sc)
		cmd_refuse(c, cmd, sc);
	else
		cmd_complete_result(c, cmd, NVME_SC_SUCCESS, value);
}

void features_set(struct ctrl *c, struct cmd *cmd)
{
	const struct feature *f = feature_find(cmd);
	uint32_t nsid = le32toh(cmd->sqe.nsid);

	if (!f)
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
	else if (le32toh(cmd->sqe.cdw10) & SET_SAVE)
		cmd_refuse(c, cmd, NVME_SC_NOT_SAVEABLE);
	/* The specification (5.27) lets a controller refuse any namespace here; QEMU's driver names
	 * the one that it uses when it switches the write cache, and drives take it. */
	else if (!f->per_namespace && nsid > c->nn && nsid != NVME_NSID_ALL)
		cmd_refuse(c, cmd, NVME_SC_NOT_NS_SPECIFIC);
	else
		f->set(c, cmd, le32toh(cmd->sqe.cdw11));
}
