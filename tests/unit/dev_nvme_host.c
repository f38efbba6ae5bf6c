/* SPDX-License-Identifier: MIT */
#include "dev_nvme_host.h"

#include <endian.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/arch.h"

/* --- What the model calls ----------------------------------------------------------------------
 */

struct uiommu_dma {
	struct uiommu_pdev *pdev;
};

const char *uiommu_pdev_name(const struct uiommu_pdev *pdev)
{
	return "0000:01:00.0";
}

int uiommu_pdev_dma_new(struct uiommu_pdev *pdev, struct uiommu_dma **out)
{
	*out = malloc(sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->pdev = pdev;
	return 0;
}

void uiommu_pdev_dma_free(struct uiommu_dma *dma)
{
	free(dma);
}

enum uiommu_irq_mode uiommu_pdev_irq_mode(const struct uiommu_pdev *pdev, unsigned int *nvec)
{
	if (nvec)
		*nvec = atomic_load(&pdev->nvec);
	return (enum uiommu_irq_mode)atomic_load(&pdev->irq_mode);
}

void uiommu_pdev_msi(struct uiommu_pdev *pdev, unsigned int vector)
{
	if (vector < 65)
		atomic_fetch_add(&pdev->msi[vector], 1);
}

void uiommu_pdev_intx(struct uiommu_pdev *pdev, bool level)
{
	atomic_store(&pdev->pin, level);
}

uint32_t *uiommu_pdev_doorbells(struct uiommu_pdev *pdev, unsigned int bar)
{
	return pdev->doorbells;
}

bool uiommu_pdev_doorbells_expose(struct uiommu_pdev *pdev, unsigned int bar, bool on)
{
	pthread_mutex_lock(&pdev->lock);
	if (on && pdev->can_expose && !pdev->exposed)
		pdev->exposures++;
	pdev->exposed = on && pdev->can_expose;
	on = pdev->exposed;
	pthread_mutex_unlock(&pdev->lock);
	return on;
}

static void count(struct uiommu_pdev *pdev)
{
	atomic_fetch_add_explicit(&pdev->dma_calls, 1, memory_order_relaxed);
	if (atomic_load(&pdev->forbid_dma))
		atomic_fetch_add(&pdev->forbidden, 1);
}

static bool allowed(struct uiommu_pdev *pdev, uint64_t iova, uint64_t len, int perm)
{
	uint64_t end;

	if (__builtin_add_overflow(iova, len, &end) || end > HOST_MEM)
		return false;
	for (uint64_t page = iova / HOST_PAGE; page * HOST_PAGE < end; page++)
		if (!(atomic_load_explicit(&pdev->perm[page], memory_order_relaxed) & perm))
			return false;
	return true;
}

#ifdef ARCH_TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void ignore(bool on)
{
	if (on) {
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	} else {
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	}
}
#else
static void ignore(bool on)
{
}
#endif

static void copy(struct uiommu_pdev *pdev, void *to, const void *from, uint64_t len)
{
	uint64_t word;

	/* As the engine's: an aligned word is one access. */
	if (len == 8 && !((uintptr_t)to & 7)) {
		memcpy(&word, from, 8);
		__atomic_store_n((uint64_t *)to, word, __ATOMIC_RELEASE);
		return;
	}
	if (pdev->racy)
		ignore(true);
	memcpy(to, from, len);
	if (pdev->racy)
		ignore(false);
}

int uiommu_dma_read(struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len)
{
	struct uiommu_pdev *pdev = dma->pdev;

	count(pdev);
	if (!allowed(pdev, iova, len, HOST_READ))
		return -EFAULT;
	copy(pdev, buf, pdev->mem + iova, len);
	return 0;
}

int uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len)
{
	struct uiommu_pdev *pdev = dma->pdev;

	count(pdev);
	if (!allowed(pdev, iova, len, HOST_WRITE))
		return -EFAULT;
	copy(pdev, pdev->mem + iova, buf, len);
	return 0;
}

static bool fits(const struct uiommu_dma_seg *seg, unsigned int nseg, size_t len)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < nseg; i++)
		if (__builtin_add_overflow(sum, seg[i].len, &sum))
			return false;
	return sum <= len;
}

int uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, void *buf, size_t len)
{
	uint8_t *to = buf;

	if (!fits(seg, nseg, len))
		return -EINVAL;
	for (unsigned int i = 0; i < nseg; to += seg[i].len, i++)
		if (uiommu_dma_read(dma, pasid, seg[i].iova, to, seg[i].len))
			return -EFAULT;
	return 0;
}

int uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	if (!fits(seg, nseg, len))
		return -EINVAL;
	for (unsigned int i = 0; i < nseg; from += seg[i].len, i++)
		if (uiommu_dma_write(dma, pasid, seg[i].iova, from, seg[i].len))
			return -EFAULT;
	return 0;
}

/* --- Life ----------------------------------------------------------------------------------------
 */

static int create(struct host *h, char *options)
{
	struct uiommu_option opt[32];
	unsigned int n = 0;
	char *save, *word;

	for (word = strtok_r(options, ",", &save); word && n < 32;
		word = strtok_r(NULL, ",", &save)) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		opt[n++] = (struct uiommu_option){ word, value ? value : "" };
	}
	return nvme_model.create(
		h->pdev, opt, n, &h->pdev->priv, &h->pdev->desc, h->err, sizeof(h->err));
}

int host_new(struct host *h, const char *options)
{
	struct uiommu_pdev *pdev = aligned_alloc(4096, (sizeof(*pdev) + 4095) & ~4095ul);
	char *copy_of = strdup(options);
	int rc;

	memset(h, 0, sizeof(*h));
	memset(pdev, 0, sizeof(*pdev));
	pthread_mutex_init(&pdev->lock, NULL);
	pdev->can_expose = true;
	pdev->mem = mmap(NULL, HOST_MEM, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pdev->mem == MAP_FAILED)
		abort();
	h->pdev = pdev;
	h->brk = HOST_PAGE; /* nothing is at 0 */
	rc = create(h, copy_of);
	free(copy_of);
	if (!rc)
		return 0;
	pdev->priv = NULL;
	host_free(h);
	return rc;
}

int host_open(struct host *h)
{
	return nvme_model.open(h->pdev->priv);
}

void host_close(struct host *h)
{
	nvme_model.close(h->pdev->priv);
}

void host_free(struct host *h)
{
	if (h->pdev->priv)
		nvme_model.destroy(h->pdev->priv);
	munmap(h->pdev->mem, HOST_MEM);
	pthread_mutex_destroy(&h->pdev->lock);
	free(h->pdev);
	h->pdev = NULL;
}

/* --- Registers and memory
 * ------------------------------------------------------------------------- */

uint64_t host_read(struct host *h, uint64_t off, unsigned int size)
{
	return nvme_model.read(h->pdev->priv, 0, off, size);
}

void host_write(struct host *h, uint64_t off, unsigned int size, uint64_t val)
{
	nvme_model.write(h->pdev->priv, 0, off, size, val);
}

void host_ring(struct host *h, unsigned int doorbell, uint32_t val)
{
	struct uiommu_pdev *pdev = h->pdev;
	bool traps;

	pthread_mutex_lock(&pdev->lock);
	__atomic_store_n(&pdev->doorbells[doorbell], val, __ATOMIC_RELEASE);
	traps = !pdev->exposed;
	pthread_mutex_unlock(&pdev->lock);
	if (traps)
		nvme_model.doorbell(pdev->priv, 0, NVME_DOORBELLS + doorbell * 4, val);
}

uint64_t host_pages(struct host *h, unsigned int n)
{
	uint64_t iova = h->brk;

	h->brk += (uint64_t)n * HOST_PAGE;
	if (h->brk > HOST_MEM)
		abort();
	memset(h->pdev->mem + iova, 0, (size_t)n * HOST_PAGE);
	host_perm(h, iova, n, HOST_RW);
	return iova;
}

void host_perm(struct host *h, uint64_t iova, unsigned int n, int perm)
{
	for (unsigned int i = 0; i < n; i++)
		atomic_store(&h->pdev->perm[iova / HOST_PAGE + i], (uint8_t)perm);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

#define PATIENCE_MS 10000

bool host_csts(struct host *h, uint32_t mask, uint32_t val)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while ((host_read(h, NVME_REG_CSTS, 4) & mask) != val) {
		if (now_ms() > end)
			return false;
		sched_yield();
	}
	return true;
}

