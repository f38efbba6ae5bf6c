/* SPDX-License-Identifier: MIT */
/*
 * What a read or write of 4 KiB costs the NVMe controller's thread when the image is in the page
 * cache, by way of io_uring in batches, beside a plain system call each:
 * docs/decisions/nvme-backend.md.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"
#include "dev/nvme/aio.h"

#define IMAGE_SIZE (UINT64_C(64) << 20)
#define IO_SIZE	   4096u
#define DEPTH_MAX  64u

static struct {
	struct drive drive;
	struct aio *aio;
	uint8_t *buf;
	struct aio_req req[DEPTH_MAX];
	uint32_t random;
} b;

struct batch {
	enum aio_op op;
	unsigned int depth;
	int flags; /* RWF_ */
};

static uint64_t random_off(void)
{
	b.random = b.random * 1664525u + 1013904223u;
	return (uint64_t)(b.random >> 8) % (IMAGE_SIZE / IO_SIZE) * IO_SIZE;
}

static void by_aio(void *arg, uint64_t iterations)
{
	const struct batch *batch = arg;

	for (uint64_t n = 0; n < iterations; n++) {
		for (unsigned int i = 0; i < batch->depth; i++) {
			struct aio_req *req = &b.req[i];

			req->drive = &b.drive;
			req->op = batch->op;
			req->buf = b.buf + (size_t)i * IO_SIZE;
			req->off = random_off();
			req->len = IO_SIZE;
			aio_queue(b.aio, req);
		}
		aio_submit(b.aio);
		while (aio_pending(b.aio))
			aio_reap(b.aio);
	}
}

static void by_call(void *arg, uint64_t iterations)
{
	const struct batch *batch = arg;

	for (uint64_t n = 0; n < iterations * batch->depth; n++) {
		struct iovec iov = { b.buf + n % batch->depth * IO_SIZE, IO_SIZE };
		off_t off = (off_t)random_off();
		ssize_t done = batch->op == AIO_READ
				       ? preadv2(b.drive.fd, &iov, 1, off, batch->flags)
				       : pwritev2(b.drive.fd, &iov, 1, off, batch->flags);

		if (done != IO_SIZE)
			abort();
	}
}

static int image_new(void)
{
	char path[] = "/tmp/uiommu-bench-XXXXXX";
	uint8_t block[IO_SIZE];
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	unlink(path);
	memset(block, 0x5a, sizeof(block));
	for (uint64_t off = 0; off < IMAGE_SIZE; off += IO_SIZE)
		if (pwrite(fd, block, sizeof(block), (off_t)off) != IO_SIZE)
			return -1;
	b.drive.fd = fd;
	return 0;
}

static int row(const char *path, enum aio_op op, unsigned int depth, int flags, const char *peer)
{
	struct batch batch = { .op = op, .depth = depth, .flags = flags };
	struct bench_row r = {
		.path = path,
		.subject = { .fn = by_aio, .arg = &batch, .ops = depth },
		.reference = { .name = peer, .fn = by_call, .arg = &batch, .ops = depth },
	};

	return bench_run(&r);
}

int main(void)
{
	struct drive *drives[] = { &b.drive };
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), rc;

	b.buf = aligned_alloc(IO_SIZE, DEPTH_MAX * IO_SIZE);
	if (wake < 0 || !b.buf || image_new() ||
		aio_new(AIO_AUTO, drives, 1, DEPTH_MAX, wake, &b.aio))
		return EXIT_FAILURE;
	rc = row("nvme/aio/read 4 KiB, 1 at a time", AIO_READ, 1, RWF_NOWAIT,
		"peer: preadv2 NOWAIT");
	rc |= row("nvme/aio/read 4 KiB, 8 at a time", AIO_READ, 8, RWF_NOWAIT,
		"peer: preadv2 NOWAIT");
	rc |= row("nvme/aio/read 4 KiB, 64 at a time", AIO_READ, 64, RWF_NOWAIT,
		"peer: preadv2 NOWAIT");
	rc |= row("nvme/aio/write 4 KiB, 1 at a time", AIO_WRITE, 1, 0, "peer: pwritev2");
	rc |= row("nvme/aio/write 4 KiB, 64 at a time", AIO_WRITE, 64, 0, "peer: pwritev2");
	aio_free(b.aio);
	close(b.drive.fd);
	free(b.buf);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
