/* SPDX-License-Identifier: MIT */
/*
 * Inside of the NVMe controller.
 *
 * Threads. Register accesses, open, close and reset come on clients' threads, one at a time.
 * Everything else happens on the controller's own thread, which exists from the first CC.EN = 1 to
 * close(): queues, commands, features and logs are its alone and need no lock. The two sides meet
 * in few places:
 *
 * - struct registers: what clients write is stored atomically and counted in `changes`. The thread
 *   looks at the count once per round and does what the difference to its own state asks for. A
 *   controller reset counts `resets`, so that clearing and setting CC.EN in quick succession isn't
 * missed.
 * - doorbells: plain memory, read with atomics (uiommu_pdev_doorbells). doorbell() only wakes the
 * thread.
 * - interrupt lines (interrupt.c): what the level of INTx depends on is kept in atomics, because a
 *   client's store to a doorbell must lower it at once.
 * - the kick eventfd: the thread sleeps on it alone; completed host I/O signals it as well.
 *
 * A command lives in a slot with its data buffer. The number of slots bounds what is in flight; a
 * command is fetched only if a slot is free and its completion queue will have room for the
 * completion, so that posting never waits. Host I/O works on the slot's buffer, never on the
 * client's memory; DMA is done by this thread when a command starts (to the device) or ends (from
 * it).
 *
 * A command proceeds in steps: whoever starts host I/O for it sets `step`, which is called with the
 * result. A handler's last act is to complete the command, or to have set a step.
 */
#ifndef UIOMMU_DEV_NVME_CTRL_H
#define UIOMMU_DEV_NVME_CTRL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <uiommu/device.h>

#include "dev/nvme/aio.h"
#include "dev/nvme/drive.h"
#include "dev/nvme/nvme_spec.h"

#define NS_MAX	       16u
#define QUEUES_MAX     65u /* with the admin queue */
#define QUEUE_SIZE_MAX 4096u
#define SLOTS	       256u
#define FETCH_BATCH    64u
#define POST_BATCH     64u
#define SEGS_MAX       1024u
#define PAGE_LG2_MIN   12u
#define PAGE_LG2_MAX   16u
#define ERROR_ENTRIES  64u
#define EVENT_REQUESTS 4u
#define EVENTS_MAX     4u
#define MSI_VECTORS    32u
#define DOORBELLS_SIZE 4096u
#define TEMPERATURE    313u /* kelvin; nothing here gets warmer */

struct ctrl;
struct cmd;

/* --- What the options say ----------------------------------------------------------------------
 */

struct ns_options {
	char *path; /* NULL: no such namespace */
};

struct options {
	struct ns_options ns[NS_MAX];
	uint8_t lba_lg2;
	bool readonly;
	unsigned int queues; /* I/O queue pairs */
	uint8_t mdts;	     /* limit of a transfer: 4096 << mdts bytes */
	enum aio_kind aio;
	bool msi, msix;
	char serial[21];
};

/* options.c. Return: 0; -errno with a message. */
int options_parse(struct options *o, const struct uiommu_option *opt, unsigned int nopt,
	const char *name, char *err, size_t errlen);
void options_fini(struct options *o);
extern const struct uiommu_option_desc options_table[];

/* --- Registers ----------------------------------------------------------------------------------
 */

struct registers {
	_Atomic uint32_t cc, csts, intm, aqa;
	_Atomic uint64_t asq, acq;
	_Atomic uint32_t changes; /* of CC, and whatever else the thread must look at */
	_Atomic uint32_t resets;
	_Atomic uint32_t resets_done; /* written by the thread, under ctrl.lock */
};

uint64_t regs_read(struct ctrl *c, uint64_t off, unsigned int size);
void regs_write(struct ctrl *c, uint64_t off, unsigned int size, uint64_t val);
/* Something has changed that the thread must look at. */
void regs_changed(struct ctrl *c);
/* As after power-on. Once this has returned there's no DMA of before. */
void regs_reset(struct ctrl *c);
extern const struct uiommu_poll_reg regs_polled[];
extern const unsigned int regs_npolled;

