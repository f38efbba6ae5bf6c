/* SPDX-License-Identifier: MIT */
#include "cli/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "system/sys.h"
#include "system/text.h"

/* What the kernel takes for one variable (32 pages), less some room for its name. */
#define MAX_VALUE (32 * 4096 - 64)

/* Relative to the folder of this program: in the build tree, and installed (as meson has the
 * folders). */
static const char *const places[] = { UIOMMU_PRELOAD_BUILT, UIOMMU_PRELOAD_INSTALLED };

static int find_library(char *path)
{
	char exe[PATH_MAX], place[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0) {
		cli_say("can't tell where I am: /proc/self/exe: %s", strerror(errno));
		return CLI_FAILED;
	}
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(place, sizeof(place), "%s%s%s", places[i][0] == '/' ? "" : exe,
			places[i][0] == '/' ? "" : "/", places[i]);
		if (realpath(place, path))
			return 0;
	}
	cli_say("can't find the preload library: neither %s/%s nor %s", exe, places[0], place);
	return CLI_FAILED;
}

/* Names in LD_PRELOAD end at blanks and colons, without a way to quote them. */
static int plain_name(const struct rundir *dir, char *path)
{
	char link[PATH_MAX + 16];

	if (!strpbrk(path, " \t\n:"))
		return 0;
	snprintf(link, sizeof(link), "%s/preload.so", dir->path);
	if (strpbrk(link, " \t\n:") || strlen(link) >= PATH_MAX || symlink(path, link)) {
		cli_say("can't preload %s: the loader can't take a name with blanks or colons",
			path);
		return CLI_FAILED;
	}
	strcpy(path, link);
	return 0;
}

static void add_name(struct text *list, const char *name)
{
	if (!*name)
		return;
	if (list->len)
		text_puts(list, ":");
	text_puts(list, name);
}

/* The sanitizer that the library was built with: it insists on being first as well. */
static void library_sanitizer(const char *path, struct elf_info *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || elf_read(fd, elf))
		elf->sanitizer[0] = '\0';
	if (fd >= 0)
		close(fd);
}

static int set(const char *name, const char *value)
{
	if (strlen(value) > MAX_VALUE) {
		cli_say("%s would be longer than an environment variable may be", name);
		return CLI_FAILED;
	}
	if (setenv(name, value, 1)) {
		cli_say("can't set %s: %s", name, strerror(errno));
		return CLI_FAILED;
	}
	return 0;
}

static int set_preload(const struct program *prog, const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	struct text list = { 0 };
	struct elf_info library;
	char *value;
	int ret;

	library_sanitizer(path, &library);
	add_name(&list, prog->elf.sanitizer);
	if (strcmp(prog->elf.sanitizer, library.sanitizer))
		add_name(&list, library.sanitizer);
	add_name(&list, path);
	add_name(&list, before ? before : "");
	if (text_take(&list, &value)) {
		cli_say("out of memory");
		return CLI_FAILED;
	}
	ret = set("LD_PRELOAD", value);
	base_free(value);
	return ret;
}

int environment_set(const struct program *prog, const struct rundir *dir, const char *topology)
{
	char path[PATH_MAX];
	int ret = find_library(path);

	if (!ret)
		ret = plain_name(dir, path);
	if (!ret)
		ret = set_preload(prog, path);
	if (!ret)
		ret = set(SYS_ENV_TOPOLOGY, topology);
	return ret ? ret : set(SYS_ENV_RUN_DIR, dir->path);
}
