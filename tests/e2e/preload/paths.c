/* SPDX-License-Identifier: MIT */
/* What the program finds in /dev and /sys. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client.h"

#define DEVICE "/sys/bus/pci/devices/" BDF

static bool lists(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	bool found = false;

	while (d && (ent = readdir(d)))
		found = found || !strcmp(ent->d_name, name);
	if (d)
		closedir(d);
	return found;
}

static bool reads(FILE *f, const char *want)
{
	char line[64] = "";
	bool same = f && fgets(line, sizeof(line), f) && !strcmp(line, want);

	if (f)
		fclose(f);
	return same;
}

static void nodes(void)
{
	static const char *const path[] = { "/dev/iommu", "/dev/vfio/vfio",
		"/dev/vfio/devices/vfio0" };
	struct stat st, opened;
	struct statx stx;
	int fd;

	for (int i = 0; i < 3; i++) {
		ok(!stat(path[i], &st) && S_ISCHR(st.st_mode), "%s is a character device", path[i]);
		ok(!statx(AT_FDCWD, path[i], 0, STATX_BASIC_STATS, &stx) && S_ISCHR(stx.stx_mode) &&
				stx.stx_rdev_minor == minor(st.st_rdev),
			"statx() says so, too");
		ok(!access(path[i], R_OK | W_OK), "it may be opened");
	}
	fd = open("/dev/iommu", O_RDWR);
	stat("/dev/iommu", &st);
	ok(fd >= 0 && !fstat(fd, &opened) && S_ISCHR(opened.st_mode) &&
			opened.st_rdev == st.st_rdev,
		"fstat() of the open node says the same");
	ok(!close(fd) && close(fd) && errno == EBADF, "it is closed once");
	ok(open("/dev/iommu", O_RDWR | O_CREAT | O_EXCL, 0600) < 0 && errno == EEXIST, "it exists");
	ok(open("/dev/iommu", O_RDONLY | O_DIRECTORY) < 0 && errno == ENOTDIR,
		"it is no directory");
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/../dev//iommu", O_RDWR, 0);
	ok(fd >= 0 && !fstat(fd, &opened) && S_ISCHR(opened.st_mode), "by another name, by number");
	close(fd);
}

static void sysfs(void)
{
	char buf[4096], *path;
	int dir, file;

	ok(lists("/sys/bus/pci/devices", BDF), "the device is listed");
	ok(lists(DEVICE "/vfio-dev", "vfio0"), "and its VFIO device");
	ok(lists("/dev/vfio", "vfio"), "and the nodes");
	ok(reads(fopen(DEVICE "/vendor", "r"), "0x1234\n"), "its vendor reads");
	path = realpath(DEVICE "/driver", NULL);
	ok(path && !strcmp(path, "/sys/bus/pci/drivers/vfio-pci"), "realpath() shows %s", path);
	free(path);
	path = realpath(DEVICE, buf);
	ok(path == buf && !strncmp(path, "/sys/devices/", 13), "and %s", path);
	dir = open("/sys/bus/pci/devices", O_RDONLY | O_DIRECTORY);
	file = openat(dir, BDF "/vendor", O_RDONLY);
	ok(file >= 0 && read(file, buf, 7) == 7 && !memcmp(buf, "0x1234\n", 7),
		"relative to a directory");
	close(file);
	close(dir);
	dir = open("/dev", O_RDONLY | O_DIRECTORY);
	file = openat(dir, "vfio/vfio", O_RDWR);
	ok(file >= 0, "a node relative to a directory above the tree");
	close(file);
	close(dir);
	ok(!chdir(DEVICE) && reads(fopen("device", "r"), "0x0d3a\n"),
		"relative to the working directory");
	ok(getcwd(buf, sizeof(buf)) && !strncmp(buf, "/sys/devices/", 13), "which is %s", buf);
	ok(!chdir("..") && !access(BDF "/config", R_OK), "and above it");
	ok(!chdir("/"), "and out of there");
	ok(access("/sys/bus/pci/devices/ffff:00:00.0", F_OK) && errno == ENOENT,
		"what isn't there isn't there");
}

static void machine(void)
{
	struct stat st;

	ok(!stat("/dev/null", &st) && st.st_rdev == makedev(1, 3), "/dev/null is the machine's");
	ok(!access("/sys/kernel", F_OK) && lists("/sys", "kernel"), "so is /sys");
	ok(open("/dev/none", O_RDONLY) < 0 && errno == ENOENT, "errors are the kernel's");
}

int main(void)
{
	nodes();
	sysfs();
	machine();
	return done_testing();
}
