/* SPDX-License-Identifier: MIT */
/*
 * Triggers: which eventfd belongs to which vector, and with that, which vectors are enabled.
 *
 * Descriptors are duplicated before any lock is taken and swapped for what is installed; everything
 * that can fail comes before the first swap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "dev/pdev.h"

void pdev_triggers_init(struct pdev_trigger *trigger, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		trigger[i] = (struct pdev_trigger){ .fd = -1 };
}

static void triggers_close(const struct pdev_trigger *trigger, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		base_fd_close(trigger[i].fd);
}

/* Says no where /proc can tell; without it, whatever can be duplicated is taken for one. */
static bool is_eventfd(int fd)
{
	static const char name[] = "anon_inode:[eventfd]";
	char path[32], link[sizeof(name)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link));
	return n < 0 || ((size_t)n == sizeof(name) - 1 && !memcmp(link, name, (size_t)n));
}

int pdev_eventfd_dup(int fd, struct pdev_trigger *out)
{
	int flags;

	*out = (struct pdev_trigger){ .fd = -1 };
	if (fd == -1)
		return 0;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return refuse(EBADF, "a trigger is an open eventfd, or -1 for none", "fd %d", fd);
	if (!is_eventfd(fd))
		return refuse(EINVAL, "a trigger is an eventfd", "fd %d", fd);
	out->fd = base_fd_own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	out->may_block = !(flags & O_NONBLOCK);
	return out->fd < 0 ? out->fd : 0;
}

static bool exclusive(enum pdev_irq index)
{
	return index <= PDEV_IRQ_MSIX;
}

static int enable_check(const struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int end)
{
	static const char *const name[] = { "INTx", "MSI", "MSI-X" };

	if (!pdev->open)
		return -ENODEV;
	for (enum pdev_irq i = 0; exclusive(index) && exclusive(i); i++)
		if (i != index && pdev_irq_enabled(pdev, i))
			return refuse(EINVAL, "only one of INTx, MSI, MSI-X is enabled at a time",
				"%s is enabled", name[i]);
	if (index == PDEV_IRQ_MSI && pdev_irq_enabled(pdev, index) &&
		end > pdev_irq_enabled(pdev, index))
		return refuse(EINVAL, "MSI keeps the vectors that it was enabled with",
			"%u enabled", pdev_irq_enabled(pdev, index));
	return 0;
}

/* Swaps @new with what is installed; enables vectors up to the last one. */
static void triggers_swap(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int start,
	unsigned int count, struct pdev_trigger *new)
{
	struct pdev_irqs *irqs = &pdev->irqs;
	unsigned int enabled, end = start + count;

	pthread_mutex_lock(&irqs->lock);
	for (unsigned int i = 0; i < count; i++) {
		struct pdev_trigger old = irqs->trigger[index][start + i];

		irqs->trigger[index][start + i] = new[i];
		new[i] = old;
	}
	enabled = atomic_load(&irqs->enabled[index]);
	if (index == PDEV_IRQ_MSIX && end > enabled)
		pdev_msix_unmask_locked(pdev, enabled, end);
	if (end > enabled)
		atomic_store(&irqs->enabled[index], end);
	pthread_mutex_unlock(&irqs->lock);
}

/* Return: 0 with @count triggers in @new, or -errno with none. */
static int triggers_dup(const int *fds, unsigned int count, struct pdev_trigger *new)
{
	for (unsigned int i = 0; i < count; i++) {
		int rc = pdev_eventfd_dup(fds[i], &new[i]);

		if (rc) {
			triggers_close(new, i);
			return rc;
		}
	}
	return 0;
}

static int triggers_install(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int start,
	unsigned int count, struct pdev_trigger *new)
{
	int rc;

	pthread_mutex_lock(&pdev->lock);
	rc = enable_check(pdev, index, start + count);
	if (!rc) {
		bool first = !pdev_irq_enabled(pdev, index);

		triggers_swap(pdev, index, start, count, new);
		if (first && (index == PDEV_IRQ_MSI || index == PDEV_IRQ_MSIX))
			pdev_config_enable(pdev, index, start + count);
		pdev_config_sync(pdev);
	}
	pthread_mutex_unlock(&pdev->lock);
	return rc;
}

int pdev_irq_set_eventfds(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int start,
	unsigned int count, const int *fds)
{
	unsigned int total = index < PDEV_IRQS ? pdev_irq_count(pdev, index) : 0;
	struct pdev_trigger *new;
	int rc;

	if (!count || start >= total || count > total - start)
		return refuse(
			EINVAL, "vectors are within what the index has", "%u has %u", index, total);
	new = base_calloc(count, sizeof(*new));
	if (!new)
		return -ENOMEM;
	rc = triggers_dup(fds, count, new);
	if (!rc) {
		rc = triggers_install(pdev, index, start, count, new);
		triggers_close(new, count); /* the old ones, or, refused, the new ones */
	}
	base_free(new);
	return rc;
}

/* Closing under the lock is enough: it ends what senders may do with the descriptors. */
static void index_drop(struct uiommu_pdev *pdev, enum pdev_irq index)
{
	struct pdev_irqs *irqs = &pdev->irqs;
	unsigned int n = pdev_irq_count(pdev, index);

	pthread_mutex_lock(&irqs->lock);
	atomic_store(&irqs->enabled[index], 0);
	if (n) {
		triggers_close(irqs->trigger[index], n);
		pdev_triggers_init(irqs->trigger[index], n);
	}
	if (index == PDEV_IRQ_INTX)
		irqs->intx.masked = false;
	if (index == PDEV_IRQ_MSI)
		irqs->msi_pending = 0;
	if (index == PDEV_IRQ_MSIX && n)
		pdev_msix_reset_locked(pdev);
	pthread_mutex_unlock(&irqs->lock);
}

void pdev_irq_disable(struct uiommu_pdev *pdev, enum pdev_irq index)
{
	if (index >= PDEV_IRQS)
		return;
	pthread_mutex_lock(&pdev->lock);
	if (index == PDEV_IRQ_INTX)
		pdev_intx_unwatch(pdev);
	if (pdev_irq_enabled(pdev, index)) {
		index_drop(pdev, index);
		if (index == PDEV_IRQ_MSI || index == PDEV_IRQ_MSIX)
			pdev_config_enable(pdev, index, 0);
		pdev_config_sync(pdev);
	}
	pthread_mutex_unlock(&pdev->lock);
}

void pdev_irqs_reset(struct uiommu_pdev *pdev, bool all)
{
	struct pdev_irqs *irqs = &pdev->irqs;

	pdev_intx_unwatch(pdev);
	for (enum pdev_irq i = 0; i < PDEV_IRQS; i++)
		if (all || exclusive(i))
			index_drop(pdev, i);
	pthread_mutex_lock(&irqs->lock);
	irqs->intx.level = false;
	pthread_mutex_unlock(&irqs->lock);
}
