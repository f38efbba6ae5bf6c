/* SPDX-License-Identifier: MIT */
/*
 * Layouts and numbers of NVM Express, base specification 1.4 (section numbers are its). Everything
 * in memory is little-endian; masks and shifts instead of bit-fields.
 */
#ifndef UIOMMU_DEV_NVME_SPEC_H
#define UIOMMU_DEV_NVME_SPEC_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* --- 3.1: registers --------------------------------------------------------------------------- */

#define NVME_REG_CAP	0x00u
#define NVME_REG_VS	0x08u
#define NVME_REG_INTMS	0x0cu
#define NVME_REG_INTMC	0x10u
#define NVME_REG_CC	0x14u
#define NVME_REG_CSTS	0x1cu
#define NVME_REG_NSSR	0x20u
#define NVME_REG_AQA	0x24u
#define NVME_REG_ASQ	0x28u
#define NVME_REG_ACQ	0x30u
#define NVME_REG_CMBLOC 0x38u
#define NVME_DOORBELLS	0x1000u

#define NVME_CAP_MQES(n)     ((uint64_t)(n))
#define NVME_CAP_CQR	     (UINT64_C(1) << 16)
#define NVME_CAP_TO(n)	     ((uint64_t)(n) << 24)
#define NVME_CAP_CSS_NVM     (UINT64_C(1) << 37)
#define NVME_CAP_MPSMIN(lg2) ((uint64_t)((lg2)-12) << 48)
#define NVME_CAP_MPSMAX(lg2) ((uint64_t)((lg2)-12) << 52)

#define NVME_VS_1_4 0x00010400u

#define NVME_CC_EN	   1u
#define NVME_CC_CSS(cc)	   ((cc) >> 4 & 7u)
#define NVME_CC_MPS(cc)	   ((cc) >> 7 & 15u)
#define NVME_CC_AMS(cc)	   ((cc) >> 11 & 7u)
#define NVME_CC_SHN(cc)	   ((cc) >> 14 & 3u)
#define NVME_CC_IOSQES(cc) ((cc) >> 16 & 15u)
#define NVME_CC_IOCQES(cc) ((cc) >> 20 & 15u)
#define NVME_CC_WRITABLE   0x00fffff1u

#define NVME_CSTS_RDY	    0x01u
#define NVME_CSTS_CFS	    0x02u
#define NVME_CSTS_SHST	    0x0cu
#define NVME_CSTS_SHST_BUSY 0x04u
#define NVME_CSTS_SHST_DONE 0x08u

#define NVME_AQA_ASQS(aqa) (((aqa)&0xfffu) + 1)
#define NVME_AQA_ACQS(aqa) (((aqa) >> 16 & 0xfffu) + 1)
#define NVME_AQA_WRITABLE  0x0fff0fffu

/* --- 4.2: submission queue entry -------------------------------------------------------------- */

struct nvme_sgl_desc {
	uint64_t addr;
	uint32_t len;
	uint8_t reserved[3];
	uint8_t id; /* type in the upper, sub-type in the lower half */
};
static_assert(sizeof(struct nvme_sgl_desc) == 16, "SGL descriptor");

#define NVME_SGL_TYPE(id)     ((id) >> 4)
#define NVME_SGL_SUBTYPE(id)  ((id)&15u)
#define NVME_SGL_DATA	      0u
#define NVME_SGL_BIT_BUCKET   1u
#define NVME_SGL_SEGMENT      2u
#define NVME_SGL_LAST_SEGMENT 3u

