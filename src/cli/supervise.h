/* SPDX-License-Identifier: MIT */
/*
 * Two processes look after a run:
 *
 *     the caller's process        the one that the shell knows. Passes signals on to the program,
 * stops |                         and continues with it, reports what it counted, ends as it ended.
 *       +-- the keeper            holds the run's directory and drives for as long as any process
 * of the |                   run lives; then removes the directory. Ignores signals.
 *             +-- the program
 *
 * The keeper adopts whatever the program leaves behind (it is a subreaper), so that it knows when
 * the last descendant has gone: a program that turns itself into a daemon goes on working after
 * `uiommu run` has returned, and nobody else gets its drives. Only where there are no descendants
 * does the caller's process wait for the keeper, so that nothing is left of the run once it
 * returns.
 */
#ifndef UIOMMU_CLI_SUPERVISE_H
#define UIOMMU_CLI_SUPERVISE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cli/rundir.h"

/* Of the caller's: what the program shall have, and we don't. */
struct inherited {
	sigset_t mask;
	void (*on_child)(int); /* disposition of SIGCHLD */
};

struct launch {
	struct inherited inherited;
	const char *path;
	char **argv;
	struct rundir *dir;
	const int *keep; /* descriptors that the keeper holds, besides the directory's lock */
	unsigned int nkeep;
};

struct supervision {
	pid_t keeper, pid; /* pid: the program's */
	int chan;	   /* socket to the keeper */
	bool started;
	int exec_err; /* positive; the program couldn't be started */
	int status;   /* of the program, as waitpid() gives it */
	bool left;    /* descendants live on */
};

/*
 * From here on signals wait for the program that is to have them: to be called before anything is
 * made that a signal's default action would leave behind.
 */
void supervise_begin(struct inherited *inherited);
/* Starts the program and waits for its end. Return: 0; -errno if the keeper can't be started or was
 * killed. */
int supervise(struct supervision *sup, const struct launch *launch);
/* Lets the keeper finish; waits for it unless descendants live on. */
void supervise_end(struct supervision *sup);

/* The keeper's process. */
_Noreturn void keeper_main(const struct launch *launch, int chan);

/* What the keeper tells, one packet each. */
enum keeper_event {
	KEEPER_STARTED,	  /* value: process id */
	KEEPER_FAILED,	  /* value: errno of exec or fork */
	KEEPER_STOPPED,	  /* value: signal */
	KEEPER_CONTINUED, /* value: 0 */
	KEEPER_ENDED,	  /* value: wait status */
};
struct keeper_msg {
	enum keeper_event event;
	int value;
	bool left; /* with ENDED: descendants live on */
};

#endif
