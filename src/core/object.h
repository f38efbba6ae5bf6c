/* SPDX-License-Identifier: MIT */
/*
 * Contexts and their objects.
 *
 * A context is one open of /dev/iommu. It holds objects by id. Life of an object: allocate (the id
 * is reserved, lookups don't see it), finish everything that can fail, publish; or abort. An object
 * counts its users: one for being in the table, one for each dependent, attachment, descriptor, and
 * request under way. It can be destroyed by id while the table is its only user.
 */
#ifndef UIOMMU_CORE_OBJECT_H
#define UIOMMU_CORE_OBJECT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/idtable.h"

struct core;
struct ctx;
struct ioas;
struct obj;

enum obj_type {
	OBJ_DEVICE,
	OBJ_IOAS,
	OBJ_HWPT_PAGING,
};
#define OBJ_BIT(type) (1u << (type))
#define OBJ_ANY	      UINT32_MAX

struct obj_ops {
	enum obj_type type;
	const char *name; /* for explanations */
	/* Releases what it holds and frees it; it is in no table any more. Never fails. No lock
	 * held. */
	void (*destroy)(struct obj *obj);
};

struct obj {
	const struct obj_ops *ops;
	struct ctx *ctx;
	uint32_t id;
	uint32_t users; /* ctx->lock; 0: it is out of the table */
	/* Is destroyed when the table becomes its only user; constant once somebody else may be
	 * one. */
	bool transient;
};

/* How pinned pages are accounted; contract of the RLIMIT_MODE option. */
enum rlimit_mode {
	RLIMIT_MODE_USER,
	RLIMIT_MODE_PROCESS,
};

struct ctx {
	struct core *core;
	pthread_mutex_t lock; /* all below, and users of the objects; innermost */
	pthread_cond_t idle;  /* the table has become an object's only user */
	struct idtable objs;
	uint32_t refs; /* the descriptor's file, bound devices */
	enum rlimit_mode rlimit_mode;
	struct ioas *compat; /* the IOAS of the VFIO type 1 requests */
	bool container;	     /* opened as VFIO's container; constant */
	bool no_iommu;
};

/* Return: 0, -ENOMEM. */
int ctx_new(struct core *core, enum rlimit_mode mode, struct ctx **out);
void ctx_get(struct ctx *ctx);
/* The last reference destroys whatever the client left behind. */
void ctx_put(struct ctx *ctx);
/* Objects in the table, reserved ids included. */
size_t ctx_objects(struct ctx *ctx);

/* Allocates @size bytes, zeroed, of which a struct obj is the head, and an id. Return: 0, -ENOMEM.
 */
int obj_new(struct ctx *ctx, const struct obj_ops *ops, size_t size, struct obj **out);
/* Lookups see it from now on. The caller is a user besides the table: a client that guesses the id
 * can't destroy it before the caller's obj_put(). */
void obj_publish(struct obj *obj);
/* Gives the id back and frees the memory; its destroy() isn't called. */
void obj_abort(struct obj *obj);

/* The object of that id if it is of one of @types, with one more user; NULL otherwise. */
struct obj *obj_get(struct ctx *ctx, uint32_t id, uint32_t types);
void obj_hold(struct obj *obj);
/* Whoever finds it elsewhere than in the table, where it may be found while it is being destroyed.
 * Return: false if it is; no user was added. */
bool obj_hold_live(struct obj *obj);
/* Context: as the destroy() of a transient object. */
void obj_put(struct obj *obj);

/* IOMMU_DESTROY. Return: 0; -ENOENT; -EBUSY other users, without side effect. */
int obj_destroy_id(struct ctx *ctx, uint32_t id);
/* Its owner takes it away: out of the table, destroyed once the requests that are using it have
 * ended. Only they may be users besides the table. */
void obj_destroy(struct obj *obj);

#endif
