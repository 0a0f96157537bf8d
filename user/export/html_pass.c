/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "html_pass.h"

/* In JSON these stand within strings only. */
static const char *escape_of(char c)
{
	switch (c) {
	case '<': return "\\u003c";
	case '>': return "\\u003e";
	case '&': return "\\u0026";
	default: return NULL;
	}
}

static void add_escaped(struct buffer *out, const struct buffer *json, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char *escape = escape_of(json->data[i]);

		if (escape)
			buffer_add_string(out, escape);
		else
			buffer_add_char(out, json->data[i]);
	}
}

int html_pass(struct sink *out, struct buffer *json)
{
	char kept = json->data[json->length - 1];

	add_escaped(&out->text, json, json->length - 1);
	buffer_reset(json);
	buffer_add_char(json, kept);
	return sink_spill(out);
}

void html_pass_last(struct sink *out, struct buffer *json)
{
	add_escaped(&out->text, json, json->length);
	buffer_done(json);
}
