/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What forms.S calls. */
#include "truth.h"

SHAPE void form_next(int depth)
{
	next(depth);
	KEEP(&depth);
}
