/* SPDX-License-Identifier: MIT */
#include "api/soft.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "abi/file.h"
#include "base/idtable.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "system/sys.h"

struct soft {
	struct provider provider;
	struct abi_caller caller;
	struct sys *sys;
	pthread_mutex_t lock;
	struct idtable files; /* struct abi_file by handle, a reference each; lock */
};

static struct soft *soft_of(struct provider *p)
{
	return (struct soft *)p;
}

/* --- The caller: this process, whose descriptors of ours are handles ----------------------------
 */

static struct soft *soft_of_caller(const struct abi_caller *caller)
{
	return (struct soft *)((char *)caller - offsetof(struct soft, caller));
}

static int trusted_in(const struct abi_caller *caller, void *to, uintptr_t from, size_t len)
{
	if (len)
		memcpy(to, (const void *)from, len);
	return 0;
}

static int trusted_out(const struct abi_caller *caller, uintptr_t to, const void *from, size_t len)
{
	if (len)
		memcpy((void *)to, from, len);
	return 0;
}

/* With a reference, NULL if the handle isn't open. */
static struct abi_file *file_get(struct soft *soft, int handle)
{
	struct abi_file *file;

	pthread_mutex_lock(&soft->lock);
	file = handle > 0 ? idtable_get(&soft->files, (uint32_t)handle) : NULL;
	if (file)
		abi_file_get(file);
	pthread_mutex_unlock(&soft->lock);
	return file;
}

/* Takes the reference over on success. Return: a handle, -EMFILE. */
static int file_install(struct soft *soft, struct abi_file *file)
{
	uint32_t handle;
	int err;

	pthread_mutex_lock(&soft->lock);
	err = idtable_reserve(&soft->files, &handle);
	if (!err)
		idtable_publish(&soft->files, handle, file);
	pthread_mutex_unlock(&soft->lock);
	return err ? -EMFILE : (int)handle;
}

static struct abi_file *caller_file_get(const struct abi_caller *caller, int fd, bool *open)
{
	struct abi_file *file = file_get(soft_of_caller(caller), fd);

	*open = file;
	return file;
}

static int caller_file_install(const struct abi_caller *caller, struct abi_file *file)
{
	return file_install(soft_of_caller(caller), file);
}

static struct abi_caller caller_make(enum soft_pointers pointers)
{
	struct abi_caller caller = abi_self;

	if (pointers == SOFT_TRUSTED) {
		caller.copy_in = trusted_in;
		caller.copy_out = trusted_out;
	}
	caller.file_get = caller_file_get;
	caller.file_install = caller_file_install;
	return caller;
}

/* --- Files ---------------------------------------------------------------------------------------
 */

static int open_node(struct provider *p, enum sys_node node, unsigned int n, struct uiommu_why *why)
{
	struct uiommu_why *outer = why_begin(why);
	struct abi_file *file;
	int ret = sys_open(soft_of(p)->sys, node, n, &file);

	if (!ret) {
		ret = file_install(soft_of(p), file);
		if (ret < 0)
			abi_file_put(file);
	}
	why_asked("open");
	if (ret < 0)
		refuse(-ret, "", NULL);
	why_end(outer);
	return ret;
}

static int soft_open_context(struct provider *p, struct uiommu_why *why)
{
	return open_node(p, SYS_NODE_IOMMU, 0, why);
}

static int soft_open_container(struct provider *p, struct uiommu_why *why)
{
	return open_node(p, SYS_NODE_CONTAINER, 0, why);
}

static int soft_open_group(struct provider *p, unsigned int number, struct uiommu_why *why)
{
	return open_node(p, SYS_NODE_GROUP, number, why);
}

static int soft_open_device(struct provider *p, unsigned int i, struct uiommu_why *why)
{
	struct sys *sys = soft_of(p)->sys;

	if (i >= sys_ndevices(sys))
		return -ENOENT;
	return open_node(p, SYS_NODE_DEVICE, sys_device_spec(sys, i)->index, why);
}

static int soft_dup(struct provider *p, int handle)
{
	struct abi_file *file = file_get(soft_of(p), handle);
	int ret;

	if (!file)
		return -EBADF;
	ret = file_install(soft_of(p), file);
	if (ret < 0)
		abi_file_put(file);
	return ret;
}

static void soft_close(struct provider *p, int handle)
{
	struct soft *soft = soft_of(p);
	struct abi_file *file = NULL;

	pthread_mutex_lock(&soft->lock);
	if (handle > 0)
		file = idtable_remove(&soft->files, (uint32_t)handle);
	pthread_mutex_unlock(&soft->lock);
	if (file)
		abi_file_put(file);
}

/* --- Calls on files ------------------------------------------------------------------------------
 */

