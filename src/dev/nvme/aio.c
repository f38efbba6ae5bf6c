/* SPDX-License-Identifier: MIT */
#include "dev/nvme/aio_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/uio.h>

static struct {
	int (*fail)(void *ctx, const struct aio_req *req);
	void *ctx;
} injected;

void aio_inject(int (*fail)(void *ctx, const struct aio_req *req), void *ctx)
{
	injected.ctx = ctx;
	injected.fail = fail;
}

int aio_new(enum aio_kind kind, struct drive *const *drives, unsigned int ndrives,
	unsigned int depth, int wake_fd, struct aio **out)
{
	int err;

	if (kind == AIO_THREADS)
		return aio_threads_new(wake_fd, out);
	err = aio_uring_new(drives, ndrives, depth, wake_fd, out);
	if (!err || kind == AIO_URING)
		return err;
	return aio_threads_new(wake_fd, out);
}

void aio_free(struct aio *aio)
{
	aio->ops->free(aio);
}

enum aio_kind aio_kind(const struct aio *aio)
{
	return aio->ops->kind;
}

void aio_queue(struct aio *aio, struct aio_req *req)
{
	int err = injected.fail ? injected.fail(injected.ctx, req) : 0;

	req->done = 0;
	req->res = 0;
	aio->pending++;
	if (!err) {
		aio->ops->queue(aio, req);
		return;
	}
	req->res = err;
	req->next = aio->failed;
	aio->failed = req;
}

bool aio_submit(struct aio *aio)
{
	return aio->ops->submit(aio);
}

struct aio_req *aio_reap(struct aio *aio)
{
	struct aio_req *list = aio->failed;

	if (__builtin_expect(!!list, 0))
		aio->failed = NULL;
	else
		list = aio->ops->reap(aio);
	for (struct aio_req *req = list; req; req = req->next)
		aio->pending--;
	return list;
}

unsigned int aio_pending(const struct aio *aio)
{
	return aio->pending;
}

void aio_notify(struct aio *aio, bool on)
{
	aio->ops->notify(aio, on);
}

int aio_fallocate_mode(enum aio_op op)
{
	return FALLOC_FL_KEEP_SIZE |
	       (op == AIO_PUNCH ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

int aio_rw_flags(const struct aio_req *req)
{
	return req->durable ? RWF_DSYNC : 0;
}

static bool transfers(const struct aio_req *req)
{
	return req->op == AIO_READ || req->op == AIO_WRITE;
}

bool aio_advance(struct aio_req *req, int64_t res)
{
	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (res < 0) {
		req->res = (int)res;
		return true;
	}
	if (!transfers(req))
		return true;
	if (!res) {
		req->res = req->op == AIO_READ ? -ENODATA : -EIO;
		return true;
	}
	req->done += (uint64_t)res;
	return req->done >= req->len;
}
