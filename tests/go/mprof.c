// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read of a Go program's own heap profile, record by record, as tests/go/profiled.go says it: mprof PID. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../user/target/go.h"
#include "../../user/target/go_profile.h"

static void say(const struct go_record *r)
{
	uint32_t i;

	printf("record %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ", r->allocs,
	       r->allocs * r->object_bytes, r->frees, r->frees * r->object_bytes);
	for (i = 0; i < r->depth; i++)
		printf("%s%" PRIx64, i ? "," : "", r->pcs[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	char why[GO_WHY_MAX] = "not a Go program";
	struct go_process *go = argc == 2 ? go_open(atoi(argv[1]), NULL, why) : NULL;
	struct go_profile_figures f;
	struct go_profile *p;
	const struct go_record *v;
	size_t count, i;
	int err;

	if (!go) {
		fprintf(stderr, "mprof: %s\n", why);
		return 1;
	}
	p = go_profile_open(go);
	err = go_profile_read(p, &f);
	v = go_profile_records(p, &count);
	for (i = 0; !err && i < count; i++)
		say(&v[i]);
	printf("rate %" PRIu64 " cycle %" PRIu32 " early %d steady %d bad %" PRIu64
	       " left out %" PRIu64 " result %d\n",
	       f.rate, f.cycle, f.early, f.steady, f.bad, f.left_out, err);
	go_profile_close(p);
	go_close(go);
	return err != 0;
}
