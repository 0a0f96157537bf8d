/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink.h"

#define SPILL_BYTES (1u << 20)

int sink_spill(struct sink *s)
{
	breath_take(s->breath);
	if (s->text.length < SPILL_BYTES || s->error)
		return s->error;
	s->error = s->write(s->file, s->text.data, s->text.length);
	buffer_reset(&s->text);
	return s->error;
}
