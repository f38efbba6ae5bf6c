/* SPDX-License-Identifier: MIT */
/*
 * INTx as VFIO presents it: a level that is masked when it has been signalled. Unmasking, by a call
 * or through an eventfd, signals again while the level is still high.
 *
 * The eventfd is watched by a thread, which exists only while a client has set one.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/refuse.h"
#include "dev/pdev.h"
#include "dev/thread.h"

void pdev_intx_update_locked(struct uiommu_pdev *pdev)
{
	struct pdev_intx *intx = &pdev->irqs.intx;

	if (!intx->level || intx->masked || intx->disabled)
		return;
	if (uiommu_pdev_irq_mode(pdev, NULL) != UIOMMU_IRQ_INTX)
		return;
	if (pdev_irqs_signal_locked(pdev, PDEV_IRQ_INTX, 0))
		intx->masked = true;
}

void uiommu_pdev_intx(struct uiommu_pdev *pdev, bool level)
{
	if (!pdev->desc.intx)
		return;
	pthread_mutex_lock(&pdev->irqs.lock);
	pdev->irqs.intx.level = level;
	pdev_intx_update_locked(pdev);
	pthread_mutex_unlock(&pdev->irqs.lock);
}

void pdev_intx_mask(struct uiommu_pdev *pdev, bool masked)
{
	pthread_mutex_lock(&pdev->irqs.lock);
	if (pdev_irq_enabled(pdev, PDEV_IRQ_INTX)) {
		pdev->irqs.intx.masked = masked;
		pdev_intx_update_locked(pdev);
	}
	pthread_mutex_unlock(&pdev->irqs.lock);
}

/* Empties an eventfd that others may be reading too: must not wait. Return: whether it was
 * signalled. */
static bool drain(int fd)
{
	uint64_t count;
	struct iovec iov = { .iov_base = &count, .iov_len = sizeof(count) };

	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count))
		return true;
	/* Before Linux 5.8 */
	return errno == EOPNOTSUPP && read(fd, &count, sizeof(count)) == sizeof(count);
}

static void *watch(void *arg)
{
	struct uiommu_pdev *pdev = arg;
	struct pdev_unmask *unmask = &pdev->unmask;
	struct pollfd pfd[] = {
		{ .fd = unmask->stop_fd, .events = POLLIN },
		{ .fd = unmask->fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(pfd, 2, -1) < 0)
			continue;
		if (pfd[0].revents)
			return NULL;
		if (pfd[1].revents && drain(unmask->fd))
			pdev_intx_mask(pdev, false);
	}
}

void pdev_intx_unwatch(struct uiommu_pdev *pdev)
{
	struct pdev_unmask *unmask = &pdev->unmask;

	if (!unmask->running)
		return;
	eventfd_write(unmask->stop_fd, 1);
	pthread_join(unmask->thread, NULL);
	base_fd_close(unmask->stop_fd);
	base_fd_close(unmask->fd);
	unmask->running = false;
}

static int watch_start(struct uiommu_pdev *pdev, int fd)
{
	struct pdev_unmask *unmask = &pdev->unmask;
	int rc;

	unmask->fd = fd;
	unmask->stop_fd = base_fd_own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (unmask->stop_fd < 0)
		return unmask->stop_fd;
	rc = dev_thread_start(&unmask->thread, "uiommu-intx", watch, pdev);
	if (rc)
		base_fd_close(unmask->stop_fd);
	else
		unmask->running = true;
	return rc;
}

static int watch_replace(struct uiommu_pdev *pdev, int fd)
{
	if (fd >= 0 && !pdev_irq_enabled(pdev, PDEV_IRQ_INTX))
		return refuse(EINVAL, "an unmask eventfd needs INTx enabled", NULL);
	pdev_intx_unwatch(pdev);
	return fd >= 0 ? watch_start(pdev, fd) : 0;
}

int pdev_intx_unmask_fd(struct uiommu_pdev *pdev, int fd)
{
	struct pdev_trigger trigger;
	int rc;

	if (!pdev->desc.intx)
		return refuse(EINVAL, "the device has no interrupt pin", NULL);
	rc = pdev_eventfd_dup(fd, &trigger);
	if (rc)
		return rc;
	pthread_mutex_lock(&pdev->lock);
	rc = watch_replace(pdev, trigger.fd);
	pthread_mutex_unlock(&pdev->lock);
	if (rc)
		base_fd_close(trigger.fd);
	return rc;
}
