/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens a recording. What it says about its run takes the place of the options that were given then. */
#include "player_about.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static bool refuse(const char *path, const char *why)
{
	log_error("cannot read '%s': %s", path, why);
	return false;
}

static bool open_file(const char *path, struct replay **replay)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0)
		return refuse(path, strerror(errno));
	err = replay_open(replay, fd);
	switch (err) {
	case 0: return true;
	case -EBADMSG: return refuse(path, "it is no recording: make one with -w FILE");
	case -EPROTO:
		return refuse(path, "a newer tracer has written it: read it with that version");
	case -ENODATA: return refuse(path, "it is empty, or ends before its first event");
	case -ESPIPE: return refuse(path, "it is no regular file: a recording is read from one");
	default: return refuse(path, strerror(-err));
	}
}

static void take_field(struct options *o, struct player_about *p, uint64_t field, struct unpack u)
{
	struct unpack real = u;
	uint64_t v = unpack_u64(&u);
	double d = unpack_double(&real);

	switch (field) {
	case FIELD_BEGUN_REALTIME: p->begun_realtime_ns = v; break;
	case FIELD_BEGUN_MONOTONIC: p->begun_ns = v; break;
	case FIELD_SAMPLE_BYTES: o->sample_bytes = v; break;
	case FIELD_MIN_BYTES: o->min_bytes = v; break;
	case FIELD_MAX_BYTES: o->max_bytes = v; break;
	case FIELD_RANGES: o->mmap = v != 0; break;
	case FIELD_LEAK_WINDOW:
		if (!o->leak_window_given && d > 0)
			o->leak_window_s = d;
		break;
	case FIELD_LEAK_INTERVAL:
		p->leak_interval_s = d;
		if (!o->leak_interval_given && d >= 0.001)
			o->leak_interval_s = d;
		break;
	case FIELD_LEAK_THRESHOLD:
		if (!o->leak_threshold_given && d >= 0)
			o->leak_threshold = d;
		break;
	default: break;
	}
}

static void read_about(const struct replay *replay, struct options *o, struct player_about *about)
{
	struct unpack u = replay_about(replay);

	while (unpack_left(&u) && !u.bad) {
		uint64_t field = unpack_u64(&u);
		size_t count;
		const uint8_t *bytes = unpack_bytes(&u, &count);

		if (!u.bad)
			take_field(o, about, field,
				   (struct unpack){bytes, count ? bytes + count : bytes, false});
	}
}

struct replay *player_source(struct options *o, struct player_about *about)
{
	struct replay *replay;

	*about = (struct player_about){.leak_interval_s = 1};
	if (!open_file(o->read, &replay))
		return NULL;
	read_about(replay, o, about);
	return replay;
}
