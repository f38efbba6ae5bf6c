/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/paths.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "front/preload/nodes.h"

#define AGAIN_MAX 10000u

_Atomic bool paths_cwd_counts = true;

/* --- The tree -------------------------------------------------------------------------------- */

struct root {
	char path[PATH_MAX]; /* absolute, without symbolic links; empty: there's none */
	size_t len;
	_Atomic int fd; /* of the directory, once it has been used; -1 */
};

static struct root root = { .fd = -1 };
static pthread_once_t root_once = PTHREAD_ONCE_INIT;

static void root_init(void)
{
	const char *dir = getenv(SYS_ENV_RUN_DIR);
	char path[PATH_MAX];
	int len = dir ? snprintf(path, sizeof(path), "%s/root", dir) : -1;

	if (len < 0 || (size_t)len >= sizeof(path) || !real()->realpath(path, root.path)) {
		root.path[0] = '\0';
		return;
	}
	root.len = strlen(root.path);
	fdtable_init();
}

static struct root *get_root(void)
{
	pthread_once(&root_once, root_init);
	return root.len ? &root : NULL;
}

const char *paths_seen(const char *path)
{
	struct root *r = get_root();

	if (!r || strncmp(path, r->path, r->len) || (path[r->len] && path[r->len] != '/'))
		return NULL;
	return path[r->len] ? path + r->len : "/";
}

/* --- Names ----------------------------------------------------------------------------------- */

/* "..", "." and "//" removed by their letters alone. Return: false if it is too long. */
static bool normalise(const char *path, char out[PATH_MAX])
{
	size_t len = 0;

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len && out[--len] != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			if (len + n + 2 > PATH_MAX)
				return false;
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n + (path[n] == '/');
	}
	if (!len)
		out[len++] = '/';
	out[len] = '\0';
	return true;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/*
 * Where the tree has something; @above: or on the way there, from where relative paths lead to it,
 * in directories that the machine has as well.
 */
static bool leads_to_tree(const char *seen, bool above)
{
	static const char *const places[] = { "/dev/iommu", "/dev/vfio", "/sys/bus/pci",
		"/sys/kernel/iommu_groups", "/sys/module", "/sys/class", "/sys/devices",
		"/sys/dev/char" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (is_below(seen, places[i]) || (above && is_below(places[i], seen)))
			return true;
	return false;
}

/* The directory that relative paths begin at, as the program sees it. */
static bool base_of(int dir, char out[PATH_MAX])
{
	char cwd[PATH_MAX];
	const char *seen;
	struct desc *desc;

	if (dir == AT_FDCWD) {
		if (syscall(SYS_getcwd, cwd, sizeof(cwd)) <= 0)
			return false;
		seen = paths_seen(cwd);
		memcpy(out, seen ? seen : cwd, strlen(seen ? seen : cwd) + 1);
		atomic_store_explicit(
			&paths_cwd_counts, leads_to_tree(out, true), memory_order_relaxed);
		return true;
	}
	desc = desc_get_kind(dir, DESC_DIR);
	if (!desc)
		return false;
	memcpy(out, desc->path, strlen(desc->path) + 1);
	desc_put(desc);
	return true;
}

static bool join(const char *base, const char *path, char out[PATH_MAX])
{
	size_t n = strlen(base), m = strlen(path);

	if (n + m + 2 > PATH_MAX)
		return false;
	memcpy(out, base, n);
	out[n] = '/';
	memcpy(out + n + 1, path, m + 1);
	return true;
}

/* The absolute path that the program means, unresolved. */
static bool absolute(int dir, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX];

	if (path[0] == '/') {
		if (strlen(path) >= PATH_MAX)
			return false;
		memcpy(out, path, strlen(path) + 1);
		return true;
	}
	return base_of(dir, base) && leads_to_tree(base, true) && join(base, path, out);
}

/* --- Files ----------------------------------------------------------------------------------- */

