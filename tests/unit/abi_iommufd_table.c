/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "abi/table.h"

static const struct abi_req want[] = {
	{ 0x3b80, "IOMMU_DESTROY", 8, 8, ABI_WB_NEVER },
	{ 0x3b81, "IOMMU_IOAS_ALLOC", 12, 12, ABI_WB_SUCCESS },
	{ 0x3b82, "IOMMU_IOAS_ALLOW_IOVAS", 24, 24, ABI_WB_NEVER },
	{ 0x3b83, "IOMMU_IOAS_COPY", 40, 40, ABI_WB_SUCCESS },
	{ 0x3b84, "IOMMU_IOAS_IOVA_RANGES", 32, 32, ABI_WB_EMSGSIZE },
	{ 0x3b85, "IOMMU_IOAS_MAP", 40, 40, ABI_WB_SUCCESS },
	{ 0x3b86, "IOMMU_IOAS_UNMAP", 24, 24, ABI_WB_SUCCESS },
	{ 0x3b87, "IOMMU_OPTION", 24, 24, ABI_WB_SUCCESS_VAL64 },
	{ 0x3b88, "IOMMU_VFIO_IOAS", 12, 12, ABI_WB_SUCCESS_GET },
	{ 0x3b89, "IOMMU_HWPT_ALLOC", 48, 24, ABI_WB_SUCCESS },
	{ 0x3b8a, "IOMMU_GET_HW_INFO", 40, 32, ABI_WB_SUCCESS },
	{ 0x3b8b, "IOMMU_HWPT_SET_DIRTY_TRACKING", 16, 16, ABI_WB_NEVER },
	{ 0x3b8c, "IOMMU_HWPT_GET_DIRTY_BITMAP", 48, 48, ABI_WB_NEVER },
	{ 0x3b8d, "IOMMU_HWPT_INVALIDATE", 32, 32, ABI_WB_ALWAYS },
	{ 0x3b8e, "IOMMU_FAULT_QUEUE_ALLOC", 16, 16, ABI_WB_SUCCESS },
	{ 0x3b8f, "IOMMU_IOAS_MAP_FILE", 40, 40, ABI_WB_SUCCESS },
	{ 0x3b90, "IOMMU_VIOMMU_ALLOC", 40, 24, ABI_WB_SUCCESS },
	{ 0x3b91, "IOMMU_VDEVICE_ALLOC", 24, 24, ABI_WB_SUCCESS },
	{ 0x3b92, "IOMMU_IOAS_CHANGE_PROCESS", 8, 8, ABI_WB_NEVER },
	{ 0x3b93, "IOMMU_VEVENTQ_ALLOC", 32, 28, ABI_WB_SUCCESS },
	{ 0x3b94, "IOMMU_HW_QUEUE_ALLOC", 40, 40, ABI_WB_SUCCESS },
	{ 0x3b95, "IOMMU_IOAS_NOIOMMU_GET_PA", 40, 40, ABI_WB_SUCCESS },
};

static void each_request_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct abi_req *req = abi_iommufd_req(want[i].code & 0xff);

		assert_non_null(req);
		assert_int_equal(req->code, want[i].code);
		assert_string_equal(req->name, want[i].name);
		assert_int_equal(req->size, want[i].size);
		assert_int_equal(req->min, want[i].min);
		assert_int_equal(req->writes_back, want[i].writes_back);
	}
}

static void other_numbers_are_not(void **state)
{
	assert_null(abi_iommufd_req(0));
	assert_null(abi_iommufd_req(0x64));
	assert_null(abi_iommufd_req(0x7f));
	for (unsigned int nr = 0x96; nr <= 0x200; nr++)
		assert_null(abi_iommufd_req(nr));
	assert_null(abi_iommufd_req(0x3b80));
	assert_null(abi_iommufd_req(UINT32_MAX));
}

/* A buffer of ABI_IOMMUFD_SIZE_MAX bytes holds each structure, and is not larger than needed. */
static void largest_size_is_right(void **state)
{
	uint32_t largest = 0;

	for (unsigned int nr = ABI_IOMMUFD_NR_FIRST; nr <= ABI_IOMMUFD_NR_LAST; nr++) {
		const struct abi_req *req = abi_iommufd_req(nr);

		assert_in_range(req->min, sizeof(uint32_t), req->size);
		if (req->size > largest)
			largest = req->size;
	}
	assert_int_equal(largest, ABI_IOMMUFD_SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_is_found),
		cmocka_unit_test(other_numbers_are_not),
		cmocka_unit_test(largest_size_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
