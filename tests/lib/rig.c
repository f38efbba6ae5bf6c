/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dma/chan.h"
#include "mem/guard.h"

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
	if (!guard_handle_fault(sig, info, ucontext))
		signal(sig, SIG_DFL);
}

void rig_catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	MUST(!sigaction(SIGSEGV, &sa, NULL) && !sigaction(SIGBUS, &sa, NULL));
	guard_use_signals(true);
}

void rig_init(struct rig *rig, const struct pt_ops *format)
{
	memset(rig, 0, sizeof(*rig));
	rig_catch_faults();
	hw_plain_init(&rig->hw, format);
	MUST(!core_init(&rig->core, &rig->hw.hw, &rig->counters));
	group_init(&rig->group, 1);
	requester_init(&rig->req, &rig->core, &rig->group, "0000:01:00.0");
	MUST(!ctx_new(&rig->core, RLIMIT_MODE_USER, &rig->ctx));
	MUST(!ioas_new(rig->ctx, &rig->ioas));
	MUST(!device_bind(rig->ctx, &rig->req, &rig->dev));
	rig->hwpt_id = rig->ioas->obj.id;
	MUST(!device_attach(rig->dev, &rig->hwpt_id));
	requester_set_bus_master(&rig->req, true);
	MUST(!dma_chan_new(&rig->req, &rig->dma));
}

void rig_fini(struct rig *rig)
{
	dma_chan_free(rig->dma);
	device_unbind(rig->dev);
	obj_put(&rig->ioas->obj);
	ctx_put(rig->ctx);
	MUST(!rig->group.owner && !rig->group.attached && !rig->group.hwpt);
	requester_fini(&rig->req);
	MUST(!rig->group.members);
	group_fini(&rig->group);
	MUST(!rig->counters.areas_now && !rig->counters.bytes_now);
	MUST(!rig->core.ioases && !rig->core.userspace.ranges);
	core_fini(&rig->core);
}

int rig_map(struct rig *rig, uint64_t iova, void *va, uint64_t len)
{
	struct ioas_map map = {
		.flags = IOAS_FIXED_IOVA | IOAS_READABLE | IOAS_WRITEABLE,
		.user_va = (uintptr_t)va,
		.len = len,
		.iova = iova,
	};

	return ioas_map(rig->ioas, &map);
}

int rig_unmap(struct rig *rig, uint64_t iova, uint64_t len)
{
	uint64_t unmapped;

	return ioas_unmap(rig->ioas, iova, len, &unmapped);
}

void *rig_pages(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED);
	return at;
}
