/* SPDX-License-Identifier: MIT */
#include "core/core.h"

#include <stddef.h>

int core_init(struct core *core, const struct hw *hw, struct core_counters *counters)
{
	int err = us_init(&core->userspace);

	if (err)
		return err;
	err = mem_process_new(&core->userspace, &core->process);
	if (err)
		goto err_userspace;
	err = mem_alias_new(0, 0, &core->uncounted);
	if (err)
		goto err_process;
	account_init(&core->account, ACCOUNT_NO_LIMIT);
	rs_set_init(&core->readers);
	bus_init(&core->bus);
	core->hw = hw;
	atomic_init(&core->generation, 0);
	pthread_mutex_init(&core->ioas_lock, NULL);
	pthread_rwlock_init(&core->exchange, NULL);
	core->ioases = NULL;
	atomic_init(&core->moves, 0);
	core->counters = counters ? counters : &core->own_counters;
	core->chan_counters = NULL;
	core->nchan_counters = 0;
	return 0;

err_process:
	mem_put(core->process);
err_userspace:
	us_fini(&core->userspace);
	return err;
}

void core_fini(struct core *core)
{
	pthread_rwlock_destroy(&core->exchange);
	pthread_mutex_destroy(&core->ioas_lock);
	bus_fini(&core->bus);
	rs_set_fini(&core->readers);
	mem_put(core->uncounted);
	mem_put(core->process);
	account_fini(&core->account);
	us_fini(&core->userspace);
}