/* --- Queues --------------------------------------------------------------------------------------
 */

struct cq {
	bool live, ien;
	bool phase;
	uint16_t id, vector;
	uint32_t size, head, tail;
	uint32_t reserved; /* completions that commands in flight will post */
	unsigned int sqs;  /* submission queues that use this one */
	uint64_t base;
	unsigned int nbatch;
	struct nvme_cqe batch[POST_BATCH];
};

struct sq {
	bool live;
	uint16_t id;
	uint32_t size, head, tail;
	unsigned int inflight;
	uint64_t base;
	struct cq *cq;
	struct cmd *deletion; /* the Delete command that waits for the commands in flight */
};

/* --- Commands ------------------------------------------------------------------------------------
 */

#define SEG_BUCKET (UINT64_C(1) << 63) /* in a segment's length: the data goes nowhere */

struct cmd {
	struct aio_req req; /* first: aio returns it */
	struct cmd *next;   /* free list */
	void (*step)(struct ctrl *c, struct cmd *cmd, int res);
	struct sq *sq;
	struct nvme_sqe sqe; /* copied once */
	uint8_t *buf;	     /* ctrl.buf_size bytes */
	struct uiommu_dma_seg *seg;
	unsigned int nseg;
	bool has_bucket;
	uint32_t len; /* bytes of data */
	/* Of the commands that take several steps. */
	void (*after)(struct ctrl *c, struct cmd *cmd, int res);
	unsigned int index;
	int err;
	uint64_t pos, end;
};

struct namespace
{
	bool live;
	struct drive drive;
	uint64_t blocks;
};

struct event {
	uint8_t type, info, page;
};

/* aer.c */
struct events {
	uint16_t cid[EVENT_REQUESTS]; /* outstanding requests */
	unsigned int nrequests;
	struct event queue[EVENTS_MAX];
	unsigned int nqueue;
	uint32_t masked; /* types that were reported and not read since */
};

struct features {
	uint32_t arbitration, power, temperature_over, temperature_under, write_cache;
	uint32_t coalescing, atomicity, async_events;
	uint32_t error_recovery[NS_MAX];
	bool no_coalescing[QUEUES_MAX]; /* per vector */
	uint16_t nsq, ncq;		/* I/O queues that were allocated */
};

struct logs {
	struct nvme_error_entry error[ERROR_ENTRIES];
	uint64_t nerrors;
	uint64_t units_read, units_written, read_rest, write_rest; /* 512 bytes; see logs.c */
	uint64_t reads, writes, media_errors, cycles, unsafe_shutdowns;
	bool degraded;
	uint64_t started; /* seconds */
};

struct irq_line {
	_Atomic uint32_t live; /* the queue exists and interrupts */
	_Atomic uint32_t tail, vector;
};

struct ctrl {
	struct uiommu_pdev *pdev;
	struct options opt;
	struct registers regs;
	struct namespace ns[NS_MAX];
	uint32_t nn;
	uint32_t buf_size;

	/* Of open() and close(). */
	int kick_fd;
	struct uiommu_dma *dma;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock; /* regs.resets_done and its condition */
	pthread_cond_t cond;
	atomic_bool quit;
	pthread_mutex_t sleep_lock; /* whoever finds the thread asleep, and wakes it */
	atomic_bool sleeping;	    /* a wake-up has to go through the eventfd */
	bool opened; /* direct stores were asked for; the thread's, under the lock while it sleeps
		      */
	bool burst;  /* the thread had many commands when it was awake last; likewise */
	atomic_bool bad_doorbell; /* a store hit a register that isn't there */
	atomic_bool db_live[2 * QUEUES_MAX];

	pthread_mutex_t irq_lock; /* the pin's level and held messages */
	struct irq_line line[QUEUES_MAX];
	uint32_t msi_held; /* vectors that INTMS has held back */
	bool pin;

