/* SPDX-License-Identifier: MIT */
/*
 * The client API: /dev/iommu and VFIO devices as typed calls.
 *
 * A system is a set of devices behind a software IOMMU. A context is one open of its /dev/iommu: it
 * holds objects by id, of which an I/O address space (IOAS) is the first that one makes. A device
 * is opened by its PCI address, bound to a context, and attached to an address space; from then on
 * its DMA reaches what is mapped there, and nothing else. docs/api.md is a guide through this.
 *
 * Each call makes one request of the Linux iommufd or VFIO ABI (<uiommu/abi/iommufd.h>,
 * <uiommu/abi/vfio.h>) and has no semantics besides: the errors of a call are those of its request,
 * and the lists below name the ones to expect. Requests that have no call here can be made with
 * uiommu_ioctl() and uiommu_device_ioctl().
 *
 * Errors: every call returns 0, or -errno. The refusal of the latest call on a context or a device
 * is explained by uiommu_why() and uiommu_device_why().
 *
 * Threads: a system may be used by any number of threads. Calls on one context, and calls on one
 * device, are made one at a time: the caller sees to that, because the explanation belongs to the
 * object. It isn't thread-local, and contexts share nothing of it; threads that work on the same
 * address spaces at the same time have a handle each (uiommu_dup()).
 *
 * Memory and pointers that are passed in are the caller's own and are trusted: a bad pointer
 * crashes, as with any function. Memory that was mapped for DMA is different: devices touch it
 * through guarded copies only, so that DMA to memory that has been unmapped since fails and nothing
 * else happens.
 *
 * No call creates a thread, installs a signal handler or changes anything global to the process,
 * except uiommu_use_signals(). Device models have threads of their own while their device is bound.
 */
#ifndef UIOMMU_UIOMMU_H
#define UIOMMU_UIOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uiommu/device.h>
#include <uiommu/why.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct uiommu_system;
struct uiommu;
struct uiommu_device;

/* --- Systems ------------------------------------------------------------------------------------
 */

/**
 * uiommu_system_new() - make a system from a description
 * @topology: lines "iommu FORMAT" (at most one) and "device KIND,key=value,..."; '#' begins a
 *            comment; relative paths are relative to the working directory
 * @models: device models besides those of the library, ends with NULL; NULL for none. They outlive
 *          the system; a name that the library has as well means the caller's model
 * @err: receives a message for a human on failure, always NUL-terminated; may be NULL
 * @errlen: bytes of @err
 * @out: receives the system
 *
 * Devices are created, but nothing of them is opened. The keys bdf, group and bar are common to all
 * kinds of devices; a ',' in a value is written ',,'. There may be several systems in a process:
 * they share nothing.
 *
 * Return: 0; -EINVAL the text or an option is wrong; -ENOMEM; other errors of a model, such as a
 * missing file.
 */
int uiommu_system_new(const char *topology, const struct uiommu_model *const *models, char *err,
	size_t errlen, struct uiommu_system **out);

/**
 * uiommu_system_free() - give a system up; NULL does nothing
 *
 * What is open keeps the system: it goes with the last context or device that is closed.
 */
void uiommu_system_free(struct uiommu_system *sys);

struct uiommu_system_device {
	char name[16];	    /* PCI address, "0000:01:00.0" */
	const char *kind;   /* the model's name; lives as long as the system */
	unsigned int group; /* IOMMU group: all its devices work in one context */
};

/**
 * uiommu_system_device_get() - the devices of a system, in the order of the description
 * @i: 0, 1, ...
 * Return: 0; -ENOENT there are no more.
 */
int uiommu_system_device_get(
	const struct uiommu_system *sys, unsigned int i, struct uiommu_system_device *out);

/**
 * uiommu_system_on_fault() - be told of DMA that was refused
 * @fn: receives a sentence; NULL to be told nothing any more. Called on threads of devices, one
 * call at a time; it must not call anything on this system. A call that is under way has ended when
 *      uiommu_system_on_fault() returns.
 */
