/* SPDX-License-Identifier: MIT */
#include "system_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/abi/vfio.h>

#include "base/arch.h"
#include "dev/dmatest.h"
#include "mem/bus.h"
#include "mem/guard.h"

#define ROOM	   (UINT64_C(64) << 20) /* the reservation; the arena is in its middle */
#define LOW_END	   (UINT64_C(1) << 16)	/* nothing is ever mapped below */
#define DRIVE_SIZE (1 << 20)

/* Far below what the kernel hands out from the top of user space: when a request leaves a hole in
 * the arena, no other thread's mmap() gets it. */
#define ROOM_AT UINT64_C(0x7e9000000000)

static uint8_t *room;

/* --- What requests may touch ---------------------------------------------------------------------
 */

static struct client *client_of(const struct abi_caller *caller)
{
	return (struct client *)((char *)(uintptr_t)caller - offsetof(struct client, caller));
}

static bool inside(uintptr_t addr, size_t len, const void *base, size_t size)
{
	uintptr_t start = (uintptr_t)base;

	return addr >= start && addr - start <= size && len <= size - (addr - start);
}

static bool there(const struct client *c, uintptr_t addr, size_t len)
{
	return inside(addr, len, room, ROOM) || inside(addr, len, c->body, sizeof(c->body));
}

/* Where the request under way has an address and a length of memory to map. */
static size_t mapped_at(const struct client *c, size_t *len_at)
{
	if (c->req == UIOMMU_ABI_IOAS_MAP) {
		*len_at = offsetof(struct uiommu_abi_ioas_map, length);
		return offsetof(struct uiommu_abi_ioas_map, user_va);
	}
	if (c->req == UIOMMU_VFIO_IOMMU_MAP_DMA) {
		*len_at = offsetof(struct uiommu_vfio_iommu_type1_dma_map, size);
		return offsetof(struct uiommu_vfio_iommu_type1_dma_map, vaddr);
	}
	return 0;
}

static void confine(uint64_t *va, uint64_t *len)
{
	uint64_t end = (uintptr_t)room + ROOM;

	if (*va >= BUS_RAM_END)
		return;
	if (*va < LOW_END)
		end = LOW_END;
	else if (!inside(*va, 0, room, ROOM))
		*va = (uintptr_t)room + *va % ROOM;
	if (*len > end - *va)
		*len = end - *va;
}

/* Changes the copy: a device may be changing the argument itself. */
static void mapping_confine(const struct client *c, uint8_t *copy, uintptr_t from, size_t len)
{
	size_t len_at, va_at = mapped_at(c, &len_at);
	uint64_t va, bytes;

	if (!va_at || from != c->arg || len < va_at + sizeof(va) || len < len_at + sizeof(bytes))
		return;
	memcpy(&va, copy + va_at, sizeof(va));
	memcpy(&bytes, copy + len_at, sizeof(bytes));
	confine(&va, &bytes);
	memcpy(copy + va_at, &va, sizeof(va));
	memcpy(copy + len_at, &bytes, sizeof(bytes));
}

static int copy_in(const struct abi_caller *caller, void *to, uintptr_t from, size_t len)
{
	struct client *c = client_of(caller);

	if (!there(c, from, len) || guard_copy(to, (const void *)from, len))
		return -EFAULT;
	mapping_confine(c, to, from, len);
	return 0;
}

static int copy_out(const struct abi_caller *caller, uintptr_t to, const void *from, size_t len)
{
	if (!there(client_of(caller), to, len))
		return -EFAULT;
	return guard_copy((void *)to, from, len);
}

/* --- Descriptors ---------------------------------------------------------------------------------
 */

struct abi_file *client_file(struct client *c, int fd)
{
	int i = fd - CLIENT_FD;

	return i >= 0 && i < (int)CLIENT_FILES ? c->file[i] : NULL;
}

struct abi_file *client_device(struct client *c, unsigned int n)
{
	struct abi_file *device[CLIENT_FILES];
	unsigned int count = 0;

	for (unsigned int i = 0; i < CLIENT_FILES; i++) {
		if (c->file[i] && c->file[i]->kind == ABI_FILE_DEVICE)
			device[count++] = c->file[i];
	}
	return count ? device[n % count] : NULL;
}

static struct abi_file *file_get(const struct abi_caller *caller, int fd, bool *open)
{
	struct client *c = client_of(caller);
	struct abi_file *file = client_file(c, fd);

	*open = file || fd == c->event[0] || fd == c->shared;
	if (file)
		abi_file_get(file);
	return file;
}

static int file_install(const struct abi_caller *caller, struct abi_file *file)
{
	struct client *c = client_of(caller);

	for (unsigned int i = 0; i < CLIENT_FILES; i++) {
		if (!c->file[i]) {
			c->file[i] = file;
			return CLIENT_FD + (int)i;
		}
	}
	return -EMFILE;
}

static int fd_borrow(const struct abi_caller *caller, int fd)
{
	struct client *c = client_of(caller);

	return fd == c->event[0] || fd == c->event[1] || fd == c->shared ? fd : -EBADF;
}

