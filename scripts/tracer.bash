# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of tracer for bash. Installed as share/bash-completion/completions/tracer; to try it: . scripts/tracer.bash
# The option lists are compared with the option table by tests/unit/test_options.c.

# The last item of a comma-separated list of process ids is completed; those before it are kept.
_tracer_pids()
{
	local head="" last=$1
	case $1 in
	*,*)
		head=${1%,*},
		last=${1##*,}
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -P "$head" -W "$(ps -eo pid= 2>/dev/null)" -- "$last")
}

_tracer_value()
{
	local option=$1 cur=$2

	case $option in
	-p | --pid) _tracer_pids "$cur" ;;
	-n | --name)
		# compgen -W expands its words, and a process may call itself $(anything): only plain names.
		mapfile -t COMPREPLY < <(compgen -W "$(ps -eo comm= 2>/dev/null |
			LC_ALL=C grep -x '[A-Za-z0-9._:+@/-]*' | sort -u)" -- "$cur")
		;;
	-c | --command) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	-u | --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	-O | --object | -r | --read | -w | --write | --diff | --csv | --csv-blocks | --csv-timeline | --csv-go | --json | --folded | --pprof | --html | --suppress)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	--sort)
		mapfile -t COMPREPLY < <(compgen -W "outstanding count growth score rate oldest peak at-peak" -- "$cur")
		;;
	--folded-value) mapfile -t COMPREPLY < <(compgen -W "outstanding allocated count temporary" -- "$cur") ;;
	--alert)
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W "outstanding> growth> rss> rate> leaks> lost>" -- "$cur")
		;;
	--on-alert) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	--go-workload) mapfile -t COMPREPLY < <(compgen -W "high-throughput low-latency memory-constrained" -- "$cur") ;;
	--attach-method) mapfile -t COMPREPLY < <(compgen -W "session multi perf" -- "$cur") ;;
	# Numbers and expressions: nothing to offer, but not the list of options either.
	-z | --min-size | -Z | --max-size | -s | --sample | --max-overhead | -i | --interval | -d | --duration | -T | --top | --metrics) ;;
	-o | --older | --skip | --max-file-size | --leak-window | --leak-interval | --leak-threshold | --baseline) ;;
	*) return 1 ;;
	esac
}

_tracer()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i
	local options="--pid --name --command --user --follow --no-follow --object --read
		--min-size --max-size --sample --max-overhead --mmap
		--interval --duration --top --sort --older --show-allocs --skip --batch --live
		--csv --csv-blocks --csv-timeline --csv-go --json --folded --folded-value --pprof --html --metrics --write --max-file-size --diff
		--leak-window --leak-interval --leak-threshold --alert --on-alert --baseline --pools --go-pool-share --suppress
		--go-workload --go-enable-profile
		--attach-method --dry-run --check --verbose --quiet --version --help
		-p -n -c -u -f -O -r -w -z -Z -s -i -d -T -o -a -b -v -q -V -h"

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] || continue
		if ((i + 1 == COMP_CWORD)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		elif declare -F _command_offset >/dev/null; then
			_command_offset $((i + 1))
		else
			compopt -o default 2>/dev/null
		fi
		return
	done

	# --csv=FILE comes as three words, because = breaks words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	[[ ${COMP_WORDS[COMP_CWORD]} == = ]] && prev=${COMP_WORDS[COMP_CWORD - 1]}
	_tracer_value "$prev" "$cur" && return
	mapfile -t COMPREPLY < <(compgen -W "$options --" -- "$cur")
}

complete -F _tracer tracer
