/* SPDX-License-Identifier: MIT */
/*
 * Our ABI headers against those of the kernel that the system has, in one translation unit: that
 * they can be included together is part of the test. The system's may be older; what came after
 * Linux 5.8 is compared where the macro that came with it is there.
 *
 * A difference stops the compiler; the running test says what was compared.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/abi/vfio.h>

#if __has_include(<linux/vfio.h>)
#include <linux/vfio.h>
#define HAVE_VFIO 1
#else
#define HAVE_VFIO 0
#endif
#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#define HAVE_IOMMUFD 1
#else
#define HAVE_IOMMUFD 0
#endif

#define SIZE(ours, theirs)                                                                         \
	static_assert(sizeof(struct uiommu_##ours) == sizeof(struct theirs), #theirs)
#define FIELD(ours, theirs, field)                                                                 \
	static_assert(offsetof(struct uiommu_##ours, field) == offsetof(struct theirs, field) &&   \
			      sizeof(((struct uiommu_##ours *)0)->field) ==                        \
				      sizeof(((struct theirs *)0)->field),                         \
		#theirs "." #field)
#define VALUE(ours, theirs) static_assert((uint64_t)(UIOMMU_##ours) == (uint64_t)(theirs), #theirs)

#if HAVE_VFIO
VALUE(VFIO_API_VERSION, VFIO_API_VERSION);
VALUE(VFIO_GET_API_VERSION, VFIO_GET_API_VERSION);
VALUE(VFIO_CHECK_EXTENSION, VFIO_CHECK_EXTENSION);
VALUE(VFIO_SET_IOMMU, VFIO_SET_IOMMU);
VALUE(VFIO_IOMMU_GET_INFO, VFIO_IOMMU_GET_INFO);
VALUE(VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_MAP_DMA);
VALUE(VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_UNMAP_DMA);
VALUE(VFIO_IOMMU_DIRTY_PAGES, VFIO_IOMMU_DIRTY_PAGES);
VALUE(VFIO_GROUP_GET_STATUS, VFIO_GROUP_GET_STATUS);
VALUE(VFIO_GROUP_SET_CONTAINER, VFIO_GROUP_SET_CONTAINER);
VALUE(VFIO_GROUP_UNSET_CONTAINER, VFIO_GROUP_UNSET_CONTAINER);
VALUE(VFIO_GROUP_GET_DEVICE_FD, VFIO_GROUP_GET_DEVICE_FD);
VALUE(VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_INFO);
VALUE(VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_GET_REGION_INFO);
VALUE(VFIO_DEVICE_GET_IRQ_INFO, VFIO_DEVICE_GET_IRQ_INFO);
VALUE(VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_SET_IRQS);
VALUE(VFIO_DEVICE_RESET, VFIO_DEVICE_RESET);
VALUE(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO);
VALUE(VFIO_DEVICE_PCI_HOT_RESET, VFIO_DEVICE_PCI_HOT_RESET);
VALUE(VFIO_DEVICE_QUERY_GFX_PLANE, VFIO_DEVICE_QUERY_GFX_PLANE);
VALUE(VFIO_DEVICE_GET_GFX_DMABUF, VFIO_DEVICE_GET_GFX_DMABUF);
VALUE(VFIO_DEVICE_IOEVENTFD, VFIO_DEVICE_IOEVENTFD);
VALUE(VFIO_DEVICE_FEATURE, VFIO_DEVICE_FEATURE);

VALUE(VFIO_TYPE1, VFIO_TYPE1_IOMMU);
VALUE(VFIO_TYPE1V2, VFIO_TYPE1v2_IOMMU);
VALUE(VFIO_DMA_CC, VFIO_DMA_CC_IOMMU);
#ifdef VFIO_TYPE1_NESTING_IOMMU
VALUE(VFIO_TYPE1_NESTING, VFIO_TYPE1_NESTING_IOMMU);
#endif
VALUE(VFIO_NOIOMMU, VFIO_NOIOMMU_IOMMU);
#ifdef VFIO_UNMAP_ALL
VALUE(VFIO_UNMAP_ALL, VFIO_UNMAP_ALL);
VALUE(VFIO_DMA_UNMAP_FLAG_ALL, VFIO_DMA_UNMAP_FLAG_ALL);
#endif
#ifdef VFIO_UPDATE_VADDR
VALUE(VFIO_UPDATE_VADDR, VFIO_UPDATE_VADDR);
VALUE(VFIO_DMA_MAP_FLAG_VADDR, VFIO_DMA_MAP_FLAG_VADDR);
VALUE(VFIO_DMA_UNMAP_FLAG_VADDR, VFIO_DMA_UNMAP_FLAG_VADDR);
#endif

SIZE(vfio_cap_header, vfio_info_cap_header);
FIELD(vfio_cap_header, vfio_info_cap_header, id);
FIELD(vfio_cap_header, vfio_info_cap_header, version);
FIELD(vfio_cap_header, vfio_info_cap_header, next);

VALUE(VFIO_IOMMU_INFO_FLAG_PGSIZES, VFIO_IOMMU_INFO_PGSIZES);
VALUE(VFIO_IOMMU_INFO_FLAG_CAPS, VFIO_IOMMU_INFO_CAPS);
SIZE(vfio_iommu_type1_info, vfio_iommu_type1_info);
FIELD(vfio_iommu_type1_info, vfio_iommu_type1_info, argsz);
FIELD(vfio_iommu_type1_info, vfio_iommu_type1_info, flags);
FIELD(vfio_iommu_type1_info, vfio_iommu_type1_info, iova_pgsizes);
FIELD(vfio_iommu_type1_info, vfio_iommu_type1_info, cap_offset);

VALUE(VFIO_IOMMU_CAP_IOVA_RANGE, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
SIZE(vfio_iova_range, vfio_iova_range);
FIELD(vfio_iova_range, vfio_iova_range, start);
FIELD(vfio_iova_range, vfio_iova_range, end);
SIZE(vfio_iommu_cap_iova_range, vfio_iommu_type1_info_cap_iova_range);
FIELD(vfio_iommu_cap_iova_range, vfio_iommu_type1_info_cap_iova_range, header);
FIELD(vfio_iommu_cap_iova_range, vfio_iommu_type1_info_cap_iova_range, nr_iovas);
FIELD(vfio_iommu_cap_iova_range, vfio_iommu_type1_info_cap_iova_range, reserved);
#ifdef VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL
VALUE(VFIO_IOMMU_CAP_DMA_AVAIL, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
SIZE(vfio_iommu_cap_dma_avail, vfio_iommu_type1_info_dma_avail);
FIELD(vfio_iommu_cap_dma_avail, vfio_iommu_type1_info_dma_avail, header);
FIELD(vfio_iommu_cap_dma_avail, vfio_iommu_type1_info_dma_avail, avail);
#endif

VALUE(VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_READ);
VALUE(VFIO_DMA_MAP_FLAG_WRITE, VFIO_DMA_MAP_FLAG_WRITE);
SIZE(vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_map);
FIELD(vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_map, argsz);
FIELD(vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_map, flags);
FIELD(vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_map, vaddr);
FIELD(vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_map, iova);
FIELD(vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_map, size);
VALUE(VFIO_DMA_UNMAP_FLAG_GET_DIRTY, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP);
SIZE(vfio_iommu_type1_dma_unmap, vfio_iommu_type1_dma_unmap);
FIELD(vfio_iommu_type1_dma_unmap, vfio_iommu_type1_dma_unmap, argsz);
FIELD(vfio_iommu_type1_dma_unmap, vfio_iommu_type1_dma_unmap, flags);
FIELD(vfio_iommu_type1_dma_unmap, vfio_iommu_type1_dma_unmap, iova);
FIELD(vfio_iommu_type1_dma_unmap, vfio_iommu_type1_dma_unmap, size);

VALUE(VFIO_GROUP_FLAG_VIABLE, VFIO_GROUP_FLAGS_VIABLE);
VALUE(VFIO_GROUP_FLAG_CONTAINER_SET, VFIO_GROUP_FLAGS_CONTAINER_SET);
SIZE(vfio_group_status, vfio_group_status);
FIELD(vfio_group_status, vfio_group_status, argsz);
FIELD(vfio_group_status, vfio_group_status, flags);

#ifdef VFIO_DEVICE_BIND_IOMMUFD
VALUE(VFIO_DEVICE_BIND_IOMMUFD, VFIO_DEVICE_BIND_IOMMUFD);
VALUE(VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_ATTACH_IOMMUFD_PT);
VALUE(VFIO_DEVICE_DETACH_IOMMUFD_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT);
FIELD(vfio_device_bind_iommufd, vfio_device_bind_iommufd, argsz);
FIELD(vfio_device_bind_iommufd, vfio_device_bind_iommufd, flags);
FIELD(vfio_device_bind_iommufd, vfio_device_bind_iommufd, iommufd);
FIELD(vfio_device_bind_iommufd, vfio_device_bind_iommufd, out_devid);
FIELD(vfio_device_attach_iommufd_pt, vfio_device_attach_iommufd_pt, argsz);
FIELD(vfio_device_attach_iommufd_pt, vfio_device_attach_iommufd_pt, flags);
FIELD(vfio_device_attach_iommufd_pt, vfio_device_attach_iommufd_pt, pt_id);
FIELD(vfio_device_detach_iommufd_pt, vfio_device_detach_iommufd_pt, argsz);
FIELD(vfio_device_detach_iommufd_pt, vfio_device_detach_iommufd_pt, flags);
VALUE(VFIO_HOT_RESET_FLAG_DEV_ID, VFIO_PCI_HOT_RESET_FLAG_DEV_ID);
VALUE(VFIO_HOT_RESET_FLAG_DEV_ID_OWNED, VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED);
VALUE(VFIO_HOT_RESET_DEVID_OWNED, VFIO_PCI_DEVID_OWNED);
static_assert(UIOMMU_VFIO_HOT_RESET_DEVID_NOT_OWNED == (uint32_t)VFIO_PCI_DEVID_NOT_OWNED, "devid");
#endif
#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
VALUE(VFIO_BIND_FLAG_TOKEN, VFIO_DEVICE_BIND_FLAG_TOKEN);
SIZE(vfio_device_bind_iommufd, vfio_device_bind_iommufd);
FIELD(vfio_device_bind_iommufd, vfio_device_bind_iommufd, token_uuid_ptr);
#endif
#ifdef VFIO_DEVICE_ATTACH_PASID
VALUE(VFIO_ATTACH_FLAG_PASID, VFIO_DEVICE_ATTACH_PASID);
SIZE(vfio_device_attach_iommufd_pt, vfio_device_attach_iommufd_pt);
FIELD(vfio_device_attach_iommufd_pt, vfio_device_attach_iommufd_pt, pasid);
VALUE(VFIO_DETACH_FLAG_PASID, VFIO_DEVICE_DETACH_PASID);
SIZE(vfio_device_detach_iommufd_pt, vfio_device_detach_iommufd_pt);
FIELD(vfio_device_detach_iommufd_pt, vfio_device_detach_iommufd_pt, pasid);
#endif

VALUE(VFIO_DEVICE_FLAG_RESET, VFIO_DEVICE_FLAGS_RESET);
VALUE(VFIO_DEVICE_FLAG_PCI, VFIO_DEVICE_FLAGS_PCI);
VALUE(VFIO_DEVICE_FLAG_PLATFORM, VFIO_DEVICE_FLAGS_PLATFORM);
VALUE(VFIO_DEVICE_FLAG_AMBA, VFIO_DEVICE_FLAGS_AMBA);
VALUE(VFIO_DEVICE_FLAG_CCW, VFIO_DEVICE_FLAGS_CCW);
VALUE(VFIO_DEVICE_FLAG_AP, VFIO_DEVICE_FLAGS_AP);
VALUE(VFIO_DEVICE_FLAG_FSL_MC, VFIO_DEVICE_FLAGS_FSL_MC);
VALUE(VFIO_DEVICE_FLAG_CAPS, VFIO_DEVICE_FLAGS_CAPS);
#ifdef VFIO_DEVICE_FLAGS_CDX
VALUE(VFIO_DEVICE_FLAG_CDX, VFIO_DEVICE_FLAGS_CDX);
SIZE(vfio_device_info, vfio_device_info);
#endif
FIELD(vfio_device_info, vfio_device_info, argsz);
FIELD(vfio_device_info, vfio_device_info, flags);
FIELD(vfio_device_info, vfio_device_info, num_regions);
FIELD(vfio_device_info, vfio_device_info, num_irqs);
FIELD(vfio_device_info, vfio_device_info, cap_offset);

VALUE(VFIO_PCI_REGION_BAR0, VFIO_PCI_BAR0_REGION_INDEX);
VALUE(VFIO_PCI_REGION_BAR1, VFIO_PCI_BAR1_REGION_INDEX);
VALUE(VFIO_PCI_REGION_BAR2, VFIO_PCI_BAR2_REGION_INDEX);
VALUE(VFIO_PCI_REGION_BAR3, VFIO_PCI_BAR3_REGION_INDEX);
VALUE(VFIO_PCI_REGION_BAR4, VFIO_PCI_BAR4_REGION_INDEX);
VALUE(VFIO_PCI_REGION_BAR5, VFIO_PCI_BAR5_REGION_INDEX);
VALUE(VFIO_PCI_REGION_ROM, VFIO_PCI_ROM_REGION_INDEX);
VALUE(VFIO_PCI_REGION_CONFIG, VFIO_PCI_CONFIG_REGION_INDEX);
VALUE(VFIO_PCI_REGION_VGA, VFIO_PCI_VGA_REGION_INDEX);
VALUE(VFIO_PCI_NUM_REGIONS, VFIO_PCI_NUM_REGIONS);
VALUE(VFIO_REGION_FLAG_READ, VFIO_REGION_INFO_FLAG_READ);
VALUE(VFIO_REGION_FLAG_WRITE, VFIO_REGION_INFO_FLAG_WRITE);
VALUE(VFIO_REGION_FLAG_MMAP, VFIO_REGION_INFO_FLAG_MMAP);
VALUE(VFIO_REGION_FLAG_CAPS, VFIO_REGION_INFO_FLAG_CAPS);
SIZE(vfio_region_info, vfio_region_info);
FIELD(vfio_region_info, vfio_region_info, argsz);
FIELD(vfio_region_info, vfio_region_info, flags);
FIELD(vfio_region_info, vfio_region_info, index);
FIELD(vfio_region_info, vfio_region_info, cap_offset);
FIELD(vfio_region_info, vfio_region_info, size);
FIELD(vfio_region_info, vfio_region_info, offset);
VALUE(VFIO_REGION_CAP_SPARSE_MMAP, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
VALUE(VFIO_REGION_CAP_TYPE, VFIO_REGION_INFO_CAP_TYPE);
VALUE(VFIO_REGION_CAP_MSIX_MAPPABLE, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
SIZE(vfio_region_sparse_mmap_area, vfio_region_sparse_mmap_area);
FIELD(vfio_region_sparse_mmap_area, vfio_region_sparse_mmap_area, offset);
FIELD(vfio_region_sparse_mmap_area, vfio_region_sparse_mmap_area, size);
SIZE(vfio_region_cap_sparse_mmap, vfio_region_info_cap_sparse_mmap);
FIELD(vfio_region_cap_sparse_mmap, vfio_region_info_cap_sparse_mmap, header);
FIELD(vfio_region_cap_sparse_mmap, vfio_region_info_cap_sparse_mmap, nr_areas);
FIELD(vfio_region_cap_sparse_mmap, vfio_region_info_cap_sparse_mmap, reserved);
SIZE(vfio_region_cap_type, vfio_region_info_cap_type);
FIELD(vfio_region_cap_type, vfio_region_info_cap_type, header);
FIELD(vfio_region_cap_type, vfio_region_info_cap_type, type);
FIELD(vfio_region_cap_type, vfio_region_info_cap_type, subtype);

VALUE(VFIO_PCI_IRQ_INTX, VFIO_PCI_INTX_IRQ_INDEX);
VALUE(VFIO_PCI_IRQ_MSI, VFIO_PCI_MSI_IRQ_INDEX);
VALUE(VFIO_PCI_IRQ_MSIX, VFIO_PCI_MSIX_IRQ_INDEX);
VALUE(VFIO_PCI_IRQ_ERR, VFIO_PCI_ERR_IRQ_INDEX);
VALUE(VFIO_PCI_IRQ_REQ, VFIO_PCI_REQ_IRQ_INDEX);
VALUE(VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_IRQS);
VALUE(VFIO_IRQ_FLAG_EVENTFD, VFIO_IRQ_INFO_EVENTFD);
VALUE(VFIO_IRQ_FLAG_MASKABLE, VFIO_IRQ_INFO_MASKABLE);
VALUE(VFIO_IRQ_FLAG_AUTOMASKED, VFIO_IRQ_INFO_AUTOMASKED);
VALUE(VFIO_IRQ_FLAG_NORESIZE, VFIO_IRQ_INFO_NORESIZE);
SIZE(vfio_irq_info, vfio_irq_info);
FIELD(vfio_irq_info, vfio_irq_info, argsz);
FIELD(vfio_irq_info, vfio_irq_info, flags);
FIELD(vfio_irq_info, vfio_irq_info, index);
FIELD(vfio_irq_info, vfio_irq_info, count);
VALUE(VFIO_IRQ_SET_DATA_NONE, VFIO_IRQ_SET_DATA_NONE);
VALUE(VFIO_IRQ_SET_DATA_BOOL, VFIO_IRQ_SET_DATA_BOOL);
VALUE(VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_EVENTFD);
VALUE(VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_MASK);
VALUE(VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_ACTION_UNMASK);
VALUE(VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_TRIGGER);
SIZE(vfio_irq_set, vfio_irq_set);
FIELD(vfio_irq_set, vfio_irq_set, argsz);
FIELD(vfio_irq_set, vfio_irq_set, flags);
FIELD(vfio_irq_set, vfio_irq_set, index);
FIELD(vfio_irq_set, vfio_irq_set, start);
FIELD(vfio_irq_set, vfio_irq_set, count);

SIZE(vfio_pci_dependent_device, vfio_pci_dependent_device);
FIELD(vfio_pci_dependent_device, vfio_pci_dependent_device, group_id);
FIELD(vfio_pci_dependent_device, vfio_pci_dependent_device, segment);
FIELD(vfio_pci_dependent_device, vfio_pci_dependent_device, bus);
FIELD(vfio_pci_dependent_device, vfio_pci_dependent_device, devfn);
SIZE(vfio_pci_hot_reset_info, vfio_pci_hot_reset_info);
FIELD(vfio_pci_hot_reset_info, vfio_pci_hot_reset_info, argsz);
FIELD(vfio_pci_hot_reset_info, vfio_pci_hot_reset_info, flags);
FIELD(vfio_pci_hot_reset_info, vfio_pci_hot_reset_info, count);
SIZE(vfio_pci_hot_reset, vfio_pci_hot_reset);
FIELD(vfio_pci_hot_reset, vfio_pci_hot_reset, argsz);
FIELD(vfio_pci_hot_reset, vfio_pci_hot_reset, flags);
FIELD(vfio_pci_hot_reset, vfio_pci_hot_reset, count);
SIZE(vfio_device_ioeventfd, vfio_device_ioeventfd);
FIELD(vfio_device_ioeventfd, vfio_device_ioeventfd, argsz);
FIELD(vfio_device_ioeventfd, vfio_device_ioeventfd, flags);
FIELD(vfio_device_ioeventfd, vfio_device_ioeventfd, offset);
FIELD(vfio_device_ioeventfd, vfio_device_ioeventfd, data);
FIELD(vfio_device_ioeventfd, vfio_device_ioeventfd, fd);

VALUE(VFIO_FEATURE_INDEX_MASK, VFIO_DEVICE_FEATURE_MASK);
VALUE(VFIO_FEATURE_GET, VFIO_DEVICE_FEATURE_GET);
VALUE(VFIO_FEATURE_SET, VFIO_DEVICE_FEATURE_SET);
VALUE(VFIO_FEATURE_PROBE, VFIO_DEVICE_FEATURE_PROBE);
VALUE(VFIO_FEATURE_PCI_VF_TOKEN, VFIO_DEVICE_FEATURE_PCI_VF_TOKEN);
SIZE(vfio_device_feature, vfio_device_feature);
FIELD(vfio_device_feature, vfio_device_feature, argsz);
FIELD(vfio_device_feature, vfio_device_feature, flags);
#ifdef VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE
VALUE(VFIO_FEATURE_MIGRATION, VFIO_DEVICE_FEATURE_MIGRATION);
VALUE(VFIO_FEATURE_MIG_DEVICE_STATE, VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE);
VALUE(VFIO_MIGRATION_STOP_COPY, VFIO_MIGRATION_STOP_COPY);
VALUE(VFIO_MIGRATION_P2P, VFIO_MIGRATION_P2P);
VALUE(VFIO_MIG_STATE_ERROR, VFIO_DEVICE_STATE_ERROR);
VALUE(VFIO_MIG_STATE_STOP, VFIO_DEVICE_STATE_STOP);
VALUE(VFIO_MIG_STATE_RUNNING, VFIO_DEVICE_STATE_RUNNING);
VALUE(VFIO_MIG_STATE_STOP_COPY, VFIO_DEVICE_STATE_STOP_COPY);
VALUE(VFIO_MIG_STATE_RESUMING, VFIO_DEVICE_STATE_RESUMING);
VALUE(VFIO_MIG_STATE_RUNNING_P2P, VFIO_DEVICE_STATE_RUNNING_P2P);
SIZE(vfio_feature_migration, vfio_device_feature_migration);
FIELD(vfio_feature_migration, vfio_device_feature_migration, flags);
SIZE(vfio_feature_mig_state, vfio_device_feature_mig_state);
FIELD(vfio_feature_mig_state, vfio_device_feature_mig_state, device_state);
FIELD(vfio_feature_mig_state, vfio_device_feature_mig_state, data_fd);
#endif
#ifdef VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
VALUE(VFIO_FEATURE_LOW_POWER_ENTRY, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
VALUE(VFIO_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP);
VALUE(VFIO_FEATURE_LOW_POWER_EXIT, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
SIZE(vfio_feature_low_power_wakeup, vfio_device_low_power_entry_with_wakeup);
FIELD(vfio_feature_low_power_wakeup, vfio_device_low_power_entry_with_wakeup, wakeup_eventfd);
FIELD(vfio_feature_low_power_wakeup, vfio_device_low_power_entry_with_wakeup, reserved);
#endif
#ifdef VFIO_DEVICE_FEATURE_DMA_LOGGING_START
VALUE(VFIO_FEATURE_DMA_LOGGING_START, VFIO_DEVICE_FEATURE_DMA_LOGGING_START);
VALUE(VFIO_FEATURE_DMA_LOGGING_STOP, VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP);
VALUE(VFIO_FEATURE_DMA_LOGGING_REPORT, VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT);
SIZE(vfio_feature_dma_logging_control, vfio_device_feature_dma_logging_control);
FIELD(vfio_feature_dma_logging_control, vfio_device_feature_dma_logging_control, page_size);
FIELD(vfio_feature_dma_logging_control, vfio_device_feature_dma_logging_control, num_ranges);
FIELD(vfio_feature_dma_logging_control, vfio_device_feature_dma_logging_control, ranges);
SIZE(vfio_feature_dma_logging_range, vfio_device_feature_dma_logging_range);
FIELD(vfio_feature_dma_logging_range, vfio_device_feature_dma_logging_range, iova);
FIELD(vfio_feature_dma_logging_range, vfio_device_feature_dma_logging_range, length);
SIZE(vfio_feature_dma_logging_report, vfio_device_feature_dma_logging_report);
FIELD(vfio_feature_dma_logging_report, vfio_device_feature_dma_logging_report, iova);
FIELD(vfio_feature_dma_logging_report, vfio_device_feature_dma_logging_report, length);
FIELD(vfio_feature_dma_logging_report, vfio_device_feature_dma_logging_report, page_size);
FIELD(vfio_feature_dma_logging_report, vfio_device_feature_dma_logging_report, bitmap);
#endif
#ifdef VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
VALUE(VFIO_FEATURE_MIG_DATA_SIZE, VFIO_DEVICE_FEATURE_MIG_DATA_SIZE);
SIZE(vfio_feature_mig_data_size, vfio_device_feature_mig_data_size);
#endif
#ifdef VFIO_MIG_GET_PRECOPY_INFO
VALUE(VFIO_MIG_GET_PRECOPY_INFO, VFIO_MIG_GET_PRECOPY_INFO);
VALUE(VFIO_MIG_STATE_PRE_COPY, VFIO_DEVICE_STATE_PRE_COPY);
VALUE(VFIO_MIG_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_PRE_COPY_P2P);
SIZE(vfio_precopy_info, vfio_precopy_info);
FIELD(vfio_precopy_info, vfio_precopy_info, initial_bytes);
FIELD(vfio_precopy_info, vfio_precopy_info, dirty_bytes);
#endif
#endif /* HAVE_VFIO */

