/* SPDX-License-Identifier: MIT */
/*
 * A program as anybody would write it for VFIO, from public headers only, with a dmatest device
 * (src/dev/dmatest.c says what its registers do). Each test prints TAP.
 */
#ifndef TESTS_E2E_PRELOAD_CLIENT_H
#define TESTS_E2E_PRELOAD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BDF  "0000:01:00.0"
#define PAGE 4096u

#define REG_SRC	    0x00
#define REG_DST	    0x08
#define REG_LEN	    0x10
#define REG_PATTERN 0x18
#define REG_STATUS  0x44
#define REG_CMD	    0x48

enum {
	CMD_COPY = 1,
	CMD_FILL,
	CMD_ADD,
};

struct client {
	int container, group, device;
	volatile uint8_t *bar;
	uint64_t bar_offset, bar_size;
};

/* Prints a line of TAP, counts. */
void ok(bool cond, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the plan. Return: exit status. */
int done_testing(void);
/* Ends the program, with errno. */
void bail_out(const char *what) __attribute__((noreturn));

/* Opens the device through a container, maps its registers, enables bus mastering. */
void client_open(struct client *c);
void client_close(struct client *c);

int client_map(struct client *c, void *mem, uint64_t iova, size_t len);
int client_unmap(struct client *c, uint64_t iova, size_t len);

uint64_t reg64(struct client *c, unsigned int at);
void reg64_set(struct client *c, unsigned int at, uint64_t val);
uint32_t reg32(struct client *c, unsigned int at);
void reg32_set(struct client *c, unsigned int at, uint32_t val);

/* Does a command and waits. Return: whether it is done. */
bool client_command(struct client *c, uint32_t cmd);
bool client_fill(struct client *c, uint64_t dst, uint32_t len, uint64_t pattern);
bool client_copy(struct client *c, uint64_t src, uint64_t dst, uint32_t len);

/* Whether all of memory is this. */
bool is_filled(const void *mem, size_t len, uint64_t pattern);
void *new_pages(size_t len);
/* Runs @fn in a child. Return: as of waitpid(). */
int in_child(void (*fn)(void *arg), void *arg);

#endif
