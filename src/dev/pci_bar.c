/* SPDX-License-Identifier: MIT */
/*
 * BARs: accesses, split into naturally aligned pieces, and the memory behind them.
 *
 * A piece goes to the doorbell window (no lock; the store is visible in the window before the model
 * hears of it), to the MSI-X table (the core's), or to the model (device's lock).
 *
 * Memory exists from the first open, not from creation: clients fork before they open a device. It
 * stays until the device is freed, since doorbells may come at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "dev/pdev.h"

static bool in_window(const struct uiommu_bar_desc *bar, uint64_t off)
{
	return off >= bar->db_off && off - bar->db_off < bar->db_len;
}

/* --- Memory ---------------------------------------------------------------------------------- */

/* Sealed: a client that has the descriptor must not be able to cut off what we touch. */
static int memfd_new(size_t len)
{
	int fd = base_fd_own(memfd_create("uiommu-bar", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	int rc;

	if (fd < 0)
		return fd;
	if (!ftruncate(fd, (off_t)len) &&
		!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fd;
	rc = -errno;
	base_fd_close(fd);
	return rc;
}

static int bar_map_memory(struct pdev_bar *bar, const struct uiommu_bar_desc *desc)
{
	int fd = memfd_new(desc->size);
	void *mem;

	if (fd < 0)
		return fd;
	mem = mmap(NULL, desc->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED) {
		base_fd_close(fd);
		return -ENOMEM;
	}
	bar->mem = mem;
	bar->len = desc->size;
	bar->fd = fd;
	bar->db = desc->db_len ? (uint32_t *)(bar->mem + desc->db_off) : NULL;
	return 0;
}

static int bar_open(struct pdev_bar *bar, const struct uiommu_bar_desc *desc)
{
	if (desc->mmap && desc->size && !bar->mem)
		return bar_map_memory(bar, desc);
	if (desc->db_len && !bar->db) {
		bar->db = base_zalloc_aligned(PDEV_PAGE, desc->db_len);
		return bar->db ? 0 : -ENOMEM;
	}
	return 0;
}

int pdev_bars_open(struct uiommu_pdev *pdev)
{
	int rc = 0;

	for (unsigned int i = 0; i < UIOMMU_PCI_BARS && !rc; i++)
		rc = bar_open(&pdev->bar[i], &pdev->desc.bar[i]);
	return rc;
}

void pdev_bars_fini(struct uiommu_pdev *pdev)
{
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		struct pdev_bar *bar = &pdev->bar[i];

		if (!bar->mem) {
			base_free(bar->db);
			continue;
		}
		munmap(bar->mem, bar->len);
		base_fd_close(bar->fd);
	}
}

static _Atomic uint32_t *db_word(const struct pdev_bar *bar, uint64_t window_off)
{
	return (_Atomic uint32_t *)&bar->db[window_off / sizeof(uint32_t)];
}

void pdev_bars_clear(struct uiommu_pdev *pdev)
{
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		for (uint64_t off = 0; pdev->bar[i].db && off < pdev->desc.bar[i].db_len; off += 4)
			atomic_store_explicit(db_word(&pdev->bar[i], off), 0, memory_order_relaxed);
}

void pdev_bars_discard(struct uiommu_pdev *pdev)
{
	pdev_bars_clear(pdev);
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		const struct pdev_bar *bar = &pdev->bar[i];

		if (bar->mem)
			fallocate(bar->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				(off_t)bar->len);
	}
}

int pdev_bar_fd(struct uiommu_pdev *pdev, unsigned int bar)
{
	int fd = -1;

	if (bar >= UIOMMU_PCI_BARS)
		return -1;
	pthread_mutex_lock(&pdev->lock);
	if (pdev->open)
		fd = pdev->bar[bar].fd;
	pthread_mutex_unlock(&pdev->lock);
	return fd;
}

uint32_t *uiommu_pdev_doorbells(struct uiommu_pdev *pdev, unsigned int bar)
{
	return bar < UIOMMU_PCI_BARS ? pdev->bar[bar].db : NULL;
}

/* --- Accesses -------------------------------------------------------------------------------- */

struct access {
	unsigned int bar, size;
	uint64_t off;
};

static uint64_t window_read(const struct pdev_bar *bar, uint64_t at, unsigned int size)
{
	uint64_t val = atomic_load_explicit(db_word(bar, at), memory_order_relaxed);

	if (size == 8)
		return val |
		       (uint64_t)atomic_load_explicit(db_word(bar, at + 4), memory_order_relaxed)
			       << 32;
	return val >> at % 4 * 8;
}

/* A store of 32 bits, or a part of them. Return: what the word is now. */
static uint32_t word_store(
	_Atomic uint32_t *word, unsigned int shift, unsigned int size, uint32_t val)
{
	uint32_t mask = size == 4 ? ~0u : ((1u << size * 8) - 1) << shift, was, now;

	if (size == 4) {
		atomic_store_explicit(word, val, memory_order_release);
		return val;
	}
	was = atomic_load_explicit(word, memory_order_relaxed);
	do {
		now = (was & ~mask) | (val << shift & mask);
	} while (!atomic_compare_exchange_weak_explicit(
		word, &was, now, memory_order_release, memory_order_relaxed));
	return now;
}

static void window_write(struct uiommu_pdev *pdev, const struct access *a, uint64_t val)
{
	const struct pdev_bar *bar = &pdev->bar[a->bar];
	uint64_t at = a->off - pdev->desc.bar[a->bar].db_off;
	unsigned int size = a->size < 4 ? a->size : 4;

	for (unsigned int i = 0; i < a->size; i += size) {
		uint32_t word = word_store(db_word(bar, at + i), (unsigned int)(at % 4 * 8), size,
			(uint32_t)(val >> 8 * i));

		pdev->model->doorbell(pdev->priv, a->bar, (a->off + i) & ~3ull, word);
	}
}

static uint64_t piece_read_locked(struct uiommu_pdev *pdev, const struct access *a)
{
	if (pdev_msix_owns(pdev, a->bar, a->off))
		return pdev_msix_read(pdev, a->off, a->size);
	return pdev->model->read(pdev->priv, a->bar, a->off, a->size);
}

static void piece_write_locked(struct uiommu_pdev *pdev, const struct access *a, uint64_t val)
{
	if (pdev_msix_owns(pdev, a->bar, a->off)) {
		pdev_msix_write(pdev, a->off, a->size, val);
		return;
	}
	pdev->model->write(pdev->priv, a->bar, a->off, a->size, val);
	pdev_poll_mirror(pdev, false);
}

static bool decodes(struct uiommu_pdev *pdev)
{
	return atomic_load_explicit(&pdev->decode, memory_order_acquire);
}

static int piece_read(struct uiommu_pdev *pdev, const struct access *a, uint64_t *val)
{
	const struct uiommu_bar_desc *desc = &pdev->desc.bar[a->bar];
	bool ok;

	if (in_window(desc, a->off)) {
		ok = decodes(pdev);
		if (ok)
			*val = window_read(&pdev->bar[a->bar], a->off - desc->db_off, a->size);
		return ok ? 0 : -EIO;
	}
	pthread_mutex_lock(&pdev->lock);
	ok = decodes(pdev);
	if (ok)
		*val = piece_read_locked(pdev, a);
	pthread_mutex_unlock(&pdev->lock);
	return ok ? 0 : -EIO;
}

static int piece_write(struct uiommu_pdev *pdev, const struct access *a, uint64_t val)
{
	bool ok;

	if (in_window(&pdev->desc.bar[a->bar], a->off)) {
		ok = decodes(pdev);
		if (ok)
			window_write(pdev, a, val);
		return ok ? 0 : -EIO;
	}
	pthread_mutex_lock(&pdev->lock);
	ok = decodes(pdev);
	if (ok)
		piece_write_locked(pdev, a, val);
	pthread_mutex_unlock(&pdev->lock);
	return ok ? 0 : -EIO;
}

/* The largest naturally aligned access at @off that takes no more than @left bytes. */
static unsigned int piece_size(uint64_t off, size_t left)
{
	unsigned int size = 8;

	while (off % size || size > left)
		size /= 2;
	return size;
}

/* Return: bytes of [@off, @off + @len) inside of the BAR, or -EINVAL. */
static ssize_t clamp(const struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, size_t len)
{
	uint64_t size = bar < UIOMMU_PCI_BARS ? pdev->desc.bar[bar].size : 0;

	if (off >= size)
		return refuse(EINVAL, "an access begins inside of its BAR", "BAR %u has %llu bytes",
			bar, (unsigned long long)size);
	if (len > SSIZE_MAX)
		len = SSIZE_MAX;
	return (ssize_t)(len < size - off ? len : size - off);
}

static void access_count(struct uiommu_pdev *pdev)
{
	atomic_fetch_add_explicit(&pdev->accesses, 1, memory_order_relaxed);
}

uint64_t pdev_accesses(const struct uiommu_pdev *pdev)
{
	return atomic_load_explicit(&pdev->accesses, memory_order_relaxed);
}

static ssize_t undecoded(size_t done)
{
	return done ? (ssize_t)done
		    : refuse(EIO, "BARs answer while memory decoding is on in D0", NULL);
}

ssize_t pdev_bar_read(
	struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, void *buf, size_t len)
{
	ssize_t n = clamp(pdev, bar, off, len);
	struct access a = { .bar = bar };
	uint8_t *to = buf;

	if (n <= 0)
		return n;
	access_count(pdev);
	for (size_t done = 0; done < (size_t)n; done += a.size) {
		uint64_t val = 0;

		a.off = off + done;
		a.size = piece_size(a.off, (size_t)n - done);
		if (piece_read(pdev, &a, &val))
			return undecoded(done);
		for (unsigned int i = 0; i < a.size; i++)
			to[done + i] = (uint8_t)(val >> 8 * i);
	}
	return n;
}

ssize_t pdev_bar_write(
	struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, const void *buf, size_t len)
{
	ssize_t n = clamp(pdev, bar, off, len);
	struct access a = { .bar = bar };
	const uint8_t *from = buf;

	if (n <= 0)
		return n;
	access_count(pdev);
	for (size_t done = 0; done < (size_t)n; done += a.size) {
		uint64_t val = 0;

		a.off = off + done;
		a.size = piece_size(a.off, (size_t)n - done);
		for (unsigned int i = 0; i < a.size; i++)
			val |= (uint64_t)from[done + i] << 8 * i;
		if (piece_write(pdev, &a, val))
			return undecoded(done);
	}
	return n;
}
