/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the engine's own.
 *
 * The engine may live in a process that counts its descriptors, expects the lowest free number from
 * open(), or closes all that it doesn't know. So its own ones are moved to high numbers, and a
 * front end that sees the program's close() may be told which they are.
 */
#ifndef UIOMMU_BASE_FD_H
#define UIOMMU_BASE_FD_H

struct base_fd_hooks {
	void (*owned)(int fd);	 /* it is the engine's from now on */
	void (*closing)(int fd); /* it is about to be closed by the engine */
};

/* Before the engine opens anything. @hooks stays valid; NULL: none. */
void base_fd_set_hooks(const struct base_fd_hooks *hooks);

/**
 * base_fd_own() - take a fresh descriptor over
 * @fd: what a system call returned: negative means that it failed, and errno says why
 *
 * Moves it above the numbers that programs use, where that's possible; close-on-exec. Return: the
 * descriptor; -errno.
 */
int base_fd_own(int fd);
/* Closes an owned descriptor; negative ones are ignored. */
void base_fd_close(int fd);

#endif