void uiommu_system_on_fault(
	struct uiommu_system *sys, void (*fn)(void *arg, const char *text), void *arg);

/**
 * uiommu_use_signals() - make guarded copies faster with a signal handler
 *
 * A device's access to client memory may hit a page that the client has unmapped. By default each
 * copy is a system call that notices (about 1 us). After this call it is a plain copy under a
 * handler for SIGSEGV and SIGBUS (some ns), which passes signals that aren't its own on to the
 * handlers that were installed before. Handlers that the program installs later must chain to it.
 * For the whole process, not undone; calling it again does nothing.
 *
 * Return: 0, -errno.
 */
int uiommu_use_signals(void);

/* --- Contexts -----------------------------------------------------------------------------------
 */

/**
 * uiommu_open() - a context, as open("/dev/iommu") makes one
 * Return: 0, -ENOMEM.
 */
int uiommu_open(struct uiommu_system *sys, struct uiommu **out);

/** uiommu_dup() - another handle of the same context: the same objects, an explanation of its own
 */
int uiommu_dup(struct uiommu *ctx, struct uiommu **out);

/**
 * uiommu_close() - close a handle of a context; NULL does nothing
 *
 * With the last handle, and the last bound device, all objects of the context go.
 */
void uiommu_close(struct uiommu *ctx);

/* Like stat(), it has its structure's name: in C++ that is `struct uiommu_why` then. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/**
 * uiommu_why() - why the latest call on this handle was refused
 * Return: err is 0 if it was not. Valid until the next call on the handle, which overwrites it.
 */
const struct uiommu_why *uiommu_why(const struct uiommu *ctx);
#pragma GCC diagnostic pop

/**
 * uiommu_ioctl() - any request of /dev/iommu
 * @req: from <uiommu/abi/iommufd.h>, or a container's from <uiommu/abi/vfio.h>
 * @arg: its structure. What names a file descriptor of /dev/iommu in such structures is a handle of
 *       this API: use the typed calls for those (BIND)
 * Return: what the request returns, or -errno.
 */
long uiommu_ioctl(struct uiommu *ctx, unsigned long req, void *arg);

/** uiommu_destroy() - IOMMU_DESTROY. Return: 0; -ENOENT; -EBUSY something else refers to it. */
int uiommu_destroy(struct uiommu *ctx, uint32_t id);

/* --- I/O address spaces --------------------------------------------------------------------------
 */

/** uiommu_ioas_alloc() - IOMMU_IOAS_ALLOC: an empty address space. Return: 0, -ENOMEM. */
int uiommu_ioas_alloc(struct uiommu *ctx, uint32_t *ioas_id);

struct uiommu_iova_range {
	uint64_t start, last; /* both included */
};

/**
 * uiommu_ioas_ranges() - IOMMU_IOAS_IOVA_RANGES: addresses that may be mapped, ascending
 * @n: room in @ranges; receives how many there are
 * @alignment: receives what every mapping's IOVA and length is a multiple of; may be NULL
 * Return: 0; -EMSGSIZE there are more than @ranges has room for, and it is filled as far as it
 * goes; -ENOENT no such IOAS.
 */
int uiommu_ioas_ranges(struct uiommu *ctx, uint32_t ioas_id, struct uiommu_iova_range *ranges,
	uint32_t *n, uint64_t *alignment);

/**
 * uiommu_ioas_allow() - IOMMU_IOAS_ALLOW_IOVAS: where automatic placement keeps to
 * @n: 0 lifts the restriction
 * Return: 0; -ENOENT; -EINVAL a range has less than two bytes, or two overlap; -EADDRINUSE a range
 * is reserved, and the list of before stays.
 */
int uiommu_ioas_allow(
	struct uiommu *ctx, uint32_t ioas_id, const struct uiommu_iova_range *ranges, uint32_t n);