int client_open(struct client *c, enum sys_node node, unsigned int n)
{
	struct abi_file *file;
	int ret = sys_open(c->sys, node, n, &file);

	if (ret)
		return ret;
	ret = file_install(&c->caller, file);
	if (ret < 0)
		abi_file_put(file);
	return ret;
}

void client_close(struct client *c, int fd)
{
	struct abi_file *file = client_file(c, fd);

	if (!file)
		return;
	c->file[fd - CLIENT_FD] = NULL;
	abi_file_put(file);
}

long client_ioctl(struct client *c, int fd, unsigned long req, uintptr_t arg)
{
	struct abi_file *file = client_file(c, fd);
	struct uiommu_why why;
	long ret;

	if (!file)
		return -EBADF;
	c->req = req;
	c->arg = arg;
	abi_file_get(file);
	ret = abi_ioctl(file, &c->caller, req, arg, &why);
	abi_file_put(file);
	/* A refusal is explained, and what was explained was refused. */
	if (ret < 0 ? why.err != -ret : why.err)
		abort();
	return ret;
}

long client_request(struct client *c, int fd, unsigned long req, const void *arg, size_t len)
{
	memcpy(c->body, arg, len);
	return client_ioctl(c, fd, req, (uintptr_t)c->body);
}

/* --- Memory --------------------------------------------------------------------------------------
 */

#ifdef ARCH_TSAN
void AnnotateBenignRaceSized(
	const char *file, int line, const volatile void *mem, size_t size, const char *what);
const char *__tsan_default_suppressions(void);

/* Devices that the client sends to the same place, which may have moved to an alias since. */
const char *__tsan_default_suppressions(void)
{
	return "race_top:note_before\n";
}

/* The client races with its devices on purpose. */
static void room_racy(void)
{
	AnnotateBenignRaceSized(__FILE__, __LINE__, room, ROOM, "memory of the client");
}
#else
static void room_racy(void)
{
}
#endif