/* Ready, or failed. */
static bool is_ready(struct host *h)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	uint32_t csts;

	do {
		csts = (uint32_t)host_read(h, NVME_REG_CSTS, 4);
		sched_yield();
	} while (!(csts & (NVME_CSTS_RDY | NVME_CSTS_CFS)) && now_ms() < end);
	return (csts & (NVME_CSTS_RDY | NVME_CSTS_CFS)) == NVME_CSTS_RDY;
}

bool host_enable(struct host *h, uint16_t admin_size)
{
	struct host_queue *q = &h->admin;

	*q = (struct host_queue){ .size = admin_size, .phase = true };
	q->sq = host_pages(h, 64);
	q->cq = host_pages(h, 16);
	host_write(h, NVME_REG_AQA, 4, (admin_size - 1u) << 16 | (admin_size - 1u));
	host_write(h, NVME_REG_ASQ, 8, q->sq);
	host_write(h, NVME_REG_ACQ, 8, q->cq);
	host_write(h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN);
	return is_ready(h);
}

bool host_disable(struct host *h)
{
	host_write(h, NVME_REG_CC, 4, HOST_CC);
	return host_csts(h, NVME_CSTS_RDY, 0);
}

void host_store(struct host *h, uint64_t iova, const void *buf, size_t len)
{
	if (h->pdev->racy)
		ignore(true);
	memcpy(h->pdev->mem + iova, buf, len);
	if (h->pdev->racy)
		ignore(false);
}

/* --- Commands
 * -------------------------------------------------------------------------------------- */

void host_place(struct host *h, struct host_queue *q, const struct nvme_sqe *sqe)
{
	host_store(h, q->sq + q->tail * sizeof(*sqe), sqe, sizeof(*sqe));
	q->tail = (q->tail + 1) % q->size;
}

uint16_t host_submit(struct host *h, struct host_queue *q, struct nvme_sqe *sqe)
{
	sqe->cid = htole16(++h->cid);
	host_place(h, q, sqe);
	host_ring(h, 2u * q->id, q->tail);
	return h->cid;
}

static bool take(struct host *h, struct host_queue *q, struct nvme_cqe *cqe)
{
	uint64_t half[2], *entry = (uint64_t *)(h->pdev->mem + q->cq + q->head * sizeof(*cqe));

	half[1] = __atomic_load_n(&entry[1], __ATOMIC_ACQUIRE);
	half[0] = __atomic_load_n(&entry[0], __ATOMIC_RELAXED);
	memcpy(cqe, half, sizeof(*cqe));
	if ((le16toh(cqe->status) & 1) != q->phase)
		return false;
	if (++q->head == q->size) {
		q->head = 0;
		q->phase = !q->phase;
	}
	return true;
}

bool host_poll(struct host *h, struct host_queue *q, struct nvme_cqe *cqe)
{
	if (!take(h, q, cqe))
		return false;
	host_ring(h, 2u * q->id + 1, q->head);
	return true;
}

bool host_wait_noack(struct host *h, struct host_queue *q, struct nvme_cqe *cqe)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (!take(h, q, cqe)) {
		if (now_ms() > end)
			return false;
		sched_yield();
	}
	return true;
}

bool host_wait(struct host *h, struct host_queue *q, struct nvme_cqe *cqe)
{
	if (!host_wait_noack(h, q, cqe))
		return false;
	host_ring(h, 2u * q->id + 1, q->head);
	return true;
}

unsigned int host_cmd_result(
	struct host *h, struct host_queue *q, struct nvme_sqe *sqe, struct nvme_cqe *cqe)
{
	uint16_t cid = host_submit(h, q, sqe);

	if (!host_wait(h, q, cqe) || le16toh(cqe->cid) != cid || le16toh(cqe->sq_id) != q->id)
		return 0xffff;
	return le16toh(cqe->status) >> 1 & 0x7ff;
}

unsigned int host_cmd(struct host *h, struct host_queue *q, struct nvme_sqe *sqe)
{
	struct nvme_cqe cqe;

	return host_cmd_result(h, q, sqe, &cqe);
}

