/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate through which all data gets into a page: what could end the script element that it stands in is escaped, so no
 * name can leave it, whoever wrote it into the JSON. Inside of export/. One thread at a time.
 */
#ifndef EXPORT_HTML_PASS_H
#define EXPORT_HTML_PASS_H

#include "sink.h"

/* All of `json` but its last byte, by which json_text.h sees whether a comma is due. 0 or the error of the sink. */
int html_pass(struct sink *out, struct buffer *json);
/* All of it; `json` is done with. */
void html_pass_last(struct sink *out, struct buffer *json);

#endif /* EXPORT_HTML_PASS_H */