static uint8_t *arena_new(void)
{
	uint8_t *arena;

	if (!room) {
		room = mmap(
			NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (room == MAP_FAILED || sys_use_signals())
			abort();
		room_racy();
	}
	arena = mmap(room + ROOM / 2, ARENA_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	/* What an earlier input has moved behind the arena. */
	if (arena == MAP_FAILED || mmap(arena + ARENA_SIZE, ARENA_SIZE, PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
					   -1, 0) == MAP_FAILED)
		abort();
	return arena;
}

void client_store(struct client *c, size_t off, const void *buf, size_t len)
{
	if (inside((uintptr_t)c->arena + off, len, c->arena, ARENA_SIZE))
		guard_copy(c->arena + off, buf, len);
}

/* --- BARs ----------------------------------------------------------------------------------------
 */

static bool bar_expose(struct bar_mapping *map, uint64_t off, uint64_t len, bool on)
{
	struct client_bar *bar = (struct client_bar *)map;

	pthread_mutex_lock(&bar->lock);
	bar->open = on;
	pthread_mutex_unlock(&bar->lock);
	return true;
}

void client_bar_map(struct client *c, unsigned int i)
{
	struct client_bar *bar = &c->bar[i];
	struct uiommu_pdev *pdev = sys_device(c->sys, i);
	uint64_t size = pdev_desc(pdev)->bar[0].size;
	int fd = pdev_bar_fd(pdev, 0);

	if (bar->pdev || fd < 0)
		return;
	bar->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar->mem == MAP_FAILED)
		return;
	bar->map = (struct bar_mapping){ .bar = 0, .len = size, .expose = bar_expose };
	bar->open = false;
	if (pdev_bar_map(pdev, &bar->map))
		munmap(bar->mem, size);
	else
		bar->pdev = pdev;
}

void client_bar_unmap(struct client *c, unsigned int i)
{
	struct client_bar *bar = &c->bar[i];

	if (!bar->pdev)
		return;
	pdev_bar_unmap(bar->pdev, &bar->map);
	munmap(bar->mem, bar->map.len);
	bar->pdev = NULL;
}

void client_bar_store(struct client *c, unsigned int i, uint64_t off, uint32_t val)
{
	struct client_bar *bar = &c->bar[i];
	bool open;

	if (!bar->pdev || off % sizeof(val) || off >= bar->map.len)
		return;
	pthread_mutex_lock(&bar->lock);
	open = bar->open;
	if (open)
		__atomic_store_n((uint32_t *)(bar->mem + off), val, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&bar->lock);
	if (!open)
		pdev_bar_write(bar->pdev, 0, off, &val, sizeof(val));
}

/* --- Life ----------------------------------------------------------------------------------------
 */

static void fds_init(struct client *c)
{
	c->event[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->event[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->drive = memfd_create("drive", MFD_CLOEXEC);
	c->shared = memfd_create("shared", MFD_CLOEXEC);
	if (c->event[0] < 0 || c->event[1] < 0 || c->drive < 0 || c->shared < 0 ||
		ftruncate(c->drive, DRIVE_SIZE) || ftruncate(c->shared, 4 * PAGE))
		abort();
}

/* The devices of CLIENT_PLAIN: DMA on the thread that stores an address. */
struct plain {
	struct uiommu_pdev *pdev;
	struct uiommu_dma *dma;
};

static int plain_create(struct uiommu_pdev *pdev, const struct uiommu_option *opt,
	unsigned int nopt, void **priv, struct uiommu_pci_desc *desc, char *err, size_t errlen)
{
	struct plain *plain = calloc(1, sizeof(*plain));

	if (!plain)
		return -ENOMEM;
	plain->pdev = pdev;
	*desc = (struct uiommu_pci_desc){
		.vendor = 0x1b36,
		.device = 0xfff1,
		.intx = true,
		.msi_vectors = 4,
		.bar[0] = { .size = PAGE },
	};
	*priv = plain;
	return 0;
}

static int plain_open(void *priv)
{
	struct plain *plain = priv;

	return uiommu_pdev_dma_new(plain->pdev, &plain->dma);
}

static void plain_close(void *priv)
{
	struct plain *plain = priv;

	uiommu_pdev_dma_free(plain->dma);
}

static void plain_reset(void *priv)
{
}

static uint64_t plain_read(void *priv, unsigned int bar, uint64_t off, unsigned int size)
{
	return 0;
}

static void plain_write(void *priv, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct plain *plain = priv;
	uint64_t word;

	if (!uiommu_dma_read(plain->dma, UIOMMU_PASID_NONE, val, &word, sizeof(word)))
		uiommu_dma_write(plain->dma, UIOMMU_PASID_NONE, val, &word, sizeof(word));
	uiommu_pdev_msi(plain->pdev, 0);
	uiommu_pdev_intx(plain->pdev, val & 1);
}

static const struct uiommu_option_desc plain_options[] = { { 0 } };
static const struct uiommu_model plain_model = {
	.name = "plain",
	.summary = "DMA on the caller's thread",
	.options = plain_options,
	.create = plain_create,
	.destroy = free,
	.open = plain_open,
	.close = plain_close,
	.reset = plain_reset,
	.read = plain_read,
	.write = plain_write,
};

static void topology_text(const struct client *c, unsigned int how, char *text, size_t len)
{
	int n = snprintf(text, len, "iommu %s\nmemlock %s\n",
		how & CLIENT_ARMV8 ? "armv8" : "x86-64", how & CLIENT_MEMLOCK ? "1088K" : "none");

	if (how & CLIENT_PLAIN) {
		snprintf(text + n, len - (size_t)n,
			"device plain,group=1\ndevice plain,group=1\ndevice plain,group=2\n");
		return;
	}
	snprintf(text + n, len - (size_t)n,
		"device nvme,drive=/proc/self/fd/%d,queues=3,aio=%s,readonly=%s,bar=%s,group=1\n"
		"device dmatest,group=2\n",
		c->drive, how & CLIENT_THREADS ? "threads" : "auto",
		how & CLIENT_READONLY ? "on" : "off",
		how & CLIENT_POLL   ? "poll"
		: how & CLIENT_TRAP ? "trap"
				    : "auto");
}

static void sys_init(struct client *c, unsigned int how)
{
	static const struct uiommu_model *const models[] = { &dmatest_model, &plain_model, NULL };
	char text[512], err[SYS_ERR_LEN];
	const struct sys_cfg cfg = { .text = text, .cwd = "/", .models = models };

	topology_text(c, how, text, sizeof(text));
	if (sys_new_cfg(&cfg, &c->sys, err)) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
}

static void on_fault(void *arg, const char *text)
{
	if (!strlen(text))
		abort();
}

void client_init(struct client *c, unsigned int how)
{
	memset(c, 0, sizeof(*c));
	c->caller = (struct abi_caller){
		.copy_in = copy_in,
		.copy_out = copy_out,
		.file_get = file_get,
		.file_install = file_install,
		.fd_borrow = fd_borrow,
	};
	c->arena = arena_new();
	fds_init(c);
	sys_init(c, how);
	sys_set_fault_sink(c->sys, on_fault, NULL);
	for (unsigned int i = 0; i < 2; i++)
		pthread_mutex_init(&c->bar[i].lock, NULL);
}

void client_fini(struct client *c)
{
	const struct sys_stats *stats = sys_stats(c->sys);

	for (unsigned int i = 0; i < CLIENT_FILES; i++)
		client_close(c, CLIENT_FD + (int)i);
	for (unsigned int i = 0; i < 2; i++) {
		client_bar_unmap(c, i);
		pthread_mutex_destroy(&c->bar[i].lock);
	}
	if (stats->core.areas_now || stats->core.bytes_now ||
		sys_user_mapped(c->sys, (uintptr_t)room, ROOM))
		abort();
	sys_free(c->sys);
	close(c->event[0]);
	close(c->event[1]);
	close(c->drive);
	close(c->shared);
}
