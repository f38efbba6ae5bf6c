/* SPDX-License-Identifier: MIT */
#include "system/tree_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/sys.h"

static void failed(struct tree_files *t, const char *path, int err)
{
	if (t->err)
		return;
	t->err = err;
	snprintf(t->msg, SYS_ERR_LEN, "can't make %.200s: %s", path, strerror(-err));
}

int tree_files_open(struct tree_files *t, const char *root, const char *machine, char *msg)
{
	*t = (struct tree_files){ .machine = -1, .msg = msg };
	t->root = open(root, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (t->root >= 0)
		t->machine = open(machine, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (t->machine < 0) {
		failed(t, t->root < 0 ? root : machine, -errno);
		tree_files_close(t);
	}
	return t->err;
}

void tree_files_close(struct tree_files *t)
{
	if (t->root >= 0)
		close(t->root);
	if (t->machine >= 0)
		close(t->machine);
	t->root = t->machine = -1;
}

static void dirs(struct tree_files *t, const char *path, size_t len)
{
	char own[TREE_PATH];

	if (t->err)
		return;
	if (len >= sizeof(own)) {
		failed(t, path, -ENAMETOOLONG);
		return;
	}
	memcpy(own, path, len);
	own[len] = '\0';
	for (char *slash = own;; *slash++ = '/') {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdirat(t->root, own, 0755) && errno != EEXIST) {
			failed(t, own, -errno);
			return;
		}
		if (!slash)
			return;
	}
}

void tree_dir(struct tree_files *t, const char *path)
{
	dirs(t, path, strlen(path));
}

static void parents(struct tree_files *t, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		dirs(t, path, (size_t)(slash - path));
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

void tree_bytes(struct tree_files *t, const char *path, const void *data, size_t len)
{
	int fd, ret;

	parents(t, path);
	if (t->err)
		return;
	fd = openat(t->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		failed(t, path, -errno);
		return;
	}
	ret = write_all(fd, data, len);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		failed(t, path, ret);
}

void tree_attr(struct tree_files *t, const char *dir, const char *name, const char *fmt, ...)
{
	char path[TREE_PATH], text[1024];
	va_list ap;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		failed(t, dir, -ENAMETOOLONG);
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		failed(t, path, -EOVERFLOW);
		return;
	}
	tree_bytes(t, path, text, (size_t)n);
}

/* What leads from the directory of @from to @to: "../" for each directory that they don't share. */
static int relative(const char *from, const char *to, char *out, size_t size)
{
	size_t shared = 0, len = 0, rest;

	for (size_t i = 0; from[i] && from[i] == to[i]; i++) {
		if (from[i] == '/')
			shared = i + 1;
	}
	for (const char *s = strchr(from + shared, '/'); s; s = strchr(s + 1, '/')) {
		if (len + 3 >= size)
			return -ENAMETOOLONG;
		memcpy(out + len, "../", 3);
		len += 3;
	}
	rest = strlen(to + shared) + 1;
	if (rest > size - len)
		return -ENAMETOOLONG;
	memcpy(out + len, to + shared, rest);
	return 0;
}

void tree_link(struct tree_files *t, const char *path, const char *to)
{
	char target[2 * TREE_PATH];
	int ret;

	parents(t, path);
	if (t->err)
		return;
	ret = relative(path, to, target, sizeof(target));
	if (!ret && symlinkat(target, t->root, path))
		ret = -errno;
	if (ret)
		failed(t, path, ret);
}

/* Where a link to something of the machine's leads, as the machine has it. Return: false if it is
 * no relative link. */
static bool machine_link(int dir, const struct dirent *ent, char *target, size_t size)
{
	ssize_t n;

	if (ent->d_type != DT_LNK && ent->d_type != DT_UNKNOWN)
		return false;
	n = readlinkat(dir, ent->d_name, target, size);
	if (n <= 0 || (size_t)n >= size || target[0] == '/')
		return false;
	target[n] = '\0';
	return true;
}

static void union_entry(struct tree_files *t, int dir, const char *path, const struct dirent *ent)
{
	char entry[TREE_PATH + NAME_MAX + 3], target[PATH_MAX];
	int n = snprintf(entry, sizeof(entry), "/%s/%s", path, ent->d_name);
	bool copied = machine_link(dir, ent, target, sizeof(target));

	if (n < 0 || (size_t)n >= sizeof(entry))
		failed(t, path, -ENAMETOOLONG);
	else if (symlinkat(copied ? target : entry, t->root, entry + 1) && errno != EEXIST)
		failed(t, entry, -errno);
}

void tree_union(struct tree_files *t, const char *path)
{
	int fd = t->err ? -1 : openat(t->machine, path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	struct dirent *ent;
	DIR *dir;

	/* What the machine doesn't have, or doesn't let us see, has nothing to add. */
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		failed(t, path, -errno);
		close(fd);
		return;
	}
	while ((ent = readdir(dir))) {
		if (strcmp(ent->d_name, ".") && strcmp(ent->d_name, ".."))
			union_entry(t, fd, path, ent);
	}
	closedir(dir);
}