#define UIOMMU_MAP_FIXED 1u /* at the IOVA that is given */
#define UIOMMU_MAP_WRITE 2u /* devices may write */
#define UIOMMU_MAP_READ	 4u /* devices may read; one of both is needed */

/**
 * uiommu_ioas_map() - IOMMU_IOAS_MAP: let devices reach memory of this process
 * @mem: first byte
 * @len: bytes, a multiple of the address space's alignment (pages once a device is attached)
 * @flags: UIOMMU_MAP_*
 * @iova: in with UIOMMU_MAP_FIXED; receives where the memory was mapped
 *
 * Return: 0; -ENOENT no such IOAS; -EINVAL length, alignment, flags, or a reserved IOVA; -EEXIST
 * something is mapped there; -EOVERFLOW; -ENOSPC; -EFAULT a device is attached and the memory isn't
 * there, or doesn't permit what devices would be permitted; -EOPNOTSUPP unknown flags; -ENOMEM.
 */
int uiommu_ioas_map(struct uiommu *ctx, uint32_t ioas_id, void *mem, uint64_t len, uint32_t flags,
	uint64_t *iova);

/**
 * uiommu_ioas_unmap() - IOMMU_IOAS_UNMAP: whole mappings inside a range
 * @unmapped: receives the bytes that were unmapped; may be NULL; unchanged on failure
 *
 * When it has returned, no device touches the memory any more. Return: 0; -ENOENT nothing is mapped
 * in the range, or a mapping sticks out of it (mappings before that one are unmapped then);
 * -EINVAL; -EOVERFLOW.
 */
int uiommu_ioas_unmap(
	struct uiommu *ctx, uint32_t ioas_id, uint64_t iova, uint64_t len, uint64_t *unmapped);

/** uiommu_ioas_unmap_all() - the same for everything; succeeds if there is nothing */
int uiommu_ioas_unmap_all(struct uiommu *ctx, uint32_t ioas_id, uint64_t *unmapped);

/**
 * uiommu_ioas_copy() - IOMMU_IOAS_COPY: map the memory behind a range once more
 * @dst: the IOAS that it is mapped in, which may be @src
 * @dst_iova: as uiommu_ioas_map() takes it
 * @src_iova: first address of the range, which has no hole
 * Return: as uiommu_ioas_map(); -ENOENT a hole; -EPERM UIOMMU_MAP_WRITE, but the source has it not.
 */
int uiommu_ioas_copy(struct uiommu *ctx, uint32_t dst, uint64_t *dst_iova, uint32_t src,
	uint64_t src_iova, uint64_t len, uint32_t flags);

enum uiommu_option_name {
	UIOMMU_OPTION_RLIMIT_MODE = 0, /* of the context, id 0: memory is charged to 0 the user,
					  1 the process */
	UIOMMU_OPTION_HUGE_PAGES = 1,  /* of an IOAS: 1 page tables may use large entries, 0 not */
};

/** uiommu_option_get() - IOMMU_OPTION. Return: 0; -ENOENT no such IOAS; -EOPNOTSUPP. */
int uiommu_option_get(
	struct uiommu *ctx, enum uiommu_option_name option, uint32_t id, uint64_t *value);
/** uiommu_option_set() - Return: as above; -EINVAL value, or too late; -EBUSY; -EADDRINUSE. */
int uiommu_option_set(
	struct uiommu *ctx, enum uiommu_option_name option, uint32_t id, uint64_t value);

/* --- Page tables ---------------------------------------------------------------------------------
 */

/**
 * uiommu_hwpt_alloc() - IOMMU_HWPT_ALLOC: a page table that shows an IOAS, for devices to attach to
 * @dev_id: the device's id, as uiommu_device_bind() gave it
 * @pt_id: the IOAS
 * @flags: UIOMMU_ABI_HWPT_ALLOC_*
 *
 * Needed only by those who want to name the table: attaching to an IOAS makes one by itself.
 * Return: 0; -ENOENT @dev_id; -EINVAL @pt_id; -EOPNOTSUPP flags; -EADDRINUSE mappings don't fit it;
 * -EFAULT mapped memory isn't there; -ENOMEM.
 */
