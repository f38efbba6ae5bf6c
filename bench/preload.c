/* SPDX-License-Identifier: MIT */
/*
 * What the preload library adds to calls on descriptors and memory that aren't ours: its functions,
 * and the C library's beside them. And what a request on one of ours costs, beside a system call
 * that does nothing.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

struct calls {
	ssize_t (*read)(int fd, void *buf, size_t len);
	int (*ioctl)(int fd, unsigned long req, ...);
	int (*close)(int fd);
	int (*open)(const char *path, int flags, ...);
	int (*munmap)(void *addr, size_t len);
	int fd;
};

static struct calls ours, libc;

static void do_read(void *arg, uint64_t iterations)
{
	struct calls *c = arg;
	char byte;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(c->read(c->fd, &byte, 0));
}

static void do_ioctl(void *arg, uint64_t iterations)
{
	struct calls *c = arg;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(c->ioctl(c->fd, FIONCLEX));
}

/* A descriptor that isn't open: what the kernel does is least. */
static void do_close(void *arg, uint64_t iterations)
{
	struct calls *c = arg;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(c->close(900));
}

static void do_open(void *arg, uint64_t iterations)
{
	struct calls *c = arg;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(c->open("/none", O_RDONLY));
}

static void do_munmap(void *arg, uint64_t iterations)
{
	struct calls *c = arg;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(c->munmap((void *)4096, 4096));
}

static void do_version(void *arg, uint64_t iterations)
{
	struct calls *c = arg;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(c->ioctl(c->fd, VFIO_GET_API_VERSION));
}

static void do_nothing(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		bench_use(syscall(SYS_getppid));
}

/* --- The library ----------------------------------------------------------------------------- */

static bool look_up(void *from, struct calls *c)
{
	*(void **)&c->read = dlsym(from, "read");
	*(void **)&c->ioctl = dlsym(from, "ioctl");
	*(void **)&c->close = dlsym(from, "close");
	*(void **)&c->open = dlsym(from, "open");
	*(void **)&c->munmap = dlsym(from, "munmap");
	return c->read && c->ioctl && c->close && c->open && c->munmap;
}

/* Beside this program in the build directory. */
static void *load(void)
{
	char path[PATH_MAX + 64];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (len < 0)
		return NULL;
	path[len] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash, "/../src/front/preload/libuiommu-preload.so");
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static bool touch(const char *dir, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	return fd >= 0 && !close(fd);
}

static bool make_dir(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !mkdir(path, 0700);
}

static void remove_tree(const char *dir)
{
	static const char *const name[] = { "root/dev/vfio/vfio", "root/dev/vfio", "root/dev",
		"root" };
	char path[128];

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
		remove(path);
	}
	snprintf(path, sizeof(path), "%s/stats-%d", dir, (int)getpid());
	remove(path);
	remove(dir);
}

/* A run without devices: a tree that has the container's node. */
static int open_container(char *dir)
{
	if (!mkdtemp(dir) || !make_dir(dir, "root") || !make_dir(dir, "root/dev") ||
		!make_dir(dir, "root/dev/vfio") || !touch(dir, "root/dev/vfio/vfio"))
		return -1;
	setenv("UIOMMU_RUN_DIR", dir, 1);
	setenv("UIOMMU_TOPOLOGY", "iommu x86-64\n", 1);
	return ours.open("/dev/vfio/vfio", O_RDWR);
}

static bool run(const char *path, void (*fn)(void *arg, uint64_t iterations))
{
	struct bench_row row = {
		.path = path,
		.subject = { .fn = fn, .arg = &ours },
		.reference = { .name = "the C library's", .fn = fn, .arg = &libc },
	};

	return !bench_run(&row);
}

static bool run_all(int container)
{
	struct calls on_ours = ours;
	struct bench_row request = {
		.path = "preload/ioctl/ours",
		.subject = { .fn = do_version, .arg = &on_ours },
		.reference = { .name = "floor: a system call", .fn = do_nothing },
		.goal = { BENCH_AT_MOST, 60, "at most 60 ns" },
	};
	bool fine =
		run("preload/read/foreign", do_read) && run("preload/ioctl/foreign", do_ioctl) &&
		run("preload/close/foreign", do_close) && run("preload/open/foreign", do_open) &&
		run("preload/munmap/foreign", do_munmap);

	on_ours.fd = container;
	return fine && !bench_run(&request);
}

int main(void)
{
	char dir[] = "/tmp/uiommu-bench.XXXXXX";
	void *library = load();
	int container;
	bool fine;

	if (!library || !look_up(library, &ours) || !look_up(RTLD_DEFAULT, &libc)) {
		fprintf(stderr, "bench-preload: %s\n", dlerror());
		return EXIT_FAILURE;
	}
	ours.fd = libc.fd = open("/dev/null", O_RDONLY);
	container = open_container(dir);
	fine = ours.fd >= 0 && container >= 0 && run_all(container);
	if (container < 0)
		perror("bench-preload: /dev/vfio/vfio");
	remove_tree(dir);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
