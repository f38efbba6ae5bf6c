/* SPDX-License-Identifier: MIT */
/* Threads of devices, inside a program that doesn't expect any. */
#ifndef UIOMMU_DEV_THREAD_H
#define UIOMMU_DEV_THREAD_H

#include <pthread.h>

/**
 * dev_thread_start() - start a thread that takes no signals of the program
 * @name: for ps and debuggers, up to 15 characters
 *
 * Only faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL) are left unblocked.
 * Return: 0, -EAGAIN.
 */
int dev_thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

#endif