int uiommu_hwpt_alloc(
	struct uiommu *ctx, uint32_t dev_id, uint32_t pt_id, uint32_t flags, uint32_t *hwpt_id);

struct uiommu_hw_info {
	uint32_t type;	       /* enum uiommu_abi_hw_info_type */
	uint32_t len;	       /* bytes of data that there are */
	uint8_t pasid_lg2;     /* PASIDs have that many bits; 0: none */
	uint64_t capabilities; /* UIOMMU_ABI_HW_CAP_* */
};

/**
 * uiommu_hw_info_get() - IOMMU_GET_HW_INFO: the IOMMU that a device is behind
 * @data: receives its registers, layouts in <uiommu/abi/iommufd_hw.h>, and zeroes beyond; may be
 *        NULL with @len 0
 * Return: 0; -ENOENT @dev_id.
 */
int uiommu_hw_info_get(
	struct uiommu *ctx, uint32_t dev_id, void *data, uint32_t len, struct uiommu_hw_info *info);

/**
 * uiommu_vfio_ioas_get() - IOMMU_VFIO_IOAS: the address space that VFIO container requests, made
 * with uiommu_ioctl(), work on
 * Return: 0; -ENODEV there is none.
 */
int uiommu_vfio_ioas_get(struct uiommu *ctx, uint32_t *ioas_id);
/** uiommu_vfio_ioas_set() - Return: 0; -ENOENT no such IOAS. */
int uiommu_vfio_ioas_set(struct uiommu *ctx, uint32_t ioas_id);
int uiommu_vfio_ioas_clear(struct uiommu *ctx);

/* --- Devices -------------------------------------------------------------------------------------
 */

/**
 * uiommu_device_open() - open a device by its PCI address, "0000:01:00.0"
 *
 * It takes part in nothing before uiommu_device_bind(). Return: 0; -ENODEV no device of that
 * address; -ENOMEM.
 */
int uiommu_device_open(struct uiommu_system *sys, const char *name, struct uiommu_device **out);

/** uiommu_device_close() - detaches and unbinds, the device is reset and its DMA has ended on
 * return */
void uiommu_device_close(struct uiommu_device *dev);

/** uiommu_device_why() - as uiommu_why(), of calls on the device */
const struct uiommu_why *uiommu_device_why(const struct uiommu_device *dev);

/** uiommu_device_ioctl() - any request on a VFIO device; as uiommu_ioctl() */
long uiommu_device_ioctl(struct uiommu_device *dev, unsigned long req, void *arg);

/**
 * uiommu_device_bind() - VFIO_DEVICE_BIND_IOMMUFD: use the device in a context
 * @dev_id: receives the id of the device's object in the context; may be NULL
 *
 * For as long as it is open. The device holds the context. Return: 0; -EINVAL it is bound already,
 * by this handle or another; -EBUSY its group is open; -EPERM its group belongs to another context;
 * -EXDEV the context is of another system; errors of the model's open().
 */
int uiommu_device_bind(struct uiommu_device *dev, struct uiommu *ctx, uint32_t *dev_id);

/**
 * uiommu_device_attach() - VFIO_DEVICE_ATTACH_IOMMUFD_PT: translate the device's DMA
 * @pt_id: an IOAS or HWPT. If the device was attached before, the new one takes over at once
 * @hwpt_id: receives the id of the page table that is used; may be NULL
 *
 * Return: 0; -ENOENT; -EINVAL not bound, not that type of object, or the device's group is attached
 * to another; -EADDRINUSE something is mapped or allowed where the IOMMU can't translate; -EFAULT
 * mapped memory isn't there; -ENOMEM.
 */
