/* SPDX-License-Identifier: MIT */
#include "pt/page.h"
#include "pt/pt.h"

void pt_gather_free(struct pt *pt, struct pt_gather *gather)
{
	pt_pages_put(gather->pages);
	*gather = (struct pt_gather){ 0 };
}
