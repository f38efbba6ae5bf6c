/* SPDX-License-Identifier: MIT */
/*
 * The controller's thread: rounds while there is work, then a short spin, then sleep.
 *
 * A store that traps costs its client microseconds. So while a client sends several commands, the
 * doorbells are open: stores reach the window without a trap, and the rounds look at it. Before the
 * thread sleeps it closes them, in any case (with bar=poll somebody else watches from then on), and
 * announces that it sleeps; then it does one more round. Either that finds what was stored before,
 * or the store finds the announcement (a full barrier on both sides) and wakes the thread. While it
 * spins it yields: its client may be waiting for this very processor.
 *
 * The store that wakes it also opens the doorbells, if the thread had several commands to do when
 * it was awake last. It is up to the client's side to do this, since the client may store all its
 * doorbells before the thread gets a processor. Sleeping and opening change together, under a lock:
 * whoever finds the thread asleep opens and wakes it, and the thread closes and falls asleep.
 */
#include "dev/nvme/ctrl.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/arch.h"
#include "dev/thread.h"

#define SPIN_NS	    UINT64_C(50000)
#define SPIN_ROUNDS 64u	  /* however long the thread didn't get a processor */
#define NAP_NS	    50000 /* where stores can't trap */
#define NAP_MAX_NS  1000000
#define BURST	    2u /* commands: with that many two changes of protection cost less than the traps */

