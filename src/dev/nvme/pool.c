/* SPDX-License-Identifier: MIT */
/*
 * Command slots, each with its data buffer and its segments.
 *
 * The buffers are one mapping whose pages appear when they are first used, and free slots are a
 * stack: a client that does small transfers touches a few pages only.
 */
#include "dev/nvme/ctrl.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"

static size_t slot_size(const struct ctrl *c)
{
	return c->buf_size + SEGS_MAX * sizeof(struct uiommu_dma_seg);
}

int pool_new(struct ctrl *c)
{
	size_t size = SLOTS * slot_size(c);
	uint8_t *arena;

	c->cmds = base_calloc(SLOTS, sizeof(*c->cmds));
	if (!c->cmds)
		return -ENOMEM;
	arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED) {
		base_free(c->cmds);
		c->cmds = NULL;
		return -ENOMEM;
	}
	c->arena = arena;
	c->arena_size = size;
	for (unsigned int i = 0; i < SLOTS; i++) {
		c->cmds[i].buf = arena + i * slot_size(c);
		c->cmds[i].seg = (struct uiommu_dma_seg *)(c->cmds[i].buf + c->buf_size);
	}
	pool_reset(c);
	return 0;
}

void pool_reset(struct ctrl *c)
{
	c->free_cmds = NULL;
	c->nfree = 0;
	for (unsigned int i = SLOTS; i-- > 0;)
		cmd_put(c, &c->cmds[i]);
}

void pool_free(struct ctrl *c)
{
	munmap(c->arena, c->arena_size);
	base_free(c->cmds);
	c->cmds = NULL;
	c->arena = NULL;
}
