/* SPDX-License-Identifier: MIT */
/* The `uiommu` command: what its files share. */
#ifndef UIOMMU_CLI_CLI_H
#define UIOMMU_CLI_CLI_H

/* Exit statuses of our own; otherwise the program's. As env(1) and timeout(1) have them. */
enum {
	CLI_USAGE = 2,	     /* options, topology, drives */
	CLI_FAILED = 125,    /* we can't do it: no memory, no directory ... */
	CLI_CANT_RUN = 126,  /* the program is there but can't be run this way */
	CLI_NOT_FOUND = 127, /* no such program */
};

/* "uiommu: ..." and a newline, to standard error. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, with what to read. Return: CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int run_main(int argc, char **argv);
int devices_main(int argc, char **argv);

/* Text of `uiommu help COMMAND`. */
extern const char run_help[];
extern const char devices_help[];

#endif
