/* SPDX-License-Identifier: MIT */
#include "hw/plain.h"

#include <errno.h>

#include "base/refuse.h"
#include "core/domain.h"

/*
 * The interrupt window of x86 (Intel SDM volume 3, 11.11.1: 0xfee00000, 1 MiB). Other architectures
 * have their doorbells elsewhere; a window that never moves lets a client keep its memory map.
 */
#define MSI_FIRST UINT64_C(0xfee00000)
#define MSI_LAST  UINT64_C(0xfeefffff)

static const struct hw_plain *plain_of(const struct hw *hw)
{
	return (const struct hw_plain *)hw;
}

static int plain_domain_init(const struct hw *hw, struct domain *dom, uint32_t flags)
{
	const struct pt_ops *format = plain_of(hw)->format;
	struct pt_cfg cfg = { 0 };
	int err;

	if (flags)
		return refuse(EOPNOTSUPP, "the IOMMU's tables support what is asked for",
			"format %s, flags %#x", format->name, flags);
	dom->pt.ops = format;
	err = format->init(&dom->pt, &cfg);
	if (err)
		return err;
	dom->first = 0;
	dom->last = dom->pt.va_last;
	return 0;
}

static size_t plain_reserved(const struct hw *hw, const struct hw_range **out)
{
	*out = &plain_of(hw)->msi;
	return 1;
}

static size_t plain_info(const struct hw *hw, uint32_t *type, const void **data)
{
	*type = 0;
	*data = NULL;
	return 0;
}

static uint64_t plain_capabilities(const struct hw *hw)
{
	return HW_CAP_ATS_NOT_SUPPORTED;
}

static const struct hw_ops plain_ops = {
	.domain_init = plain_domain_init,
	.reserved = plain_reserved,
	.info = plain_info,
	.capabilities = plain_capabilities,
};

void hw_plain_init(struct hw_plain *plain, const struct pt_ops *format)
{
	plain->hw.ops = &plain_ops;
	plain->format = format;
	plain->msi = (struct hw_range){ .start = MSI_FIRST, .last = MSI_LAST };
}