struct nvme_sqe {
	uint8_t opcode;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2, cdw3;
	uint64_t mptr;
	union {
		struct {
			uint64_t prp1, prp2;
		};
		struct nvme_sgl_desc sgl;
	};
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
static_assert(sizeof(struct nvme_sqe) == 64, "submission queue entry");
static_assert(offsetof(struct nvme_sqe, prp1) == 24, "data pointer");
static_assert(offsetof(struct nvme_sqe, cdw10) == 40, "command dwords");

#define NVME_FLAGS_FUSE(f) ((f)&3u)
#define NVME_FLAGS_PSDT(f) ((f) >> 6)
#define NVME_PSDT_PRP	   0u
#define NVME_PSDT_SGL	   1u

#define NVME_NSID_ALL UINT32_MAX

/* --- 4.6: completion queue entry -------------------------------------------------------------- */

struct nvme_cqe {
	uint32_t result, reserved;
	uint16_t sq_head, sq_id;
	uint16_t cid, status; /* phase in bit 0 */
};
static_assert(sizeof(struct nvme_cqe) == 16, "completion queue entry");

/*
 * Status field without the phase: code in bits 7:0, type in 10:8, More in 13, Do Not Retry in 14.
 * The numbers below are type << 8 | code.
 */
#define NVME_SC_MORE 0x2000u
#define NVME_SC_DNR  0x4000u

enum nvme_sc {
	NVME_SC_SUCCESS = 0x000,
	NVME_SC_INVALID_OPCODE = 0x001,
	NVME_SC_INVALID_FIELD = 0x002,
	NVME_SC_DATA_TRANSFER = 0x004,
	NVME_SC_INTERNAL = 0x006,
	NVME_SC_ABORTED = 0x007,
	NVME_SC_SQ_DELETED = 0x008,
	NVME_SC_INVALID_NS = 0x00b,
	NVME_SC_SEQUENCE = 0x00c,
	NVME_SC_SGL_SEGMENT = 0x00d,
	NVME_SC_SGL_COUNT = 0x00e,
	NVME_SC_SGL_LENGTH = 0x00f,
	NVME_SC_SGL_TYPE = 0x011,
	NVME_SC_PRP_OFFSET = 0x013,
	NVME_SC_WRITE_PROTECTED = 0x020,
	NVME_SC_LBA_RANGE = 0x080,
	NVME_SC_CAPACITY = 0x081,

	NVME_SC_CQ_INVALID = 0x100,
	NVME_SC_QUEUE_ID = 0x101,
	NVME_SC_QUEUE_SIZE = 0x102,
	NVME_SC_AER_LIMIT = 0x105,
	NVME_SC_VECTOR = 0x108,
	NVME_SC_LOG_PAGE = 0x109,
	NVME_SC_QUEUE_DELETION = 0x10c,
	NVME_SC_NOT_SAVEABLE = 0x10d,
	NVME_SC_NOT_CHANGEABLE = 0x10e,
	NVME_SC_NOT_NS_SPECIFIC = 0x10f,

