/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that were written without sight of the rules, after their parameters had been frozen
 * (docs/analysis.md).
 */
#include "blind.h"

const struct workload blind_workloads[] = {
	{"session_table", blind_session_table, 180},
	{"reconnect", blind_reconnect, 180},
	{"request_cache", blind_request_cache, 220},
	{"string_builder", blind_string_builder, 220},
	{"thread_buffers", blind_thread_buffers, 180},
	{"nightly_batch", blind_nightly_batch, 360},
	{"growing_array", blind_growing_array, 150},
	{"large_slow", blind_large_slow, 150},
	{"cycles", blind_cycles, 220},
	{"double_timer", blind_double_timer, 150},
	{"busy_site", blind_busy_site, 220},
	{"late", blind_late, 300},
	{"flapping_peer", blind_flapping_peer, 360},
	{"config_reload", blind_config_reload, 220},
	{"lost_replies", blind_lost_replies, 220},
	{"label_cardinality", blind_label_cardinality, 220},
	{"web_daytime", blind_web_daytime, 360},
	{"database_proxy", blind_database_proxy, 300},
	{"key_value", blind_key_value, 300},
	{"log_shipper", blind_log_shipper, 300},
	{"lsm_store", blind_lsm_store, 600},
	{"broker", blind_broker, 200},
	{"game_server", blind_game_server, 200},
	{"managed_runtime", blind_managed_runtime, 300},
	{"compiler_daemon", blind_compiler_daemon, 300},
	{"search_index", blind_search_index, 360},
	{"media_pool", blind_media_pool, 240},
	{"report_jobs", blind_report_jobs, 300},
	{"monitor", blind_monitor, 300},
	{0},
};