static long soft_ioctl(
	struct provider *p, int handle, unsigned long req, uintptr_t arg, struct uiommu_why *why)
{
	struct soft *soft = soft_of(p);
	struct abi_file *file = file_get(soft, handle);
	long ret;

	if (!file)
		return -EBADF;
	ret = abi_ioctl(file, &soft->caller, req, arg, why);
	abi_file_put(file);
	return ret;
}

struct call {
	struct abi_file *file;
	struct uiommu_why *outer;
};

static int call_begin(struct provider *p, int handle, struct uiommu_why *why, struct call *call)
{
	call->file = file_get(soft_of(p), handle);
	if (!call->file)
		return -EBADF;
	call->outer = why_begin(why);
	return 0;
}

static void call_end(struct call *call, ssize_t ret)
{
	if (ret < 0)
		refuse((int)-ret, "", NULL);
	why_end(call->outer);
	abi_file_put(call->file);
}

static ssize_t soft_read(
	struct provider *p, int handle, void *buf, size_t len, uint64_t off, struct uiommu_why *why)
{
	struct call call;
	ssize_t ret = call_begin(p, handle, why, &call);

	if (ret)
		return ret;
	why_asked("read of %zu bytes at %#lx", len, off);
	ret = call.file->ops->read(call.file, buf, len, off);
	call_end(&call, ret);
	return ret;
}

static ssize_t soft_write(struct provider *p, int handle, const void *buf, size_t len, uint64_t off,
	struct uiommu_why *why)
{
	struct call call;
	ssize_t ret = call_begin(p, handle, why, &call);

	if (ret)
		return ret;
	why_asked("write of %zu bytes at %#lx", len, off);
	ret = call.file->ops->write(call.file, buf, len, off);
	call_end(&call, ret);
	return ret;
}

static int soft_mmap(struct provider *p, int handle, uint64_t off, uint64_t len, int prot,
	int flags, struct provider_mmap *out, struct uiommu_why *why)
{
	struct abi_mmap map;
	struct call call;
	int ret = call_begin(p, handle, why, &call);

	if (ret)
		return ret;
	why_asked("mmap of %#lx bytes at %#lx", len, off);
	ret = call.file->ops->mmap(call.file, off, len, prot, flags, &map);
	if (!ret)
		*out = (struct provider_mmap){ .bar = map.bar, .off = map.off, .len = map.len };
	call_end(&call, ret);
	return ret;
}

/* --- The system ----------------------------------------------------------------------------------
 */

static int soft_device(struct provider *p, unsigned int i, struct uiommu_system_device *out)
{
	struct sys *sys = soft_of(p)->sys;
	const struct sys_device_spec *spec;

	if (i >= sys_ndevices(sys))
		return -ENOENT;
	spec = sys_device_spec(sys, i);
	*out = (struct uiommu_system_device){ .kind = spec->model->name, .group = spec->group };
	snprintf(out->name, sizeof(out->name), "%s", spec->bdf);
	return 0;
}

static void soft_on_fault(struct provider *p, void (*fn)(void *arg, const char *text), void *arg)
{
	sys_set_fault_sink(soft_of(p)->sys, fn, arg);
}

static void soft_free(struct provider *p)
{
	struct soft *soft = soft_of(p);

	sys_free(soft->sys);
	idtable_fini(&soft->files);
	pthread_mutex_destroy(&soft->lock);
	base_free(soft);
}

static const struct provider_ops soft_ops = {
	.open_context = soft_open_context,
	.open_container = soft_open_container,
	.open_group = soft_open_group,
	.open_device = soft_open_device,
	.dup = soft_dup,
	.ioctl = soft_ioctl,
	.read = soft_read,
	.write = soft_write,
	.mmap = soft_mmap,
	.close = soft_close,
	.device = soft_device,
	.on_fault = soft_on_fault,
	.free = soft_free,
};

int soft_new(struct sys *sys, enum soft_pointers pointers, struct provider **out)
{
	struct soft *soft = base_zalloc(sizeof(*soft));

	if (!soft)
		return -ENOMEM;
	soft->provider.ops = &soft_ops;
	soft->caller = caller_make(pointers);
	soft->sys = sys;
	pthread_mutex_init(&soft->lock, NULL);
	idtable_init(&soft->files);
	*out = &soft->provider;
	return 0;
}

struct sys *soft_sys(struct provider *p)
{
	return soft_of(p)->sys;
}

size_t soft_handles(struct provider *p)
{
	struct soft *soft = soft_of(p);
	size_t n;

	pthread_mutex_lock(&soft->lock);
	n = soft->files.count;
	pthread_mutex_unlock(&soft->lock);
	return n;
}
