/* SPDX-License-Identifier: MIT */
/*
 * bar=poll: a client's stores land in plain memory, and a thread notices them.
 *
 * The thread knows what each watched register last was (`last`); a word that differs has been
 * stored to.
 *
 * Order. A client stores the parameters of an action before the register that starts it, and a
 * descriptor lists them in that order, with doorbells behind everything. So registers are sampled
 * in the opposite order: whoever sees a later register's new value then also sees the stores to
 * earlier ones, which are delivered first. Before each doorbell that has changed, the registers are
 * looked at again, for the same reason.
 *
 * Mirroring puts the model's value into memory with a compare-exchange against `last`: a store that
 * a client made in between stays, and is found by the next scan. A store of the value that is there
 * already can't be noticed.
 *
 * Pauses grow with the time since the last store, up to IDLE_NS; while the model watches doorbells
 * itself, which it does as long as they are rung, up to WATCHED_NS.
 */
#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/mem.h"
#include "dev/pdev.h"
#include "dev/thread.h"

/* After a store only yield; then sleep, longer and longer: 250 scans a second cost half a percent.
 */
#define SPIN_NS	   50000ll
#define NAP_NS	   20000ll
#define IDLE_NS	   4000000ll
#define WATCHED_NS 200000ll
#define NAP_PART   8 /* of the time since the last store */

#define CONSTANTS_MAX 65536u

static uint64_t reg_load(const struct uiommu_pdev *pdev, const struct uiommu_poll_reg *reg)
{
	void *p = pdev->bar[0].mem + reg->off;

	if (reg->size == 8)
		return atomic_load_explicit((_Atomic uint64_t *)p, memory_order_acquire);
	return atomic_load_explicit((_Atomic uint32_t *)p, memory_order_acquire);
}

/* Return: false if a client has stored something else by now. */
static bool reg_replace(
	struct uiommu_pdev *pdev, const struct uiommu_poll_reg *reg, uint64_t was, uint64_t val)
{
	void *p = pdev->bar[0].mem + reg->off;
	uint32_t was32 = (uint32_t)was;

	if (reg->size == 8)
		return atomic_compare_exchange_strong((_Atomic uint64_t *)p, &was, val);
	return atomic_compare_exchange_strong((_Atomic uint32_t *)p, &was32, (uint32_t)val);
}

/* Registers that aren't watched: constants, seen from now on as they are now. */
static void constants_show(struct uiommu_pdev *pdev)
{
	const struct uiommu_bar_desc *bar = &pdev->desc.bar[0];
	uint64_t len = bar->size < CONSTANTS_MAX ? bar->size : CONSTANTS_MAX;

	for (uint64_t off = 0; off < len; off += sizeof(uint32_t)) {
		_Atomic uint32_t *word = (_Atomic uint32_t *)(pdev->bar[0].mem + off);

		if ((off >= bar->db_off && off - bar->db_off < bar->db_len) ||
			pdev_msix_owns(pdev, 0, off))
			continue;
		atomic_store_explicit(word,
			(uint32_t)pdev->model->read(pdev->priv, 0, off, sizeof(uint32_t)),
			memory_order_relaxed);
	}
}

void pdev_poll_mirror(struct uiommu_pdev *pdev, bool force)
{
	if (pdev->bar_mode != PDEV_BAR_POLL || !pdev->bar[0].mem)
		return;
	if (force)
		constants_show(pdev);
	for (unsigned int i = 0; i < pdev->desc.npoll_regs; i++) {
		const struct uiommu_poll_reg *reg = &pdev->poll_regs[i];
		uint64_t val = pdev->model->read(pdev->priv, 0, reg->off, reg->size);

		if (reg->size == 4)
			val &= UINT32_MAX;
		while (force && (pdev->poll.last[i] = reg_load(pdev, reg)) != val)
			if (reg_replace(pdev, reg, pdev->poll.last[i], val))
				break;
		if (force || (val != pdev->poll.last[i] &&
				     reg_replace(pdev, reg, pdev->poll.last[i], val)))
			pdev->poll.last[i] = val;
	}
	if (!force)
		return;
	pthread_mutex_lock(&pdev->maps.lock);
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		if (pdev->poll.db_last[i])
			memset(pdev->poll.db_last[i], 0, pdev->desc.bar[i].db_len);
	pthread_mutex_unlock(&pdev->maps.lock);
}

static uint32_t db_load(const struct uiommu_pdev *pdev, unsigned int n, unsigned int i)
{
	return atomic_load_explicit((_Atomic uint32_t *)&pdev->bar[n].db[i], memory_order_acquire);
}

static bool regs_scan(struct uiommu_pdev *pdev)
{
	struct pdev_poll *poll = &pdev->poll;
	bool found = false;

	for (unsigned int i = pdev->desc.npoll_regs; i-- > 0;)
		poll->now[i] = reg_load(pdev, &pdev->poll_regs[i]);
	for (unsigned int i = 0; i < pdev->desc.npoll_regs; i++) {
		const struct uiommu_poll_reg *reg = &pdev->poll_regs[i];

		if (poll->now[i] == poll->last[i])
			continue;
		poll->last[i] = poll->now[i];
		pdev->model->write(pdev->priv, 0, reg->off, reg->size, poll->now[i]);
		found = true;
	}
	return found;
}

/*
 * Which of @count words from @first on have been stored to; what they are now counts as seen. None
 * if the model looks at the window itself: then `last` is out of date, until pdev_poll_resume().
 */
