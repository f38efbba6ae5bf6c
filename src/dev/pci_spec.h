/* SPDX-License-Identifier: MIT */
/*
 * Layouts of PCI configuration space: offsets and masks, all little-endian.
 *
 * PCI: "PCI Local Bus Specification", revision 3.0. PM: "PCI Bus Power Management Interface
 * Specification", revision 1.2. PCIe: "PCI Express Base Specification", revision 4.0.
 */
#ifndef UIOMMU_DEV_PCI_SPEC_H
#define UIOMMU_DEV_PCI_SPEC_H

/* Type 0 header: PCI 6.1, 6.2 */
#define PCI_VENDOR	    0x00 /* 16 bits */
#define PCI_DEVICE	    0x02 /* 16 bits */
#define PCI_COMMAND	    0x04 /* 16 bits */
#define PCI_STATUS	    0x06 /* 16 bits */
#define PCI_REVISION	    0x08 /* 8 bits */
#define PCI_CLASS	    0x09 /* 24 bits: programming interface, sub-class, base class */
#define PCI_CACHE_LINE	    0x0c /* 8 bits */
#define PCI_BAR(n)	    (0x10 + 4 * (n))
#define PCI_SUBSYS_VENDOR   0x2c /* 16 bits */
#define PCI_SUBSYS_DEVICE   0x2e /* 16 bits */
#define PCI_ROM		    0x30 /* 32 bits */
#define PCI_CAP_PTR	    0x34 /* 8 bits */
#define PCI_INT_LINE	    0x3c /* 8 bits */
#define PCI_INT_PIN	    0x3d /* 8 bits: 0 none, 1 INTA */
#define PCI_HEADER_END	    0x40
#define PCI_CONFIG_OLD_SIZE 0x100 /* without PCIe's extended space */

/* Command: PCI 6.2.2, PCIe 7.5.1.1.3 */
#define PCI_COMMAND_MEMORY	 0x0002
#define PCI_COMMAND_MASTER	 0x0004
#define PCI_COMMAND_PARITY	 0x0040
#define PCI_COMMAND_SERR	 0x0100
#define PCI_COMMAND_INTX_DISABLE 0x0400

/* Status: PCI 6.2.3, PCIe 7.5.1.1.4 */
#define PCI_STATUS_INTERRUPT 0x0008
#define PCI_STATUS_CAP_LIST  0x0010
#define PCI_STATUS_W1C	     0xf900 /* errors that were detected or signalled */

/* Base address registers: PCI 6.2.5.1 */
#define PCI_BAR_MEM64	 0x4
#define PCI_BAR_PREFETCH 0x8
#define PCI_BAR_MIN_SIZE 16u
#define PCI_BAR32_MAX	 0x80000000u

/* Capability list: PCI 6.7, appendix H */
#define PCI_CAP_NEXT  1
#define PCI_CAP_FIRST 0x40
#define PCI_CAP_PM    0x01
#define PCI_CAP_MSI   0x05
#define PCI_CAP_PCIE  0x10
#define PCI_CAP_MSIX  0x11

/* Power management: PM 3.2 */
#define PCI_PM_SIZE	     8
#define PCI_PM_CAP	     2 /* 16 bits */
#define PCI_PM_CAP_VERSION   0x0003
#define PCI_PM_CTRL	     4 /* 16 bits */
#define PCI_PM_CTRL_STATE    0x0003
#define PCI_PM_CTRL_NO_RESET 0x0008 /* no internal reset from D3hot to D0 */
#define PCI_PM_D3HOT	     3

/* MSI, 64-bit address, per-vector masking: PCI 6.8.1 */
#define PCI_MSI_SIZE	     24
#define PCI_MSI_CTRL	     2 /* 16 bits */
#define PCI_MSI_CTRL_ENABLE  0x0001
#define PCI_MSI_CTRL_MMC     0x000e /* vectors that the function asks for, logarithm */
#define PCI_MSI_CTRL_MME     0x0070 /* vectors that it got, logarithm */
#define PCI_MSI_CTRL_64	     0x0080
#define PCI_MSI_CTRL_MASKING 0x0100
#define PCI_MSI_ADDR_LO	     4
#define PCI_MSI_ADDR_HI	     8
#define PCI_MSI_DATA	     12 /* 16 bits */
#define PCI_MSI_MASK	     16 /* 32 bits */
#define PCI_MSI_PENDING	     20 /* 32 bits */
#define PCI_MSI_MAX	     32u

/* MSI-X: PCI 6.8.2 */
#define PCI_MSIX_SIZE	     12
#define PCI_MSIX_CTRL	     2 /* 16 bits; the lower 11 are the table's size - 1 */
#define PCI_MSIX_CTRL_FMASK  0x4000
#define PCI_MSIX_CTRL_ENABLE 0x8000
#define PCI_MSIX_TABLE	     4 /* 32 bits: offset, with the BAR's number in the lower 3 */
#define PCI_MSIX_PBA	     8
#define PCI_MSIX_MAX	     2048u
#define PCI_MSIX_ENTRY	     16u /* bytes of a table entry: */
#define PCI_MSIX_ADDR_LO     0
#define PCI_MSIX_ADDR_HI     4
#define PCI_MSIX_DATA	     8
#define PCI_MSIX_VCTRL	     12
#define PCI_MSIX_VCTRL_MASK  1u

/* PCI Express capability, version 2: PCIe 7.5.3 */
#define PCI_EXP_SIZE		 60
#define PCI_EXP_FLAGS		 2 /* 16 bits; type 0 (bits 7:4) is an endpoint */
#define PCI_EXP_FLAGS_V2	 0x0002
#define PCI_EXP_DEVCAP		 4	    /* 32 bits */
#define PCI_EXP_DEVCAP_RBER	 (1u << 15) /* role-based error reporting */
#define PCI_EXP_DEVCAP_FLR	 (1u << 28)
#define PCI_EXP_DEVCTL		 8	/* 16 bits */
#define PCI_EXP_DEVCTL_WRITABLE	 0x781f /* error enables, relaxed ordering, no snoop, read size */
#define PCI_EXP_DEVCTL_DEFAULT	 0x2810 /* 512-byte reads, no snoop, relaxed ordering */
#define PCI_EXP_DEVCTL_FLR	 0x8000
#define PCI_EXP_DEVSTA		 10 /* 16 bits */
#define PCI_EXP_DEVSTA_W1C	 0x000f
#define PCI_EXP_LNKCAP		 12	   /* 32 bits */
#define PCI_EXP_LNKCTL		 16	   /* 16 bits */
#define PCI_EXP_LNKCTL_WRITABLE	 0x00cb	   /* ASPM, read completion boundary, common clock, ... */
#define PCI_EXP_LNKSTA		 18	   /* 16 bits */
#define PCI_EXP_DEVCAP2		 36	   /* 32 bits */
#define PCI_EXP_DEVCAP2_CTDS	 (1u << 4) /* completion timeout can be disabled */
#define PCI_EXP_DEVCTL2		 40	   /* 16 bits */
#define PCI_EXP_DEVCTL2_WRITABLE 0x0010
#define PCI_EXP_LNKCAP2		 44	   /* 32 bits */
#define PCI_EXP_LNKCTL2		 48	   /* 16 bits */
#define PCI_EXP_LINK_SPEED	 3u	   /* 8 GT/s */
#define PCI_EXP_LINK_SPEEDS	 0x0eu	   /* vector of the speeds up to that */
#define PCI_EXP_LINK_WIDTH	 (4u << 4) /* lanes */

#endif