static int root_fd(struct root *r)
{
	int fd = atomic_load_explicit(&r->fd, memory_order_acquire), none = -1;

	if (fd >= 0)
		return fd;
	fd = base_fd_own(real()->open(r->path, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (fd >= 0 && !atomic_compare_exchange_strong(&r->fd, &none, fd)) {
		base_fd_close(fd);
		fd = none;
	}
	return fd;
}

static int open_in_root(struct root *r, const char *path, bool follow)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)),
		.resolve = RESOLVE_IN_ROOT,
	};
	int dir = root_fd(r), fd = -1;

	if (dir < 0)
		return dir;
	/* A rename anywhere on the machine while ".." is followed: openat2(2) wants to be called
	 * again. */
	for (unsigned int i = 0; i < AGAIN_MAX; i++) {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static bool name_of(int fd, char out[PATH_MAX])
{
	char link[40];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = real()->readlinkat(AT_FDCWD, link, out, PATH_MAX - 1);
	if (len <= 0 || out[0] != '/')
		return false;
	out[len] = '\0';
	return true;
}

/* A link that stands for something of the machine's, of the same path. */
static bool is_machine_link(int fd)
{
	char to;

	return real()->readlinkat(fd, "", &to, 1) == 1 && to == '/';
}

/* Without openat2(2), or /proc: by the letters of the path. */
static bool resolve_by_name(struct root *r, const char *path, bool follow, struct path *out)
{
	char name[PATH_MAX];
	struct stat st;

	if (!normalise(path, name) || r->len + strlen(name) + 1 > PATH_MAX)
		return false;
	memcpy(out->real, r->path, r->len);
	memcpy(out->real + r->len, name, strlen(name) + 1);
	return !real()->fstatat(AT_FDCWD, out->real, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW);
}

static bool resolve(struct root *r, const char *path, bool follow, struct path *out)
{
	int fd = open_in_root(r, path, follow);
	bool ok, machine;

	if (fd < 0)
		return (fd == -ENOSYS || fd == -EPERM) && resolve_by_name(r, path, follow, out);
	machine = !follow && is_machine_link(fd);
	ok = !machine && name_of(fd, out->real);
	real()->close(fd);
	return ok || (!machine && resolve_by_name(r, path, follow, out));
}

bool paths_find(int dir, const char *path, bool follow, struct path *out)
{
	char full[PATH_MAX], name[PATH_MAX];
	int keep = errno;
	struct root *r;
	const char *seen;
	bool found;

	if (!path[0] || !absolute(dir, path, full) || !normalise(full, name) ||
		!leads_to_tree(name, false))
		return false;
	r = get_root();
	found = r && resolve(r, full, follow, out);
	errno = keep;
	seen = found ? paths_seen(out->real) : NULL;
	if (!seen)
		return false;
	memcpy(out->seen, seen, strlen(seen) + 1);
	nodes_recognise(out);
	return true;
}

/* --- Directories ----------------------------------------------------------------------------- */

void paths_note_dir(int fd, int dir, const char *path, const struct path *found)
{
	char full[PATH_MAX], name[PATH_MAX];
	struct stat st;
	int keep = errno;

	if (found)
		memcpy(name, found->seen, strlen(found->seen) + 1);
	else if (!absolute(dir, path, full) || !normalise(full, name) || !leads_to_tree(name, true))
		return;
	if (!real()->fstat(fd, &st) && S_ISDIR(st.st_mode))
		fd_note_dir(fd, name);
	errno = keep;
}

void paths_cwd_changed(void)
{
	char base[PATH_MAX];
	int keep = errno;

	if (!base_of(AT_FDCWD, base))
		atomic_store_explicit(&paths_cwd_counts, false, memory_order_relaxed);
	errno = keep;
}

/* Its descriptor went with the others. */
void paths_child(void)
{
	atomic_store_explicit(&root.fd, -1, memory_order_relaxed);
}
