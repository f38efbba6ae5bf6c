/* SPDX-License-Identifier: MIT */
/* Descriptors: copies, closing, children, sockets. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

static bool is_container(int fd)
{
	return ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION;
}

static bool works(struct client *c, void *mem)
{
	memset(mem, 0, PAGE);
	return client_fill(c, 0x10000, PAGE, 0x1122334455667788) &&
	       is_filled(mem, PAGE, 0x1122334455667788);
}

static void copies(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR), copy = dup(fd), high, file;

	ok(is_container(copy), "a copy by dup()");
	close(fd);
	ok(is_container(copy), "outlives the original");
	high = fcntl(copy, F_DUPFD_CLOEXEC, 100);
	ok(high >= 100 && is_container(high) && fcntl(high, F_GETFD) == FD_CLOEXEC,
		"a copy by fcntl()");
	ok(dup2(high, copy) == copy && is_container(copy), "a copy onto a copy");
	file = open("/dev/null", O_RDWR);
	ok(dup2(file, copy) == copy && !is_container(copy), "overwritten by another file");
	ok(dup2(high, file) == file && is_container(file), "overwrites another file");
	close(file);
	close(copy);
	ok(!close(high) && close(high) && errno == EBADF, "and closed");
	ok(ioctl(high, VFIO_GET_API_VERSION) < 0 && errno == EBADF, "is closed");
	ok(fclose(fdopen(open("/dev/vfio/vfio", O_RDWR), "r+")) == 0, "a stream can be closed");
}

/* The group is exclusive: that it can be opened again shows that the last close was one. */
static int open_group(void)
{
	char link[256];
	ssize_t len = readlink("/sys/bus/pci/devices/" BDF "/iommu_group", link, sizeof(link) - 1);

	link[len < 0 ? 0 : len] = '\0';
	snprintf(link + 128, 64, "/dev/vfio/%s", strrchr(link, '/') + 1);
	return open(link + 128, O_RDWR);
}

static void last_close(void)
{
	int fd = open_group(), copy;

	ok(fd >= 0 && open_group() < 0 && errno == EBUSY, "a group is opened once");
	copy = dup(fd);
	close(fd);
	ok(open_group() < 0 && errno == EBUSY, "it stays open while there's a copy");
	close(copy);
	fd = open_group();
	ok(fd >= 0, "and is closed with the last one");
	close(fd);
}

static void *wait_open(int *fd)
{
	for (int i = 0; i < 2000 && *fd < 0; i++) {
		*fd = open_group();
		usleep(1000);
	}
	return NULL;
}

static void remote_copy(void)
{
	int fd = open_group(), sync[2];
	char byte;
	pid_t pid;

	if (pipe(sync))
		bail_out("pipe");
	pid = fork();
	if (!pid) {
		close(sync[1]);
		_exit((int)read(sync[0], &byte, 1));
	}
	close(sync[0]);
	close(fd);
	ok(open_group() < 0 && errno == EBUSY, "a child's copy keeps it open");
	close(sync[1]);
	waitpid(pid, NULL, 0);
	fd = -1;
	wait_open(&fd);
	ok(fd >= 0, "until the child is gone");
	close(fd);
}

static int pass(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		bail_out("socketpair");
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(sv[0], &msg, 0) != 1)
		bail_out("sendmsg");
	close(fd);
	msg.msg_controllen = sizeof(control);
	if (recvmsg(sv[1], &msg, 0) != 1)
		bail_out("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	close(sv[0]);
	close(sv[1]);
	return fd;
}

static void passed(void)
{
	int fd = pass(open("/dev/vfio/vfio", O_RDWR));

	ok(is_container(fd), "a descriptor that came back on a socket");
	close(fd);
	fd = pass(open_group());
	ok(open_group() < 0 && errno == EBUSY, "is still open");
	close(fd);
	fd = -1;
	wait_open(&fd);
	ok(fd >= 0, "and can be closed");
	close(fd);
}

/* --- With the device at work ----------------------------------------------------------------- */

static void close_unknown(struct client *c, void *mem)
{
	struct dirent *ent;
	DIR *dir;
	int fds[3] = { c->container, c->group, c->device }, max = 0;

	for (int i = 0; i < 3; i++)
		max = fds[i] > max ? fds[i] : max;
	ok(!close_range((unsigned int)max + 1, ~0u, 0) && works(c, mem),
		"close_range() above ours leaves the engine alone");
	closefrom(max + 1);
	ok(works(c, mem), "so does closefrom()");
	for (int fd = max + 1; fd < 20000; fd++)
		close(fd);
	ok(works(c, mem), "so does a loop");
	dir = opendir("/proc/self/fd");
	while (dir && (ent = readdir(dir)))
		if (atoi(ent->d_name) > max && atoi(ent->d_name) != dirfd(dir))
			close(atoi(ent->d_name));
	closedir(dir);
	ok(works(c, mem), "so does one over /proc/self/fd");
}

static void child_uses(void *arg)
{
	struct client *c = arg;
	int version = ioctl(c->container, VFIO_GET_API_VERSION), err = errno;
	uint32_t val;

	if (version >= 0 || err != ENODEV)
		_exit(1);
	if (pread(c->device, &val, 4, (off_t)c->bar_offset) >= 0 || errno != ENODEV)
		_exit(2);
	if (close(c->container) || close(c->device))
		_exit(3);
	if (open("/dev/vfio/vfio", O_RDWR) < 0)
		_exit(4);
	if (open_group() >= 0 || errno != EBUSY)
		_exit(5);
}

static void child_touches(void *arg)
{
	struct client *c = arg;

	(void)reg32(c, REG_STATUS);
}

static void child_closes_all(void *arg)
{
	close_range(0, ~0u, 0);
}

static void child_execs(void *arg)
{
	execl("/bin/true", "true", (char *)NULL);
	_exit(1);
}

static void children(struct client *c, void *mem)
{
	int status = in_child(child_uses, c);

	ok(WIFEXITED(status) && !WEXITSTATUS(status), "a child's requests are refused (%d)",
		WEXITSTATUS(status));
	ok(works(c, mem), "and don't hurt");
	status = in_child(child_touches, c);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a child has no registers");
	in_child(child_closes_all, NULL);
	ok(works(c, mem), "a child closes all that it knows of");
	status = in_child(child_execs, NULL);
	ok(WIFEXITED(status) && !WEXITSTATUS(status) && works(c, mem),
		"a child executes a program");
	ok(system("exit 3") == 3 << 8 && works(c, mem), "a shell");
	status = (int)vfork();
	if (!status) {
		close(c->device);
		close_range(3, ~0u, 0);
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	waitpid(status, NULL, 0);
	ok(works(c, mem), "a child of vfork() closes its copies only");
}

int main(void)
{
	struct client c;
	void *mem = new_pages(PAGE);

	copies();
	last_close();
	remote_copy();
	passed();
	client_open(&c);
	ok(!client_map(&c, mem, 0x10000, PAGE) && works(&c, mem), "the device works");
	close_unknown(&c, mem);
	children(&c, mem);
	client_close(&c);
	client_open(&c);
	ok(!client_map(&c, mem, 0x10000, PAGE) && works(&c, mem), "a second time");
	ok(!close_range(3, ~0u, 0) && open("/dev/null", O_RDONLY) == 3, "all is closed at once");
	munmap((void *)c.bar, PAGE);
	client_open(&c);
	ok(!client_map(&c, mem, 0x10000, PAGE) && works(&c, mem), "a third time");
	return done_testing();
}