int uiommu_device_attach(struct uiommu_device *dev, uint32_t pt_id, uint32_t *hwpt_id);

/** uiommu_device_detach() - VFIO_DEVICE_DETACH_IOMMUFD_PT: all DMA is refused when it returns */
int uiommu_device_detach(struct uiommu_device *dev);

/** uiommu_device_reset() - VFIO_DEVICE_RESET. Return: 0; -EINVAL not bound. */
int uiommu_device_reset(struct uiommu_device *dev);

/* Regions of a device; the numbers are VFIO's. */
enum uiommu_region {
	UIOMMU_REGION_BAR0 = 0,
	UIOMMU_REGION_BAR1,
	UIOMMU_REGION_BAR2,
	UIOMMU_REGION_BAR3,
	UIOMMU_REGION_BAR4,
	UIOMMU_REGION_BAR5,
	UIOMMU_REGION_ROM,
	UIOMMU_REGION_CONFIG, /* PCI configuration space */
};

/* Interrupts of a device; the numbers are VFIO's. */
enum uiommu_irq_index {
	UIOMMU_IRQ_INDEX_INTX = 0,
	UIOMMU_IRQ_INDEX_MSI,
	UIOMMU_IRQ_INDEX_MSIX,
	UIOMMU_IRQ_INDEX_ERR, /* the device has failed */
	UIOMMU_IRQ_INDEX_REQ, /* the device is wanted back */
	UIOMMU_IRQ_INDICES,
};

struct uiommu_device_info {
	char name[16];			      /* PCI address */
	unsigned int group;		      /* IOMMU group */
	uint32_t flags;			      /* UIOMMU_VFIO_DEVICE_FLAG_* */
	uint64_t bar_size[UIOMMU_PCI_BARS];   /* bytes, 0: absent */
	uint32_t vectors[UIOMMU_IRQ_INDICES]; /* that there are */
};

/** uiommu_device_info_get() - what the device has. Return: 0; -EINVAL not bound. */
int uiommu_device_info_get(struct uiommu_device *dev, struct uiommu_device_info *info);

/**
 * uiommu_device_read() - read config space or registers
 * @off: from the region's start
 * @len: bytes; split into naturally aligned accesses of at most 8 bytes
 * Return: 0; -EINVAL not bound, no such region, or beyond its end; -EIO memory decoding is off.
 */
int uiommu_device_read(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, void *buf, size_t len);
/** uiommu_device_write() - as uiommu_device_read() */
int uiommu_device_write(struct uiommu_device *dev, enum uiommu_region region, uint64_t off,
	const void *buf, size_t len);

/** uiommu_device_read32() - one register, little-endian; @off is a multiple of its size */
int uiommu_device_read32(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint32_t *val);
int uiommu_device_write32(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint32_t val);
int uiommu_device_read64(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint64_t *val);
int uiommu_device_write64(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint64_t val);

/**
 * uiommu_device_bus_master() - the bus master bit of the command register: may it do DMA
 *
 * Off after bind and reset: DMA is refused then. Return: as uiommu_device_write().
 */
int uiommu_device_bus_master(struct uiommu_device *dev, bool on);

/**
 * uiommu_device_irq_set() - VFIO_DEVICE_SET_IRQS: eventfds that interrupts are to signal
 * @first: vector of the first descriptor
 * @fds: eventfds, duplicated; -1 takes a vector's away
 *
 * The first use enables the interrupt with @first + @n vectors. Return: 0; -EINVAL not bound, more
 * vectors than there are, not eventfds, or another of INTx, MSI and MSI-X is enabled; -EBADF.
 */
int uiommu_device_irq_set(struct uiommu_device *dev, enum uiommu_irq_index irq, unsigned int first,
	const int *fds, unsigned int n);
/** uiommu_device_irq_off() - disable it; all its eventfds are dropped */
int uiommu_device_irq_off(struct uiommu_device *dev, enum uiommu_irq_index irq);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
