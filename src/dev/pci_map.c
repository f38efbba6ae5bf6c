/* SPDX-License-Identifier: MIT */
/*
 * Clients' mappings of BARs, and which of them reach the memory without a trap.
 *
 * Of a mapping only the doorbell window is ever opened to direct stores (all of it with bar=poll).
 * The window of a BAR counts as exposed while some mapping of it is open: then the model looks at
 * the memory, and a further mapping is opened as well. Closing means that every mapping has been
 * closed; only then can a store no longer go unnoticed.
 *
 * The list has a lock of its own: a model's thread exposes and closes while a client that holds the
 * device's lock may be waiting for that thread.
 */
#include <errno.h>

#include "base/range.h"
#include "base/refuse.h"
#include "dev/pdev.h"

void pdev_maps_init(struct uiommu_pdev *pdev)
{
	pthread_mutex_init(&pdev->maps.lock, NULL);
}

void pdev_maps_fini(struct uiommu_pdev *pdev)
{
	pthread_mutex_destroy(&pdev->maps.lock);
}

static bool exposed_locked(const struct uiommu_pdev *pdev, unsigned int bar)
{
	for (const struct bar_mapping *map = pdev->maps.head; map; map = map->next)
		if (map->bar == bar && map->exposed)
			return true;
	return false;
}

/* What of @map can be opened. Return: false if nothing. */
static bool exposable(
	const struct uiommu_pdev *pdev, const struct bar_mapping *map, uint64_t *off, uint64_t *len)
{
	const struct uiommu_bar_desc *bar = &pdev->desc.bar[map->bar];
	uint64_t start = map->off, end = map->off + map->len;

	if (pdev->bar_mode == PDEV_BAR_AUTO) {
		start = start > bar->db_off ? start : bar->db_off;
		end = end < bar->db_off + bar->db_len ? end : bar->db_off + bar->db_len;
	}
	if (pdev->bar_mode == PDEV_BAR_TRAP || start >= end)
		return false;
	*off = start;
	*len = end - start;
	return true;
}

static void map_expose_locked(struct uiommu_pdev *pdev, struct bar_mapping *map, bool on)
{
	uint64_t off, len;

	if (map->exposed == on || !exposable(pdev, map, &off, &len))
		return;
	if (map->expose(map, off, len, on))
		map->exposed = on;
}

static bool window_expose_locked(struct uiommu_pdev *pdev, unsigned int bar, bool on)
{
	for (struct bar_mapping *map = pdev->maps.head; map; map = map->next)
		if (map->bar == bar)
			map_expose_locked(pdev, map, on);
	return exposed_locked(pdev, bar);
}

/* bar=poll: stores are always direct; what changes is who looks at the window. */
static bool window_watch_locked(struct uiommu_pdev *pdev, unsigned int bar, bool on)
{
	/*
	 * What is stored before this returns false is the model's to find, with its last look; the
	 * thread reports what is stored later. It must not compare with what it saw last itself: a
	 * model that is awake finds stores before the thread does, whoever is to watch, and a tail
	 * that has gone around since is the same number again.
	 */
	if (!on)
		pdev_poll_resume(pdev, bar);
	pdev->bar[bar].watching = on && exposed_locked(pdev, bar);
	return pdev->bar[bar].watching;
}

bool uiommu_pdev_doorbells_expose(struct uiommu_pdev *pdev, unsigned int bar, bool on)
{
	bool direct = false;

	if (bar >= UIOMMU_PCI_BARS || !pdev->desc.bar[bar].db_len)
		return false;
	pthread_mutex_lock(&pdev->maps.lock);
	if (pdev->bar_mode == PDEV_BAR_AUTO)
		direct = window_expose_locked(pdev, bar, on);
	else if (pdev->bar_mode == PDEV_BAR_POLL)
		direct = window_watch_locked(pdev, bar, on);
	pthread_mutex_unlock(&pdev->maps.lock);
	return direct;
}

static int map_check(const struct uiommu_pdev *pdev, const struct bar_mapping *map)
{
	uint64_t last;

	if (map->bar >= UIOMMU_PCI_BARS || !pdev->open || pdev->closing || !pdev->bar[map->bar].mem)
		return refuse(EINVAL, "only BARs of memory can be mapped", "BAR %u", map->bar);
	if (map->off % PDEV_PAGE || map->len % PDEV_PAGE ||
		!range_last(map->off, map->len, &last) || last >= pdev->bar[map->bar].len)
		return refuse(
			EINVAL, "a mapping is of pages inside of its BAR", "BAR %u", map->bar);
	return 0;
}

static void map_add(struct uiommu_pdev *pdev, struct bar_mapping *map)
{
	struct pdev_maps *maps = &pdev->maps;

	pthread_mutex_lock(&maps->lock);
	map->exposed = false;
	if (pdev->bar_mode == PDEV_BAR_POLL || exposed_locked(pdev, map->bar))
		map_expose_locked(pdev, map, true);
	map->next = maps->head;
	maps->head = map;
	pthread_mutex_unlock(&maps->lock);
}

int pdev_bar_map(struct uiommu_pdev *pdev, struct bar_mapping *map)
{
	int rc;

	pthread_mutex_lock(&pdev->lock);
	rc = map_check(pdev, map);
	if (!rc && pdev->bar_mode == PDEV_BAR_POLL)
		rc = pdev_poll_start(pdev);
	if (!rc)
		map_add(pdev, map);
	pthread_mutex_unlock(&pdev->lock);
	return rc;
}

void pdev_bar_unmap(struct uiommu_pdev *pdev, struct bar_mapping *map)
{
	struct bar_mapping **link = &pdev->maps.head;

	pthread_mutex_lock(&pdev->maps.lock);
	while (*link && *link != map)
		link = &(*link)->next;
	if (*link)
		*link = map->next;
	map->exposed = false;
	pthread_mutex_unlock(&pdev->maps.lock);
}

void pdev_maps_reset(struct uiommu_pdev *pdev, bool drop)
{
	struct pdev_maps *maps = &pdev->maps;

	pthread_mutex_lock(&maps->lock);
	for (struct bar_mapping *map = maps->head; map; map = map->next)
		if (drop || pdev->bar_mode == PDEV_BAR_AUTO)
			map_expose_locked(pdev, map, false);
	if (drop)
		maps->head = NULL;
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		pdev->bar[i].watching = false;
	pthread_mutex_unlock(&maps->lock);
}
