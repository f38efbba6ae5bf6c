/* SPDX-License-Identifier: MIT */
/* One round of the controller: fetch, start, submit, reap, post; each for everything there is. */
#include "dev/nvme/ctrl.h"

static bool serve(struct ctrl *c)
{
	unsigned int n = c->nactive, first = c->first;
	bool did = false;

	if (!c->enabled || c->halted)
		return false;
	for (unsigned int i = 0; i < n && c->nactive == n && !c->halted; i++) {
		unsigned int at = first + i < n ? first + i : first + i - n;

		/* A reset or shutdown needn't wait for the whole round. */
		if (atomic_load_explicit(&c->regs.changes, memory_order_relaxed) != c->changes_seen)
			return true;
		did |= sq_serve(c, c->active[at]);
	}
	if (c->nactive)
		c->first = (first + 1) % c->nactive;
	if (atomic_load_explicit(&c->bad_doorbell, memory_order_relaxed))
		did |= db_scan(c);
	return did;
}

static bool reap(struct ctrl *c)
{
	struct aio_req *req = aio_reap(c->aio), *next;

	if (!req)
		return false;
	for (; req; req = next) {
		struct cmd *cmd = (struct cmd *)req;

		next = req->next;
		cmd->step(c, cmd, req->res);
	}
	return true;
}

bool round_run(struct ctrl *c)
{
	uint32_t changes = atomic_load(&c->regs.changes);
	bool did = false;

	if (changes != c->changes_seen) {
		c->changes_seen = changes;
		control_apply(c);
		did = true;
	}
	if (!c->aio)
		return did;
	did |= serve(c);
	did |= !aio_submit(c->aio);
	did |= reap(c);
	did |= control_shutdown(c);
	did |= events_deliver(c);
	cq_post(c);
	return did;
}
