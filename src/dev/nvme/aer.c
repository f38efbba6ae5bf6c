/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events (base specification 5.2).
 *
 * A request waits without a slot and without room in the completion queue: it only leaves its
 * command id. An event is reported when there are a request and room. Then its type is masked until
 * the client reads the log page that goes with it; events of a masked type, and repetitions, are
 * dropped.
 */
#include "dev/nvme/ctrl.h"

#include <endian.h>
#include <string.h>

void events_reset(struct ctrl *c)
{
	c->events = (struct events){ 0 };
}

void events_request(struct ctrl *c, struct cmd *cmd)
{
	struct events *ev = &c->events;

	if (ev->nrequests == EVENT_REQUESTS) {
		cmd_refuse(c, cmd, NVME_SC_AER_LIMIT);
		return;
	}
	ev->cid[ev->nrequests++] = cmd->sqe.cid;
	cmd->sq->inflight--;
	cmd->sq->cq->reserved--;
	cmd_put(c, cmd);
}

static void request_post(struct ctrl *c, unsigned int i, uint32_t status, uint32_t result)
{
	struct events *ev = &c->events;
	struct nvme_cqe cqe = {
		.result = htole32(result),
		.sq_head = htole16((uint16_t)c->sq[0].head),
		.cid = ev->cid[i],
		.status = htole16((uint16_t)(status << 1)),
	};

	ev->nrequests--;
	memmove(&ev->cid[i], &ev->cid[i + 1], (ev->nrequests - i) * sizeof(ev->cid[0]));
	cq_add(c, &c->cq[0], &cqe);
}

bool events_abort(struct ctrl *c, uint16_t cid)
{
	struct events *ev = &c->events;

	for (unsigned int i = 0; i < ev->nrequests; i++) {
		if (ev->cid[i] != htole16(cid))
			continue;
		if (!cq_room(c, &c->cq[0]))
			return false;
		request_post(c, i, NVME_SC_ABORTED, 0);
		return true;
	}
	return false;
}

void events_raise(struct ctrl *c, uint8_t type, uint8_t info)
{
	static const uint8_t page[] = {
		[NVME_EVENT_ERROR] = NVME_LOG_ERROR,
		[NVME_EVENT_SMART] = NVME_LOG_SMART,
	};
	struct events *ev = &c->events;

	if ((ev->masked & UINT32_C(1) << type) || ev->nqueue == EVENTS_MAX)
		return;
	for (unsigned int i = 0; i < ev->nqueue; i++)
		if (ev->queue[i].type == type && ev->queue[i].info == info)
			return;
	ev->queue[ev->nqueue++] = (struct event){ type, info, page[type] };
}

void events_read(struct ctrl *c, uint8_t page)
{
	if (page == NVME_LOG_ERROR)
		c->events.masked &= ~(UINT32_C(1) << NVME_EVENT_ERROR);
	if (page == NVME_LOG_SMART)
		c->events.masked &= ~(UINT32_C(1) << NVME_EVENT_SMART);
}

void events_warnings(struct ctrl *c, uint8_t before)
{
	uint32_t risen = logs_warnings(c) & ~before & c->feat.async_events;

	if (risen & NVME_SMART_TEMPERATURE)
		events_raise(c, NVME_EVENT_SMART, NVME_EVENT_TEMPERATURE);
	if (risen & NVME_SMART_DEGRADED)
		events_raise(c, NVME_EVENT_SMART, NVME_EVENT_RELIABILITY);
}

/* Others of the same type are covered by the log page that the client is told to read. */
static void drop_type(struct events *ev, uint8_t type)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ev->nqueue; i++)
		if (ev->queue[i].type != type)
			ev->queue[n++] = ev->queue[i];
	ev->nqueue = n;
}

bool events_deliver(struct ctrl *c)
{
	struct events *ev = &c->events;
	bool did = false;

	if (!c->enabled || c->halted)
		return false;
	while (ev->nqueue && ev->nrequests && cq_room(c, &c->cq[0])) {
		struct event e = ev->queue[0];

		ev->masked |= UINT32_C(1) << e.type;
		drop_type(ev, e.type);
		request_post(c, 0, NVME_SC_SUCCESS,
			(uint32_t)e.type | (uint32_t)e.info << 8 | (uint32_t)e.page << 16);
		did = true;
	}
	return did;
}