static uint64_t window_changes(
	struct uiommu_pdev *pdev, unsigned int n, unsigned int first, unsigned int count)
{
	uint32_t *last = pdev->poll.db_last[n];
	uint64_t changed = 0;

	pthread_mutex_lock(&pdev->maps.lock);
	for (unsigned int i = 0; !pdev->bar[n].watching && i < count; i++) {
		uint32_t val = db_load(pdev, n, first + i);

		changed |= (uint64_t)(val != last[first + i]) << i;
		last[first + i] = val;
	}
	pthread_mutex_unlock(&pdev->maps.lock);
	return changed;
}

static bool window_scan(struct uiommu_pdev *pdev, unsigned int n)
{
	const struct uiommu_bar_desc *bar = &pdev->desc.bar[n];
	unsigned int words = bar->db_len / sizeof(uint32_t); /* whole pages: a multiple of 64 */
	bool found = false;

	for (unsigned int first = 0; first < words; first += 64) {
		uint64_t changed = window_changes(pdev, n, first, 64);

		for (; changed; changed &= changed - 1) {
			unsigned int i = first + (unsigned int)__builtin_ctzll(changed);

			regs_scan(pdev);
			pdev->model->doorbell(pdev->priv, n, bar->db_off + i * sizeof(uint32_t),
				db_load(pdev, n, i));
			found = true;
		}
	}
	return found;
}

void pdev_poll_resume(struct uiommu_pdev *pdev, unsigned int bar)
{
	uint32_t *last = pdev->poll.db_last[bar];

	for (unsigned int i = 0; last && i < pdev->desc.bar[bar].db_len / sizeof(uint32_t); i++)
		last[i] = db_load(pdev, bar, i);
}

/* Return: whether a client has stored anything. */
static bool scan(struct uiommu_pdev *pdev)
{
	bool found;

	pthread_mutex_lock(&pdev->lock);
	found = pdev->open && atomic_load(&pdev->decode);
	if (found) {
		found = regs_scan(pdev);
		for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
			if (pdev->poll.db_last[i])
				found |= window_scan(pdev, i);
		pdev_poll_mirror(pdev, false);
	}
	pthread_mutex_unlock(&pdev->lock);
	return found;
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static bool model_watches(struct uiommu_pdev *pdev)
{
	bool watching = false;

	pthread_mutex_lock(&pdev->maps.lock);
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		watching |= pdev->bar[i].watching;
	pthread_mutex_unlock(&pdev->maps.lock);
	return watching;
}

static void pause_for(long long idle_ns, long long most_ns)
{
	struct timespec ts = { 0 };
	long long ns = idle_ns / NAP_PART;

	if (idle_ns < SPIN_NS) {
		sched_yield();
		return;
	}
	ns = ns < NAP_NS ? NAP_NS : ns;
	ts.tv_nsec = (long)(ns > most_ns ? most_ns : ns);
	nanosleep(&ts, NULL);
}

static void *poll_run(void *arg)
{
	struct uiommu_pdev *pdev = arg;
	long long active = now_ns();
	bool watched = false;

	prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
	while (!atomic_load_explicit(&pdev->poll.stop, memory_order_relaxed)) {
		bool was = watched;

		watched = model_watches(pdev);
		/* Doorbells were rung until the model stopped to watch. */
		if (scan(pdev) || (was && !watched))
			active = now_ns();
		pause_for(now_ns() - active, watched ? WATCHED_NS : IDLE_NS);
	}
	return NULL;
}

int pdev_poll_init(struct uiommu_pdev *pdev)
{
	struct pdev_poll *poll = &pdev->poll;
	unsigned int n = pdev->desc.npoll_regs ? pdev->desc.npoll_regs : 1;

	if (pdev->bar_mode != PDEV_BAR_POLL)
		return 0;
	poll->last = base_calloc(n, sizeof(*poll->last));
	poll->now = base_calloc(n, sizeof(*poll->now));
	if (!poll->last || !poll->now)
		return -ENOMEM;
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		const struct uiommu_bar_desc *bar = &pdev->desc.bar[i];

		if (!bar->mmap || !bar->db_len)
			continue;
		poll->db_last[i] = base_zalloc(bar->db_len);
		if (!poll->db_last[i])
			return -ENOMEM;
	}
	return 0;
}

void pdev_poll_fini(struct uiommu_pdev *pdev)
{
	base_free(pdev->poll.last);
	base_free(pdev->poll.now);
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		base_free(pdev->poll.db_last[i]);
}

int pdev_poll_start(struct uiommu_pdev *pdev)
{
	struct pdev_poll *poll = &pdev->poll;
	int rc;

	if (poll->running)
		return 0;
	atomic_store_explicit(&poll->stop, false, memory_order_relaxed);
	rc = dev_thread_start(&poll->thread, "uiommu-poll", poll_run, pdev);
	poll->running = !rc;
	return rc;
}

void pdev_poll_stop(struct uiommu_pdev *pdev)
{
	struct pdev_poll *poll = &pdev->poll;
	bool running;

	pthread_mutex_lock(&pdev->lock);
	running = poll->running;
	poll->running = false;
	pdev->closing = true;
	pthread_mutex_unlock(&pdev->lock);
	if (!running)
		return;
	atomic_store_explicit(&poll->stop, true, memory_order_relaxed);
	pthread_join(poll->thread, NULL);
}
