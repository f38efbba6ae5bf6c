/* SPDX-License-Identifier: MIT */
/*
 * A client of the whole engine that can't be trusted, without a process of its own.
 *
 * Its memory is an arena in the middle of a reservation without access. Requests may name any
 * address: what isn't in the reservation isn't there for them, and what they map is kept inside it,
 * so that devices never reach the memory of the engine itself.
 */
#ifndef TESTS_FUZZ_SYSTEM_CLIENT_H
#define TESTS_FUZZ_SYSTEM_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/file.h"
#include "dev/pci.h"
#include "system/sys.h"

#define PAGE	     4096u
#define ARENA_PAGES  256u
#define ARENA_SIZE   (ARENA_PAGES * PAGE)
#define CLIENT_FILES 24u
/* Descriptors of our files are these numbers; real ones are lower. */
#define CLIENT_FD 1000

struct client_bar {
	struct bar_mapping map;
	struct uiommu_pdev *pdev; /* NULL: not mapped */
	pthread_mutex_t lock;	  /* open: a store isn't half done while it is closed */
	bool open;
	uint8_t *mem;
};

struct client {
	struct sys *sys;
	struct abi_caller caller;
	struct abi_file *file[CLIENT_FILES];
	uint8_t *arena;
	int event[2]; /* eventfds */
	int drive;    /* memfd with the image */
	int shared;   /* memfd whose pages may be mapped into the arena, and truncated */
	struct client_bar bar[2];
	unsigned long req; /* the request under way, and its argument */
	uintptr_t arg;
	uint64_t body[64]; /* arguments that are always readable and writable */
};

enum {
	CLIENT_ARMV8 = 1,
	CLIENT_THREADS = 2,   /* the drive is served by threads */
	CLIENT_POLL = 4,      /* stores to BARs are watched */
	CLIENT_TRAP = 8,      /* ... or trap always */
	CLIENT_READONLY = 16, /* the drive */
	CLIENT_MEMLOCK = 32,  /* little more than the arena can be pinned */
	CLIENT_PLAIN = 256,   /* other devices: without a thread, two in group 1, one in group 2 */
};

/*
 * A system of an NVMe controller (device 0, group 1) and a DMA test device (device 1, group 2).
 * With CLIENT_PLAIN of devices that read and write 8 bytes at an address when it is stored in BAR
 * 0.
 */
void client_init(struct client *c, unsigned int how);
/* Closes everything and checks that nothing is left. */
void client_fini(struct client *c);

/* Return: a descriptor, or -errno. */
int client_open(struct client *c, enum sys_node node, unsigned int n);
void client_close(struct client *c, int fd);
struct abi_file *client_file(struct client *c, int fd);
/* The @n-th device that is open, counted around. Return: NULL if there is none. */
struct abi_file *client_device(struct client *c, unsigned int n);

long client_ioctl(struct client *c, int fd, unsigned long req, uintptr_t arg);
/* The same with an argument of @len bytes, which is copied to c->body. */
long client_request(struct client *c, int fd, unsigned long req, const void *arg, size_t len);

/* Memory of the client; what isn't accessible is left out. */
void client_store(struct client *c, size_t off, const void *buf, size_t len);

/* mmap() of a BAR of device @i, as a front end serves it; and a store there, directly or by trap.
 */
void client_bar_map(struct client *c, unsigned int i);
void client_bar_unmap(struct client *c, unsigned int i);
void client_bar_store(struct client *c, unsigned int i, uint64_t off, uint32_t val);

#endif
