/* SPDX-License-Identifier: MIT */
#include "dev/nvme/aio_engine.h"

#include <errno.h>
#include <liburing.h>

#include "base/mem.h"

struct aio_uring {
	struct aio aio;
	struct io_uring ring;
	bool fixed; /* the drives' descriptors are registered */
	unsigned int ndrives;
	struct drive *drives[];
};

static struct aio_uring *uring_of(struct aio *aio)
{
	return (struct aio_uring *)aio;
}

static void prep_file(struct aio_uring *u, struct io_uring_sqe *sqe, const struct aio_req *req)
{
	for (unsigned int i = 0; u->fixed && i < u->ndrives; i++) {
		if (u->drives[i] != req->drive)
			continue;
		sqe->fd = (int)i;
		sqe->flags |= IOSQE_FIXED_FILE;
		return;
	}
}

static void prep(struct io_uring_sqe *sqe, const struct aio_req *req)
{
	int fd = req->drive->fd;
	char *buf = req->buf;
	uint64_t off = req->off + req->done, left = req->len - req->done;
	unsigned int part = left < AIO_PART_MAX ? (unsigned int)left : AIO_PART_MAX;

	switch (req->op) {
	case AIO_READ:
		io_uring_prep_read(sqe, fd, buf + req->done, part, off);
		break;
	case AIO_WRITE:
		io_uring_prep_write(sqe, fd, buf + req->done, part, off);
		sqe->rw_flags = aio_rw_flags(req);
		break;
	case AIO_SYNC:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case AIO_ZERO:
	case AIO_PUNCH:
		io_uring_prep_fallocate(
			sqe, fd, aio_fallocate_mode(req->op), (off_t)req->off, (off_t)req->len);
		break;
	}
}

/* The ring has room for as many as the caller may have in flight. */
static void uring_queue(struct aio *aio, struct aio_req *req)
{
	struct aio_uring *u = uring_of(aio);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) {
		req->res = -EIO;
		req->next = aio->failed;
		aio->failed = req;
		return;
	}
	prep(sqe, req);
	prep_file(u, sqe, req);
	io_uring_sqe_set_data(sqe, req);
}

static bool uring_submit(struct aio *aio)
{
	struct aio_uring *u = uring_of(aio);

	if (io_uring_sq_ready(&u->ring))
		io_uring_submit(&u->ring);
	return !io_uring_sq_ready(&u->ring);
}

#define REAP_BATCH 64u

static struct aio_req *uring_reap(struct aio *aio)
{
	struct aio_uring *u = uring_of(aio);
	struct io_uring_cqe *cqe[REAP_BATCH];
	struct aio_req *list = NULL, **tail = &list;
	unsigned int n = io_uring_peek_batch_cqe(&u->ring, cqe, REAP_BATCH);

	for (unsigned int i = 0; i < n; i++) {
		struct aio_req *req = io_uring_cqe_get_data(cqe[i]);

		if (!aio_advance(req, cqe[i]->res)) {
			uring_queue(aio, req);
			continue;
		}
		req->next = NULL;
		*tail = req;
		tail = &req->next;
	}
	io_uring_cq_advance(&u->ring, n);
	return list;
}

static void uring_notify(struct aio *aio, bool on)
{
	io_uring_cq_eventfd_toggle(&uring_of(aio)->ring, on);
}

static void uring_free(struct aio *aio)
{
	struct aio_uring *u = uring_of(aio);

	io_uring_queue_exit(&u->ring);
	base_free(u);
}

static const struct aio_ops uring_ops = {
	.kind = AIO_URING,
	.free = uring_free,
	.queue = uring_queue,
	.submit = uring_submit,
	.reap = uring_reap,
	.notify = uring_notify,
};

static int ring_setup(struct io_uring *ring, unsigned int depth)
{
	/* Completions wait until we look, instead of interrupting us; older kernels don't know
	 * this. */
	int err = io_uring_queue_init(depth, ring,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER);

	return err == -EINVAL ? io_uring_queue_init(depth, ring, 0) : err;
}

#define FIXED_MAX 16u

static bool register_files(struct aio_uring *u)
{
	int fds[FIXED_MAX];

	if (u->ndrives > FIXED_MAX)
		return false;
	for (unsigned int i = 0; i < u->ndrives; i++)
		fds[i] = u->drives[i]->fd;
	return !io_uring_register_files(&u->ring, fds, u->ndrives);
}

int aio_uring_new(struct drive *const *drives, unsigned int ndrives, unsigned int depth,
	int wake_fd, struct aio **out)
{
	struct aio_uring *u = base_zalloc(sizeof(*u) + ndrives * sizeof(u->drives[0]));
	int err;

	if (!u)
		return -ENOMEM;
	u->aio.ops = &uring_ops;
	u->ndrives = ndrives;
	for (unsigned int i = 0; i < ndrives; i++)
		u->drives[i] = drives[i];
	err = ring_setup(&u->ring, depth);
	if (err)
		goto err_free;
	err = io_uring_register_eventfd(&u->ring, wake_fd);
	if (err)
		goto err_ring;
	io_uring_cq_eventfd_toggle(&u->ring, false);
	u->fixed = register_files(u);
	*out = &u->aio;
	return 0;

err_ring:
	io_uring_queue_exit(&u->ring);
err_free:
	base_free(u);
	return err;
}