	/* The thread's alone. */
	struct aio *aio;
	uint32_t *doorbells;
	uint32_t changes_seen, resets_seen;
	bool enabled; /* the admin queue works */
	bool halted;  /* a fatal error or a shutdown: nothing is fetched */
	bool fatal;   /* nothing is posted either */
	uint8_t page_lg2;
	struct cq cq[QUEUES_MAX];
	struct sq sq[QUEUES_MAX];
	struct sq *active[QUEUES_MAX];
	unsigned int nactive;
	unsigned int first;	      /* of `active`: whose turn it is */
	struct cq *dirty[QUEUES_MAX]; /* with a batch to post */
	unsigned int ndirty;
	struct cmd *free_cmds, *cmds;
	unsigned int nfree;
	uint64_t served; /* commands that were fetched */
	void *arena;
	size_t arena_size;
	enum {
		SHUTDOWN_NONE,
		SHUTDOWN_DRAIN,
		SHUTDOWN_SYNC,
		SHUTDOWN_DONE
	} shutdown;
	bool abrupt;
	struct events events;
	struct features feat;
	struct logs logs;
	struct nvme_sqe fetched[FETCH_BATCH];
};

/* thread.c: the life of the thread; called on a client's thread. */
int thread_start(struct ctrl *c);
void thread_stop(struct ctrl *c);
void thread_kick(struct ctrl *c);
/* As thread_kick(), because of a store that trapped: more of them may be about to come. */
void thread_ring(struct ctrl *c);
/* The reset that was counted last has been done: no DMA of before, registers as after reset. */
void thread_wait_reset(struct ctrl *c);

/* Waits, on the thread, until no host I/O is in flight; the requests' commands aren't told. */
void thread_drain(struct ctrl *c);

/* control.c: enabling, resetting, shutting down; on the thread. */
void control_apply(struct ctrl *c);
void control_fatal(struct ctrl *c);
/* Return: whether a shutdown got further. */
bool control_shutdown(struct ctrl *c);

/* round.c: one look at everything; on the thread. Return: whether there was anything to do. */
bool round_run(struct ctrl *c);

/* pool.c: command slots. */
int pool_new(struct ctrl *c);
/* Every slot is free again. */
void pool_reset(struct ctrl *c);
void pool_free(struct ctrl *c);
static inline struct cmd *cmd_get(struct ctrl *c)
{
	struct cmd *cmd = c->free_cmds;

	if (cmd) {
		c->free_cmds = cmd->next;
		c->nfree--;
	}
	return cmd;
}
static inline void cmd_put(struct ctrl *c, struct cmd *cmd)
{
	cmd->next = c->free_cmds;
	c->free_cmds = cmd;
	c->nfree++;
}

/* queue.c */
void cq_init(struct ctrl *c, uint16_t id, uint64_t base, uint32_t size, uint16_t vector, bool ien);
void cq_fini(struct ctrl *c, struct cq *cq);
void sq_init(struct ctrl *c, uint16_t id, uint64_t base, uint32_t size, struct cq *cq);
void sq_fini(struct ctrl *c, struct sq *sq);
/* Entries that may still be promised to commands. */
uint32_t cq_room(struct ctrl *c, struct cq *cq);
bool sq_serve(struct ctrl *c, struct sq *sq);
/* Puts a completion into the queue's batch; room has been made sure of. */
void cq_add(struct ctrl *c, struct cq *cq, const struct nvme_cqe *cqe);
void cq_post(struct ctrl *c);
/* doorbell.c: the window, and what is wrong with what is in it. */
static inline uint32_t db_load(const struct ctrl *c, unsigned int i)
{
	return __atomic_load_n(&c->doorbells[i], __ATOMIC_ACQUIRE);
}
#define DB_TAIL(sqid) (2u * (sqid))
#define DB_HEAD(cqid) (2u * (cqid) + 1u)
void db_enable(struct ctrl *c, unsigned int i);
void db_disable(struct ctrl *c, unsigned int i);
void db_reset(struct ctrl *c);
/* @bad was found in doorbell @i: puts back @good and reports the event. */
void db_invalid(struct ctrl *c, unsigned int i, uint32_t bad, uint32_t good);
/* Reports stores to doorbells of queues that don't exist. Return: whether there were any. */
bool db_scan(struct ctrl *c);
/* A store that trapped; any thread. */
void db_stored(struct ctrl *c, uint64_t off);