	NVME_SC_WRITE_FAULT = 0x280,
	NVME_SC_READ_ERROR = 0x281,
	NVME_SC_COMPARE = 0x285,
};

/* --- 5: admin commands -------------------------------------------------------------------------
 */

#define NVME_ADM_DELETE_SQ    0x00u
#define NVME_ADM_CREATE_SQ    0x01u
#define NVME_ADM_GET_LOG      0x02u
#define NVME_ADM_DELETE_CQ    0x04u
#define NVME_ADM_CREATE_CQ    0x05u
#define NVME_ADM_IDENTIFY     0x06u
#define NVME_ADM_ABORT	      0x08u
#define NVME_ADM_SET_FEATURES 0x09u
#define NVME_ADM_GET_FEATURES 0x0au
#define NVME_ADM_ASYNC_EVENT  0x0cu

#define NVME_CNS_NAMESPACE   0x00u
#define NVME_CNS_CONTROLLER  0x01u
#define NVME_CNS_ACTIVE_LIST 0x02u
#define NVME_CNS_DESCRIPTORS 0x03u

#define NVME_FID_ARBITRATION	0x01u
#define NVME_FID_POWER		0x02u
#define NVME_FID_TEMPERATURE	0x04u
#define NVME_FID_ERROR_RECOVERY 0x05u
#define NVME_FID_WRITE_CACHE	0x06u
#define NVME_FID_QUEUES		0x07u
#define NVME_FID_COALESCING	0x08u
#define NVME_FID_VECTOR		0x09u
#define NVME_FID_ATOMICITY	0x0au
#define NVME_FID_ASYNC_EVENTS	0x0bu

#define NVME_LOG_ERROR	  0x01u
#define NVME_LOG_SMART	  0x02u
#define NVME_LOG_FIRMWARE 0x03u

/* --- 6: NVM commands ---------------------------------------------------------------------------
 */

#define NVME_CMD_FLUSH	      0x00u
#define NVME_CMD_WRITE	      0x01u
#define NVME_CMD_READ	      0x02u
#define NVME_CMD_COMPARE      0x05u
#define NVME_CMD_WRITE_ZEROES 0x08u
#define NVME_CMD_DSM	      0x09u

#define NVME_RW_FUA	    (1u << 30)
#define NVME_RW_DTYPE	    (15u << 20) /* write */
#define NVME_ZEROES_DEAC    (1u << 25)
#define NVME_DSM_DEALLOCATE 4u

struct nvme_dsm_range {
	uint32_t attributes, nlb;
	uint64_t slba;
};
static_assert(sizeof(struct nvme_dsm_range) == 16, "dataset management range");
#define NVME_DSM_RANGES_MAX 256u

/* --- 5.15: identify ----------------------------------------------------------------------------
 */

#define NVME_IDENTIFY_SIZE 4096u

struct nvme_power_state {
	uint16_t max_power; /* 0.01 W */
	uint8_t reserved2, flags;
	uint32_t entry_lat, exit_lat; /* microseconds */
	uint8_t rrt, rrl, rwt, rwl;
	uint16_t idle_power;
	uint8_t idle_scale, reserved19;
	uint16_t active_power;
	uint8_t active_scale, reserved23[9];
};
static_assert(sizeof(struct nvme_power_state) == 32, "power state descriptor");

struct nvme_id_ctrl {
	uint16_t vid, ssvid;
	char sn[20], mn[40], fr[8];
	uint8_t rab, ieee[3], cmic, mdts;
	uint16_t cntlid;
	uint32_t ver, rtd3r, rtd3e, oaes, ctratt;
	uint16_t rrls;
	uint8_t reserved102[9], cntrltype, fguid[16];
	uint16_t crdt[3];
	uint8_t reserved134[122];
	uint16_t oacs;
	uint8_t acl, aerl, frmw, lpa, elpe, npss, avscc, apsta;
	uint16_t wctemp, cctemp, mtfa;
	uint32_t hmpre, hmmin;
	uint8_t tnvmcap[16], unvmcap[16];
	uint32_t rpmbs;
	uint16_t edstt;
	uint8_t dsto, fwug;
	uint16_t kas, hctma, mntmt, mxtmt;
	uint32_t sanicap, hmminds;
	uint16_t hmmaxd, nsetidmax, endgidmax;
	uint8_t anatt, anacap;
	uint32_t anagrpmax, nanagrpid, pels;
	uint8_t reserved356[156];
	uint8_t sqes, cqes;
	uint16_t maxcmd;
	uint32_t nn;
	uint16_t oncs, fuses;
	uint8_t fna, vwc;
	uint16_t awun, awupf;
	uint8_t nvscc, nwpc;
	uint16_t acwu, reserved534;
	uint32_t sgls, mnan;
	uint8_t reserved544[224];
	char subnqn[256];
	uint8_t reserved1024[1024];
	struct nvme_power_state psd[32];
	uint8_t vendor[1024];
};
static_assert(sizeof(struct nvme_id_ctrl) == NVME_IDENTIFY_SIZE, "identify controller");
static_assert(offsetof(struct nvme_id_ctrl, ver) == 80, "VER");
static_assert(offsetof(struct nvme_id_ctrl, oacs) == 256, "OACS");
static_assert(offsetof(struct nvme_id_ctrl, sanicap) == 328, "SANICAP");
static_assert(offsetof(struct nvme_id_ctrl, sqes) == 512, "SQES");
static_assert(offsetof(struct nvme_id_ctrl, sgls) == 536, "SGLS");
static_assert(offsetof(struct nvme_id_ctrl, subnqn) == 768, "SUBNQN");
static_assert(offsetof(struct nvme_id_ctrl, psd) == 2048, "power states");

#define NVME_ONCS_COMPARE      0x01u
#define NVME_ONCS_DSM	       0x04u
#define NVME_ONCS_WRITE_ZEROES 0x08u
#define NVME_ONCS_SELECT       0x10u
#define NVME_VWC_PRESENT       0x01u
#define NVME_VWC_FLUSH_ALL     0x06u
#define NVME_SGLS_SUPPORTED    0x00001u
#define NVME_SGLS_BIT_BUCKET   0x10000u
#define NVME_SGLS_LONGER       0x40000u
#define NVME_LPA_EXTENDED      0x04u

struct nvme_lbaf {
	uint16_t ms;
	uint8_t lbads, rp;
};
static_assert(sizeof(struct nvme_lbaf) == 4, "LBA format");

struct nvme_id_ns {
	uint64_t nsze, ncap, nuse;
	uint8_t nsfeat, nlbaf, flbas, mc, dpc, dps, nmic, rescap, fpi, dlfeat;
	uint16_t nawun, nawupf, nacwu, nabsn, nabo, nabspf, noiob;
	uint8_t nvmcap[16];
	uint16_t npwg, npwa, npdg, npda, nows;
	uint8_t reserved74[18];
	uint32_t anagrpid;
	uint8_t reserved96[3], nsattr;
	uint16_t nvmsetid, endgid;
	uint8_t nguid[16], eui64[8];
	struct nvme_lbaf lbaf[16];
	uint8_t reserved192[192], vendor[3712];
};
static_assert(sizeof(struct nvme_id_ns) == NVME_IDENTIFY_SIZE, "identify namespace");
static_assert(offsetof(struct nvme_id_ns, nvmcap) == 48, "NVMCAP");
static_assert(offsetof(struct nvme_id_ns, nguid) == 104, "NGUID");
static_assert(offsetof(struct nvme_id_ns, lbaf) == 128, "LBA formats");

#define NVME_NSFEAT_OPTPERF   0x10u
#define NVME_DLFEAT_ZEROES    0x01u
#define NVME_DLFEAT_DEAC      0x08u
#define NVME_NSATTR_PROTECTED 0x01u

#define NVME_NIDT_EUI64 1u
#define NVME_NIDT_NGUID 2u

/* --- 5.14: log pages ----------------------------------------------------------------------------
 */

struct nvme_error_entry {
	uint64_t count;
	uint16_t sqid, cid, status, location;
	uint64_t lba;
	uint32_t nsid;
	uint8_t vendor, trtype, reserved30[2];
	uint64_t specific;
	uint16_t trtype_specific;
	uint8_t reserved42[22];
};
static_assert(sizeof(struct nvme_error_entry) == 64, "error log entry");

struct nvme_smart {
	uint8_t warning;
	uint8_t temperature[2]; /* kelvin; not aligned */
	uint8_t spare, spare_threshold, used, egcw, reserved7[25];
	uint64_t units_read[2], units_written[2], reads[2], writes[2], busy[2], cycles[2];
	uint64_t hours[2], unsafe_shutdowns[2], media_errors[2], error_entries[2];
	uint32_t warning_time, critical_time;
	uint16_t sensor[8];
	uint8_t reserved216[296];
};
static_assert(sizeof(struct nvme_smart) == 512, "SMART / health information");
static_assert(offsetof(struct nvme_smart, units_read) == 32, "data units read");
static_assert(offsetof(struct nvme_smart, warning_time) == 192, "warning temperature time");

#define NVME_SMART_TEMPERATURE 0x02u
#define NVME_SMART_DEGRADED    0x04u

struct nvme_firmware {
	uint8_t active, reserved1[7];
	char slot[7][8];
	uint8_t reserved64[448];
};
static_assert(sizeof(struct nvme_firmware) == 512, "firmware slot information");

/* --- 5.2: asynchronous events --------------------------------------------------------------------
 */

#define NVME_EVENT_ERROR 0u
#define NVME_EVENT_SMART 1u

#define NVME_EVENT_DOORBELL_REGISTER 0u
#define NVME_EVENT_DOORBELL_VALUE    1u
#define NVME_EVENT_RELIABILITY	     0u
#define NVME_EVENT_TEMPERATURE	     1u

#endif
