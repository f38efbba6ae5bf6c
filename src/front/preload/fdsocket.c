/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/fdsocket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NAME "uiommu/"

static uint64_t inode(int fd)
{
	struct stat st;

	return real()->fstat(fd, &st) ? 0 : st.st_ino;
}

/* A socket without a name works too; it only can't be recognised elsewhere. */
static void name_socket(int fd, uint64_t socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, NAME "%d/%llx",
		(int)getpid(), (unsigned long long)socket);

	(void)bind(fd, (struct sockaddr *)&addr,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len));
}

int fdsocket_pair(int flags, int *peer, uint64_t *socket)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	if (!(flags & O_CLOEXEC))
		real()->fcntl(sv[0], F_SETFD, 0);
	if (flags & O_NONBLOCK)
		real()->fcntl(sv[0], F_SETFL, O_NONBLOCK);
	*socket = inode(sv[0]);
	name_socket(sv[0], *socket);
	*peer = sv[1];
	return sv[0];
}

bool fdsocket_hung_up(int peer)
{
	struct pollfd pfd = { .fd = peer };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLHUP;
}

bool fdsocket_is_ours(int fd, pid_t *home, uint64_t *socket)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);
	size_t at = offsetof(struct sockaddr_un, sun_path) + 1;
	char *end;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) || addr.sun_family != AF_UNIX ||
		len <= at + strlen(NAME) || len >= sizeof(addr) || addr.sun_path[0] ||
		memcmp(addr.sun_path + 1, NAME, strlen(NAME)))
		return false;
	((char *)&addr)[len] = '\0';
	*home = (pid_t)strtol(addr.sun_path + 1 + strlen(NAME), &end, 10);
	if (*end != '/')
		return false;
	*socket = strtoull(end + 1, NULL, 16);
	return *socket == inode(fd);
}