struct pace {
	uint64_t idle_since; /* 0: busy */
	unsigned int idle_rounds;
	uint64_t served; /* c->served when the thread slept last */
	long nap_ns;	 /* 0: sleep until kicked */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- Asleep and awake ------------------------------------------------------------------------ */

/* By the thread, or under sleep_lock while it sleeps. Return: whether stores don't trap. */
static bool doorbells_open(struct ctrl *c, bool on)
{
	c->opened = on;
	return uiommu_pdev_doorbells_expose(c->pdev, 0, on);
}

static void wake(struct ctrl *c, bool rung)
{
	const uint64_t one = 1;

	/* Pairs with the fence in announce(). */
	arch_full_fence();
	if (!atomic_load(&c->sleeping))
		return;
	pthread_mutex_lock(&c->sleep_lock);
	if (atomic_load(&c->sleeping)) {
		if (rung && c->burst && !irq_is_pin(c))
			doorbells_open(c, true);
		atomic_store(&c->sleeping, false);
		while (write(c->kick_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	pthread_mutex_unlock(&c->sleep_lock);
}

void thread_kick(struct ctrl *c)
{
	wake(c, false);
}

void thread_ring(struct ctrl *c)
{
	wake(c, true);
}

static void wait_kick(struct ctrl *c, long nap_ns)
{
	struct pollfd pfd = { .fd = c->kick_fd, .events = POLLIN };
	struct timespec nap = { .tv_nsec = nap_ns };
	uint64_t count;

	if (ppoll(&pfd, 1, nap_ns ? &nap : NULL, NULL) <= 0)
		return;
	if (read(c->kick_fd, &count, sizeof(count)) < 0)
		return;
}

static void announce(struct ctrl *c)
{
	if (c->aio)
		aio_notify(c->aio, true);
	atomic_store(&c->sleeping, true);
	/* Pairs with the fence in wake(). */
	arch_full_fence();
}

static void renounce(struct ctrl *c)
{
	pthread_mutex_lock(&c->sleep_lock);
	atomic_store(&c->sleeping, false);
	pthread_mutex_unlock(&c->sleep_lock);
	if (c->aio)
		aio_notify(c->aio, false);
}

static struct aio_req *reap_wait(struct ctrl *c)
{
	struct aio_req *req;

	aio_submit(c->aio);
	req = aio_reap(c->aio);
	if (req)
		return req;
	announce(c);
	req = aio_reap(c->aio);
	if (!req)
		wait_kick(c, NAP_MAX_NS);
	renounce(c);
	return req;
}

/* Nobody hears of the command any more, but what it says of the drive isn't forgotten: the host
 * tells only once that it has lost data. */
static void drained(const struct aio_req *req)
{
	if (req->res && (req->op == AIO_SYNC || (req->durable && req->res == -EIO)))
		req->drive->sync_failed = true;
}

void thread_drain(struct ctrl *c)
{
	while (aio_pending(c->aio)) {
		for (const struct aio_req *req = reap_wait(c); req; req = req->next)
			drained(req);
	}
}

/* --- The pace -------------------------------------------------------------------------------- */

static void busy(struct ctrl *c, struct pace *p)
{
	p->idle_since = 0;
	p->idle_rounds = 0;
	if (p->nap_ns)
		p->nap_ns = NAP_NS;
	if (c->opened && irq_is_pin(c))
		doorbells_open(c, false);
	else if (!c->opened && (c->burst || c->served - p->served >= BURST) && !irq_is_pin(c))
		doorbells_open(c, true);
}

/* What was stored until now, and nobody will tell of, is looked at: the next round does the queues.
 */
static void settle(struct ctrl *c, struct pace *p)
{
	bool direct = doorbells_open(c, false);

	/* Direct stores although we asked for traps: nothing will wake us. */
	if (!direct)
		p->nap_ns = 0;
	else if (!p->nap_ns)
		p->nap_ns = NAP_NS;
	c->burst = c->served - p->served >= BURST;
	p->served = c->served;
	announce(c);
	db_scan(c);
	irq_head_moved(c);
}

/* The next round looks again, the last time once that has been announced; then nothing is left but
 * to sleep. */
static void idle(struct ctrl *c, struct pace *p, bool *announced)
{
	uint64_t now = now_ns();

	if (!p->idle_since)
		p->idle_since = now;
	if (now - p->idle_since < SPIN_NS || p->idle_rounds++ < SPIN_ROUNDS) {
		sched_yield();
	} else if (!*announced) {
		settle(c, p);
		*announced = true;
	} else {
		wait_kick(c, p->nap_ns);
		if (p->nap_ns && p->nap_ns < NAP_MAX_NS)
			p->nap_ns *= 2;
		p->idle_since = 0;
		p->idle_rounds = 0;
	}
}

static void loop(struct ctrl *c)
{
	struct pace p = { 0 };
	bool announced = false;

	p.served = c->served;
	while (!atomic_load_explicit(&c->quit, memory_order_acquire)) {
		bool did = round_run(c);

		if (announced && (did || !atomic_load(&c->sleeping))) {
			renounce(c);
			announced = false;
		}
		if (did)
			busy(c, &p);
		else
			idle(c, &p, &announced);
	}
	renounce(c);
	doorbells_open(c, false);
}

static void *thread_main(void *arg)
{
	struct ctrl *c = arg;
	struct drive *drives[NS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < NS_MAX; i++)
		if (c->ns[i].live)
			drives[n++] = &c->ns[i].drive;
	if (aio_new(c->opt.aio, drives, n, SLOTS, c->kick_fd, &c->aio))
		c->aio = NULL;
	loop(c);
	if (c->aio) {
		thread_drain(c);
		aio_free(c->aio);
		c->aio = NULL;
	}
	return NULL;
}

int thread_start(struct ctrl *c)
{
	int err = pool_new(c);

	if (err)
		return err;
	err = uiommu_pdev_dma_new(c->pdev, &c->dma);
	if (err)
		goto err_pool;
	atomic_store(&c->quit, false);
	c->resets_seen = atomic_load(&c->regs.resets);
	atomic_store(&c->regs.resets_done, c->resets_seen);
	err = dev_thread_start(&c->thread, "uiommu-nvme", thread_main, c);
	if (err)
		goto err_dma;
	c->has_thread = true;
	return 0;

err_dma:
	uiommu_pdev_dma_free(c->dma);
	c->dma = NULL;
err_pool:
	pool_free(c);
	return err;
}

void thread_stop(struct ctrl *c)
{
	if (!c->has_thread)
		return;
	atomic_store(&c->quit, true);
	thread_kick(c);
	pthread_join(c->thread, NULL);
	c->has_thread = false;
	uiommu_pdev_dma_free(c->dma);
	c->dma = NULL;
	pool_free(c);
}

void thread_wait_reset(struct ctrl *c)
{
	uint32_t resets = atomic_load(&c->regs.resets);

	if (!c->has_thread)
		return;
	pthread_mutex_lock(&c->lock);
	while ((int32_t)(atomic_load(&c->regs.resets_done) - resets) < 0)
		pthread_cond_wait(&c->cond, &c->lock);
	pthread_mutex_unlock(&c->lock);
}
