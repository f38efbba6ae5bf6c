/* SPDX-License-Identifier: MIT */
/*
 * Ids of objects: each is the lowest that is free, from 1, and leads to a pointer.
 *
 * An id is free, reserved (nobody finds anything there yet), published, or a tombstone (nobody
 * finds anything there, and it is never given out again). Reserving may allocate; nothing else
 * does, so that what was reserved can always be published or taken back. The caller serialises
 * writers against everybody; readers may share.
 */
#ifndef UIOMMU_BASE_IDTABLE_H
#define UIOMMU_BASE_IDTABLE_H

#include <stddef.h>
#include <stdint.h>

#define IDTABLE_MAX ((uint32_t)INT32_MAX)

struct idtable_node;

struct idtable {
	struct idtable_node *root;
	unsigned int height; /* levels of nodes; 0: empty */
	uint32_t max; /* highest id; idtable_init() sets IDTABLE_MAX, the owner may lower it */
	size_t count; /* published */
};

void idtable_init(struct idtable *t);
/* Frees the nodes; what was published is the caller's. The table is empty afterwards. */
void idtable_fini(struct idtable *t);

/* Reserves the lowest free id. Return: 0; -ENOSPC; -ENOMEM. Nothing changed if it fails. */
int idtable_reserve(struct idtable *t, uint32_t *id);

/* @id is reserved, or published: then @ptr takes its place. @ptr isn't NULL. */
void idtable_publish(struct idtable *t, uint32_t id, void *ptr);

/* Return: what is published as @id, which may be any number; NULL if there's nothing. */
void *idtable_get(const struct idtable *t, uint32_t id);

/* Frees @id, be it reserved or published; a tombstone stays. Return: what was published, or NULL.
 */
void *idtable_remove(struct idtable *t, uint32_t id);

/* Makes @id, which is reserved or published, a tombstone. Return: what was published, or NULL. */
void *idtable_tombstone(struct idtable *t, uint32_t id);

/* The first published id above *@id; begin with 0. Return: what is published there, or NULL at the
 * end. */
void *idtable_next(const struct idtable *t, uint32_t *id);

#endif
