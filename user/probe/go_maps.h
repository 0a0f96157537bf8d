/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the probes in Go programs are told by maps. Any thread; two at once only for different processes. */
#ifndef PROBE_GO_MAPS_H
#define PROBE_GO_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include "../../include/go_shape.h"
#include "loader.h"

/* *cookie: the part of a probe's cookie that names the shape. False: there is no room for another one. */
bool go_maps_shape(struct loader *l, const struct go_shape *shape, uint64_t *cookie);
/* Samples of this process (by the tracer's number) lie so many bytes apart from now on, or the bytes of -s if that is more. */
void go_maps_thin(struct loader *l, uint32_t number, uint64_t mean_bytes);
/* It is traced no more. */
void go_maps_forget(struct loader *l, uint32_t number);

#endif /* PROBE_GO_MAPS_H */
