/* SPDX-License-Identifier: MIT */
#include "dev/nvme/aio_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "dev/thread.h"

#define WORKERS 4u

struct fifo {
	struct aio_req *head, **tail;
};

struct aio_threads {
	struct aio aio;
	int wake_fd;
	unsigned int nworkers;
	pthread_t worker[WORKERS];
	struct fifo queued; /* not sent yet; the caller's thread only */

	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t work;
	struct fifo sent, done;
	bool notify, quit;
	atomic_bool any_done; /* read without the lock */
};

static struct aio_threads *threads_of(struct aio *aio)
{
	return (struct aio_threads *)aio;
}

static void fifo_init(struct fifo *fifo)
{
	fifo->head = NULL;
	fifo->tail = &fifo->head;
}

static void fifo_push(struct fifo *fifo, struct aio_req *req)
{
	req->next = NULL;
	*fifo->tail = req;
	fifo->tail = &req->next;
}

static struct aio_req *fifo_pop(struct fifo *fifo)
{
	struct aio_req *req = fifo->head;

	if (!req)
		return NULL;
	fifo->head = req->next;
	if (!fifo->head)
		fifo->tail = &fifo->head;
	return req;
}

static int64_t part(const struct aio_req *req)
{
	uint64_t left = req->len - req->done;
	off_t off = (off_t)(req->off + req->done);
	struct iovec iov = {
		.iov_base = (char *)req->buf + req->done,
		.iov_len = left < AIO_PART_MAX ? left : AIO_PART_MAX,
	};
	int fd = req->drive->fd;
	ssize_t n;

	switch (req->op) {
	case AIO_READ:
		n = preadv2(fd, &iov, 1, off, 0);
		break;
	case AIO_WRITE:
		n = pwritev2(fd, &iov, 1, off, aio_rw_flags(req));
		break;
	case AIO_SYNC:
		n = fdatasync(fd);
		break;
	default:
		n = fallocate(fd, aio_fallocate_mode(req->op), (off_t)req->off, (off_t)req->len);
		break;
	}
	return n < 0 ? -errno : n;
}

static void *work(void *arg)
{
	struct aio_threads *t = arg;
	const uint64_t one = 1;
	struct aio_req *req;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		while (!t->quit && !t->sent.head)
			pthread_cond_wait(&t->work, &t->lock);
		req = fifo_pop(&t->sent);
		if (!req)
			break;
		pthread_mutex_unlock(&t->lock);
		while (!aio_advance(req, part(req)))
			;
		pthread_mutex_lock(&t->lock);
		fifo_push(&t->done, req);
		atomic_store_explicit(&t->any_done, true, memory_order_release);
		if (t->notify && write(t->wake_fd, &one, sizeof(one)) > 0)
			t->notify = false;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void threads_queue(struct aio *aio, struct aio_req *req)
{
	fifo_push(&threads_of(aio)->queued, req);
}

static bool threads_submit(struct aio *aio)
{
	struct aio_threads *t = threads_of(aio);

	if (!t->queued.head)
		return true;
	pthread_mutex_lock(&t->lock);
	*t->sent.tail = t->queued.head;
	t->sent.tail = t->queued.tail;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
	fifo_init(&t->queued);
	return true;
}

static struct aio_req *threads_reap(struct aio *aio)
{
	struct aio_threads *t = threads_of(aio);
	struct aio_req *list;

	if (!atomic_load_explicit(&t->any_done, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&t->lock);
	list = t->done.head;
	fifo_init(&t->done);
	atomic_store_explicit(&t->any_done, false, memory_order_relaxed);
	pthread_mutex_unlock(&t->lock);
	return list;
}

static void threads_notify(struct aio *aio, bool on)
{
	struct aio_threads *t = threads_of(aio);

	pthread_mutex_lock(&t->lock);
	t->notify = on;
	pthread_mutex_unlock(&t->lock);
}

static void threads_free(struct aio *aio)
{
	struct aio_threads *t = threads_of(aio);

	pthread_mutex_lock(&t->lock);
	t->quit = true;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
	for (unsigned int i = 0; i < t->nworkers; i++)
		pthread_join(t->worker[i], NULL);
	pthread_cond_destroy(&t->work);
	pthread_mutex_destroy(&t->lock);
	base_free(t);
}

static const struct aio_ops threads_ops = {
	.kind = AIO_THREADS,
	.free = threads_free,
	.queue = threads_queue,
	.submit = threads_submit,
	.reap = threads_reap,
	.notify = threads_notify,
};

int aio_threads_new(int wake_fd, struct aio **out)
{
	struct aio_threads *t = base_zalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->aio.ops = &threads_ops;
	t->wake_fd = wake_fd;
	fifo_init(&t->queued);
	fifo_init(&t->sent);
	fifo_init(&t->done);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	while (t->nworkers < WORKERS &&
		!dev_thread_start(&t->worker[t->nworkers], "uiommu-nvme-io", work, t))
		t->nworkers++;
	if (!t->nworkers) {
		threads_free(&t->aio);
		return -EAGAIN;
	}
	*out = &t->aio;
	return 0;
}