/* Requests whose structures have kept their size since they came. */
#if HAVE_IOMMUFD
VALUE(ABI_DESTROY, IOMMU_DESTROY);
SIZE(abi_destroy, iommu_destroy);
VALUE(ABI_IOAS_ALLOC, IOMMU_IOAS_ALLOC);
SIZE(abi_ioas_alloc, iommu_ioas_alloc);
VALUE(ABI_IOAS_ALLOW_IOVAS, IOMMU_IOAS_ALLOW_IOVAS);
SIZE(abi_ioas_allow_iovas, iommu_ioas_allow_iovas);
VALUE(ABI_IOAS_COPY, IOMMU_IOAS_COPY);
SIZE(abi_ioas_copy, iommu_ioas_copy);
VALUE(ABI_IOAS_IOVA_RANGES, IOMMU_IOAS_IOVA_RANGES);
SIZE(abi_ioas_iova_ranges, iommu_ioas_iova_ranges);
VALUE(ABI_IOAS_MAP, IOMMU_IOAS_MAP);
SIZE(abi_ioas_map, iommu_ioas_map);
FIELD(abi_ioas_map, iommu_ioas_map, user_va);
FIELD(abi_ioas_map, iommu_ioas_map, length);
FIELD(abi_ioas_map, iommu_ioas_map, iova);
VALUE(ABI_IOAS_UNMAP, IOMMU_IOAS_UNMAP);
SIZE(abi_ioas_unmap, iommu_ioas_unmap);
VALUE(ABI_OPTION, IOMMU_OPTION);
SIZE(abi_option, iommu_option);
FIELD(abi_option, iommu_option, val64);
VALUE(ABI_VFIO_IOAS, IOMMU_VFIO_IOAS);
SIZE(abi_vfio_ioas, iommu_vfio_ioas);
#ifdef IOMMU_HWPT_INVALIDATE
VALUE(ABI_HWPT_INVALIDATE, IOMMU_HWPT_INVALIDATE);
SIZE(abi_hwpt_invalidate, iommu_hwpt_invalidate);
VALUE(ABI_HWPT_SET_DIRTY_TRACKING, IOMMU_HWPT_SET_DIRTY_TRACKING);
SIZE(abi_hwpt_set_dirty_tracking, iommu_hwpt_set_dirty_tracking);
VALUE(ABI_HWPT_GET_DIRTY_BITMAP, IOMMU_HWPT_GET_DIRTY_BITMAP);
SIZE(abi_hwpt_get_dirty_bitmap, iommu_hwpt_get_dirty_bitmap);
VALUE(ABI_GET_HW_INFO, IOMMU_GET_HW_INFO);
SIZE(abi_hw_info, iommu_hw_info);
#endif
#ifdef IOMMU_FAULT_QUEUE_ALLOC
VALUE(ABI_FAULT_QUEUE_ALLOC, IOMMU_FAULT_QUEUE_ALLOC);
SIZE(abi_fault_alloc, iommu_fault_alloc);
VALUE(ABI_HWPT_ALLOC, IOMMU_HWPT_ALLOC);
SIZE(abi_hwpt_alloc, iommu_hwpt_alloc);
FIELD(abi_hwpt_alloc, iommu_hwpt_alloc, fault_id);
SIZE(abi_hwpt_pgfault, iommu_hwpt_pgfault);
SIZE(abi_hwpt_page_response, iommu_hwpt_page_response);
#endif
#ifdef IOMMU_IOAS_CHANGE_PROCESS
VALUE(ABI_IOAS_MAP_FILE, IOMMU_IOAS_MAP_FILE);
SIZE(abi_ioas_map_file, iommu_ioas_map_file);
VALUE(ABI_VDEVICE_ALLOC, IOMMU_VDEVICE_ALLOC);
SIZE(abi_vdevice_alloc, iommu_vdevice_alloc);
VALUE(ABI_IOAS_CHANGE_PROCESS, IOMMU_IOAS_CHANGE_PROCESS);
SIZE(abi_ioas_change_process, iommu_ioas_change_process);
#endif
#ifdef IOMMU_VEVENTQ_ALLOC
VALUE(ABI_VEVENTQ_ALLOC, IOMMU_VEVENTQ_ALLOC);
SIZE(abi_veventq_alloc, iommu_veventq_alloc);
SIZE(abi_vevent_header, iommufd_vevent_header);
#endif
#ifdef IOMMU_HW_QUEUE_ALLOC
VALUE(ABI_VIOMMU_ALLOC, IOMMU_VIOMMU_ALLOC);
SIZE(abi_viommu_alloc, iommu_viommu_alloc);
VALUE(ABI_HW_QUEUE_ALLOC, IOMMU_HW_QUEUE_ALLOC);
SIZE(abi_hw_queue_alloc, iommu_hw_queue_alloc);
#endif
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
VALUE(ABI_IOAS_NOIOMMU_GET_PA, IOMMU_IOAS_NOIOMMU_GET_PA);
SIZE(abi_ioas_noiommu_get_pa, iommu_ioas_noiommu_get_pa);
#endif
#endif /* HAVE_IOMMUFD */

static void vfio_is_as_in_linux(void **state)
{
	if (!HAVE_VFIO)
		skip();
	puts("compared with <linux/vfio.h> at compile time");
}

static void iommufd_is_as_in_linux(void **state)
{
	if (!HAVE_IOMMUFD)
		skip();
	puts("compared with <linux/iommufd.h> at compile time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vfio_is_as_in_linux),
		cmocka_unit_test(iommufd_is_as_in_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
