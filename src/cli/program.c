/* SPDX-License-Identifier: MIT */
#include "cli/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/cli.h"

#define MAX_SCRIPTS 5 /* an interpreter may be a script itself, this deep, as in the kernel */
#define SHEBANG_MAX 256

/* --- Where it is ----------------------------------------------------------------------------- */

static int not_found(const char *name, int err)
{
	cli_say("%s: %s", name, strerror(err));
	return err == ENOENT || err == ENOTDIR ? CLI_NOT_FOUND : CLI_CANT_RUN;
}

static int may_execute(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return !S_ISREG(st.st_mode) || access(path, X_OK) ? EACCES : 0;
}

static int search_path(struct program *prog, const char *name)
{
	const char *path = getenv("PATH");
	int found = ENOENT;

	for (path = path ? path : "/bin:/usr/bin";; path++) {
		size_t len = strcspn(path, ":");
		int n = snprintf(prog->path, sizeof(prog->path), "%.*s%s%s", (int)len, path,
			len ? "/" : "", name);
		int err = n < 0 || (size_t)n >= sizeof(prog->path) ? ENAMETOOLONG
								   : may_execute(prog->path);

		if (!err)
			return 0;
		/* As the shell has it: one that is there but isn't executable is told of if there's
		 * no other. */
		if (err == EACCES)
			found = err;
		path += len;
		if (!*path)
			return found;
	}
}

static int locate(struct program *prog, const char *name)
{
	int err;

	if (!*name)
		return not_found("''", ENOENT);
	if (!strchr(name, '/')) {
		err = search_path(prog, name);
	} else if (strlen(name) >= sizeof(prog->path)) {
		err = ENAMETOOLONG;
	} else {
		strcpy(prog->path, name);
		err = may_execute(name);
	}
	return err ? not_found(name, err) : 0;
}

/* --- What it is ------------------------------------------------------------------------------ */

static int cant_run(const char *path, const char *why)
{
	cli_say("%s: %s", path, why);
	return CLI_CANT_RUN;
}

/* Whether the kernel would run it with other rights than ours; then the loader ignores LD_PRELOAD.
 */
static int check_rights(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return cant_run(path, strerror(errno));
	if (st.st_mode & S_ISUID && st.st_uid != getuid())
		return cant_run(path,
			"a set-user-ID program: the loader lets nothing be preloaded into it");
	if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != getgid())
		return cant_run(path,
			"a set-group-ID program: the loader lets nothing be preloaded into it");
	if (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return cant_run(path,
			"a program with file capabilities: the loader lets nothing be preloaded "
			"into it");
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_loader(const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) && !strncmp(base_name(real), "ld-linux", 8);
}

/* A program of another C library has another loader. */
static bool same_loader(const struct elf_info *elf)
{
	struct elf_info own;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return true;
	ret = elf_read(fd, &own);
	close(fd);
	return ret || !own.has_interp || !strcmp(base_name(own.interp), base_name(elf->interp));
}

static int check_elf(const char *path, const struct elf_info *elf)
{
	if (!elf->native && elf->class == ELFCLASS32)
		return cant_run(
			path, "a 32-bit program: the preload library can't be loaded into it");
	if (!elf->native)
		return cant_run(path, "a program for another processor: the preload library can't "
				      "be loaded into it");
	if (!elf->has_interp && !is_loader(path))
		return cant_run(path, "statically linked: a preload library can't reach it");
	if (elf->has_interp && !same_loader(elf)) {
		cli_say("%s: linked against another C library (%s): the preload library can't be "
			"loaded into it",
			path, elf->interp);
		return CLI_CANT_RUN;
	}
	return 0;
}

/* The interpreter that a script names, into @interp. Return: false if it is no script. */
static bool read_shebang(int fd, char *interp)
{
	char line[SHEBANG_MAX];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	char *s = line + 2;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	s += strspn(s, " \t");
	s[strcspn(s, " \t")] = '\0';
	strcpy(interp, s);
	return true;
}

static int check_interpreter(
	struct program *prog, const char *script, const char *path, unsigned int depth);

static int check_file(struct program *prog, const char *path, int fd, unsigned int depth)
{
	char interp[SHEBANG_MAX];
	int ret;

	if (read_shebang(fd, interp))
		return check_interpreter(prog, path, interp, depth);
	ret = check_rights(path, fd);
	if (ret)
		return ret;
	ret = elf_read(fd, &prog->elf);
	if (ret == -ENOEXEC)
		return cant_run(path, "neither an ELF program nor a script that begins with #!");
	if (ret)
		return cant_run(path, strerror(-ret));
	return check_elf(path, &prog->elf);
}

static int check_path(struct program *prog, const char *path, unsigned int depth)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	/* It may be executable without being readable. */
	if (fd < 0 && errno == EACCES)
		return cant_run(path,
			"can't be read, so it can't be told whether a preload library reaches it");
	if (fd < 0)
		return not_found(path, errno);
	ret = check_file(prog, path, fd, depth);
	close(fd);
	return ret;
}

static int check_interpreter(
	struct program *prog, const char *script, const char *path, unsigned int depth)
{
	int err = may_execute(path), ret;

	if (depth == MAX_SCRIPTS)
		return cant_run(script, "its interpreters are scripts without end");
	if (err) {
		cli_say("%s: its interpreter '%s': %s", script, path, strerror(err));
		return CLI_CANT_RUN;
	}
	ret = check_path(prog, path, depth + 1);
	if (ret)
		cli_say("%s is the interpreter of %s", path, script);
	return ret;
}

int program_find(struct program *prog, const char *name)
{
	int ret = locate(prog, name);

	return ret ? ret : check_path(prog, prog->path, 0);
}
