/* SPDX-License-Identifier: MIT */
#include "core/object.h"

#include <errno.h>

#include "base/mem.h"
#include "base/refuse.h"

int ctx_new(struct core *core, enum rlimit_mode mode, struct ctx **out)
{
	struct ctx *ctx = base_zalloc(sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	ctx->core = core;
	ctx->refs = 1;
	ctx->rlimit_mode = mode;
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_cond_init(&ctx->idle, NULL);
	idtable_init(&ctx->objs);
	*out = ctx;
	return 0;
}

void ctx_get(struct ctx *ctx)
{
	pthread_mutex_lock(&ctx->lock);
	ctx->refs++;
	pthread_mutex_unlock(&ctx->lock);
}

static void table_leave_locked(struct obj *obj)
{
	idtable_remove(&obj->ctx->objs, obj->id);
	obj->users = 0;
	/* Type 1 requests find their address space without its id. */
	if ((struct obj *)obj->ctx->compat == obj)
		obj->ctx->compat = NULL;
}

/* Takes one object out of the table that nothing else uses, NULL if there is none. */
static struct obj *unused_take(struct ctx *ctx)
{
	struct obj *obj;
	uint32_t id = 0;

	while ((obj = idtable_next(&ctx->objs, &id))) {
		if (obj->users == 1) {
			table_leave_locked(obj);
			return obj;
		}
	}
	return NULL;
}

static void ctx_free(struct ctx *ctx)
{
	struct obj *obj;

	for (;;) {
		pthread_mutex_lock(&ctx->lock);
		obj = unused_take(ctx);
		pthread_mutex_unlock(&ctx->lock);
		if (!obj)
			break;
		obj->ops->destroy(obj);
	}
	idtable_fini(&ctx->objs);
	pthread_cond_destroy(&ctx->idle);
	pthread_mutex_destroy(&ctx->lock);
	base_free(ctx);
}

void ctx_put(struct ctx *ctx)
{
	uint32_t refs;

	pthread_mutex_lock(&ctx->lock);
	refs = --ctx->refs;
	pthread_mutex_unlock(&ctx->lock);
	if (!refs)
		ctx_free(ctx);
}

size_t ctx_objects(struct ctx *ctx)
{
	size_t count;

	pthread_mutex_lock(&ctx->lock);
	count = ctx->objs.count;
	pthread_mutex_unlock(&ctx->lock);
	return count;
}

int obj_new(struct ctx *ctx, const struct obj_ops *ops, size_t size, struct obj **out)
{
	struct obj *obj = base_zalloc(size);
	int err;

	if (!obj)
		return -ENOMEM;
	obj->ops = ops;
	obj->ctx = ctx;
	pthread_mutex_lock(&ctx->lock);
	err = idtable_reserve(&ctx->objs, &obj->id);
	pthread_mutex_unlock(&ctx->lock);
	if (err) {
		base_free(obj);
		return err;
	}
	*out = obj;
	return 0;
}

void obj_publish(struct obj *obj)
{
	pthread_mutex_lock(&obj->ctx->lock);
	obj->users = 2;
	idtable_publish(&obj->ctx->objs, obj->id, obj);
	pthread_mutex_unlock(&obj->ctx->lock);
}

void obj_abort(struct obj *obj)
{
	pthread_mutex_lock(&obj->ctx->lock);
	idtable_remove(&obj->ctx->objs, obj->id);
	pthread_mutex_unlock(&obj->ctx->lock);
	base_free(obj);
}

struct obj *obj_get(struct ctx *ctx, uint32_t id, uint32_t types)
{
	struct obj *obj;

	pthread_mutex_lock(&ctx->lock);
	obj = idtable_get(&ctx->objs, id);
	if (obj && (types & OBJ_BIT(obj->ops->type)))
		obj->users++;
	else
		obj = NULL;
	pthread_mutex_unlock(&ctx->lock);
	return obj;
}

void obj_hold(struct obj *obj)
{
	pthread_mutex_lock(&obj->ctx->lock);
	obj->users++;
	pthread_mutex_unlock(&obj->ctx->lock);
}

bool obj_hold_live(struct obj *obj)
{
	bool live;

	pthread_mutex_lock(&obj->ctx->lock);
	live = obj->users;
	obj->users += live;
	pthread_mutex_unlock(&obj->ctx->lock);
	return live;
}

void obj_put(struct obj *obj)
{
	/* The last user but the table may be followed at once by a destroy that frees the object.
	 */
	struct ctx *ctx = obj->ctx;
	bool gone = false;

	pthread_mutex_lock(&ctx->lock);
	if (--obj->users == 1) {
		gone = obj->transient;
		if (gone)
			table_leave_locked(obj);
		else
			pthread_cond_broadcast(&ctx->idle);
	}
	pthread_mutex_unlock(&ctx->lock);
	if (gone)
		obj->ops->destroy(obj);
}

int obj_destroy_id(struct ctx *ctx, uint32_t id)
{
	struct obj *obj;
	uint32_t users = 0;

	pthread_mutex_lock(&ctx->lock);
	obj = idtable_get(&ctx->objs, id);
	if (obj)
		users = obj->users;
	if (users == 1)
		table_leave_locked(obj);
	pthread_mutex_unlock(&ctx->lock);
	if (!obj)
		return refuse(ENOENT, "an id names an object of this context", "id %u", id);
	if (users != 1)
		return refuse(EBUSY, "an object is destroyed after everything that uses it",
			"object %u has %u users besides the table", id, users - 1);
	obj->ops->destroy(obj);
	return 0;
}

void obj_destroy(struct obj *obj)
{
	struct ctx *ctx = obj->ctx;

	pthread_mutex_lock(&ctx->lock);
	idtable_remove(&ctx->objs, obj->id);
	while (obj->users > 1)
		pthread_cond_wait(&ctx->idle, &ctx->lock);
	obj->users = 0;
	pthread_mutex_unlock(&ctx->lock);
	obj->ops->destroy(obj);
}