/* The command is over; @status is an enum nvme_sc with DNR where it applies. */
void cmd_complete(struct ctrl *c, struct cmd *cmd, uint32_t status);
void cmd_complete_result(struct ctrl *c, struct cmd *cmd, uint32_t status, uint32_t result);
static inline void cmd_refuse(struct ctrl *c, struct cmd *cmd, enum nvme_sc status)
{
	cmd_complete(c, cmd, status | NVME_SC_DNR);
}
/* Sends cmd->req to the host; @step gets the result. */
void cmd_io(struct ctrl *c, struct cmd *cmd, struct namespace *ns, enum aio_op op,
	void (*step)(struct ctrl *, struct cmd *, int));

/* dataptr.c: PRPs and SGLs. All return a status; data_map() fills the command's segments. */
uint32_t data_map(struct ctrl *c, struct cmd *cmd, uint32_t len, bool to_client);
uint32_t data_to_client(struct ctrl *c, struct cmd *cmd, const void *buf);
uint32_t data_from_client(struct ctrl *c, struct cmd *cmd, void *buf);
/* An admin command's answer in one call. */
uint32_t data_answer(struct ctrl *c, struct cmd *cmd, const void *buf, uint32_t len);

/* interrupt.c */
void irq_queue_init(struct ctrl *c, const struct cq *cq);
void irq_queue_fini(struct ctrl *c, const struct cq *cq);
void irq_posted(struct ctrl *c, const struct cq *cq);
/* A completion queue's head doorbell was written; any thread. */
void irq_head_moved(struct ctrl *c);
void irq_mask_changed(struct ctrl *c);
void irq_reset(struct ctrl *c);
bool irq_is_pin(const struct ctrl *c);
unsigned int irq_vectors(const struct ctrl *c);

/* Commands. */
void admin_start(struct ctrl *c, struct cmd *cmd);
void admin_sq_idle(
	struct ctrl *c, struct sq *sq); /* a queue under deletion has no more in flight */
void identify_start(struct ctrl *c, struct cmd *cmd);
void features_get(struct ctrl *c, struct cmd *cmd);
void features_set(struct ctrl *c, struct cmd *cmd);
void features_reset(struct ctrl *c);
void io_start(struct ctrl *c, struct cmd *cmd);
/* What a host error is to the client. */
uint32_t io_status(struct ctrl *c, struct cmd *cmd, int res);
struct namespace *ns_get(struct ctrl *c, uint32_t nsid);
/* Syncs every drive from cmd->index on, one after the other, then @done. */
void io_sync_all(struct ctrl *c, struct cmd *cmd, void (*done)(struct ctrl *, struct cmd *, int));

/* logs.c */
void logs_start(struct ctrl *c);
void logs_get(struct ctrl *c, struct cmd *cmd);
void logs_error(struct ctrl *c, const struct cmd *cmd, uint32_t status);
void logs_error_doorbell(struct ctrl *c, uint16_t sqid);
void logs_count(struct ctrl *c, bool write, uint32_t len);
uint8_t logs_warnings(const struct ctrl *c);

/* aer.c */
void events_reset(struct ctrl *c);
void events_request(struct ctrl *c, struct cmd *cmd);
/* Return: whether a request of that id was outstanding, and has been aborted. */
bool events_abort(struct ctrl *c, uint16_t cid);
void events_raise(struct ctrl *c, uint8_t type, uint8_t info);
/* A log page has been read: its type of event may be reported again. */
void events_read(struct ctrl *c, uint8_t page);
/* Critical warnings may have changed. */
void events_warnings(struct ctrl *c, uint8_t before);
/* Reports what there is, as far as the completion queue has room. Return: whether it did. */
bool events_deliver(struct ctrl *c);

#endif