unsigned int host_create_cq(struct host *h, struct host_queue *q, uint16_t vector, bool ien)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADM_CREATE_CQ,
		.prp1 = htole64(q->cq),
		.cdw10 = htole32(q->id | (uint32_t)(q->size - 1) << 16),
		.cdw11 = htole32(1u | (ien ? 2u : 0) | (uint32_t)vector << 16),
	};

	return host_cmd(h, &h->admin, &sqe);
}

unsigned int host_create_sq(struct host *h, struct host_queue *q, uint16_t cqid)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADM_CREATE_SQ,
		.prp1 = htole64(q->sq),
		.cdw10 = htole32(q->id | (uint32_t)(q->size - 1) << 16),
		.cdw11 = htole32(1u | (uint32_t)cqid << 16),
	};

	return host_cmd(h, &h->admin, &sqe);
}

unsigned int host_create_pair(
	struct host *h, struct host_queue *q, uint16_t id, uint16_t size, uint16_t vector, bool ien)
{
	unsigned int sc;

	*q = (struct host_queue){ .id = id, .size = size, .phase = true };
	q->sq = host_pages(h, (size * 64u + 4095) / 4096);
	q->cq = host_pages(h, (size * 16u + 4095) / 4096);
	sc = host_create_cq(h, q, vector, ien);
	return sc ? sc : host_create_sq(h, q, id);
}

unsigned int host_identify(struct host *h, uint8_t cns, uint32_t nsid, uint64_t page)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADM_IDENTIFY,
		.nsid = htole32(nsid),
		.prp1 = htole64(page),
		.cdw10 = htole32(cns),
	};

	return host_cmd(h, &h->admin, &sqe);
}

unsigned int host_features(struct host *h, uint8_t opcode, uint32_t cdw10, uint32_t nsid,
	uint32_t cdw11, uint32_t *res)
{
	struct nvme_sqe sqe = {
		.opcode = opcode,
		.nsid = htole32(nsid),
		.cdw10 = htole32(cdw10),
		.cdw11 = htole32(cdw11),
	};
	struct nvme_cqe cqe = { 0 };
	unsigned int sc = host_cmd_result(h, &h->admin, &sqe, &cqe);

	if (res)
		*res = le32toh(cqe.result);
	return sc;
}

unsigned int host_log(struct host *h, uint32_t lid_flags, uint32_t len, uint64_t off, uint64_t page)
{
	uint32_t numd = len / 4 - 1;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADM_GET_LOG,
		.nsid = htole32(NVME_NSID_ALL),
		.prp1 = htole64(page),
		.prp2 = htole64(page + HOST_PAGE),
		.cdw10 = htole32(lid_flags | numd << 16),
		.cdw11 = htole32(numd >> 16),
		.cdw12 = htole32((uint32_t)off),
		.cdw13 = htole32((uint32_t)(off >> 32)),
	};

	return host_cmd(h, &h->admin, &sqe);
}

struct nvme_sqe host_rw(
	uint8_t opcode, uint32_t nsid, uint64_t slba, uint32_t nlb, uint64_t prp1, uint64_t prp2)
{
	return (struct nvme_sqe){
		.opcode = opcode,
		.nsid = htole32(nsid),
		.prp1 = htole64(prp1),
		.prp2 = htole64(prp2),
		.cdw10 = htole32((uint32_t)slba),
		.cdw11 = htole32((uint32_t)(slba >> 32)),
		.cdw12 = htole32(nlb - 1),
	};
}

/* --- Files
 * ------------------------------------------------------------------------------------------ */

uint8_t host_pattern(uint64_t off)
{
	return (uint8_t)(off * 7 + (off >> 9) * 13 + (off >> 17));
}

void host_file(char path[64], uint64_t size)
{
	uint8_t *all = malloc(size);
	int fd;

	strcpy(path, "/tmp/uiommu-nvme-XXXXXX");
	fd = mkstemp(path);
	for (uint64_t i = 0; i < size; i++)
		all[i] = host_pattern(i);
	if (fd < 0 || write(fd, all, size) != (ssize_t)size)
		abort();
	close(fd);
	free(all);
}
