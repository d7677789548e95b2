# SPDX-License-Identifier: BSD-2-Clause
# bash completion for zmalloc(1): commands, options, and the processes that publish.

_zmalloc()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words='info stat profile run purge export top --help --version'
	elif [[ $previous == -d || $previous == --delay || $previous == -n || $previous == --rounds ||
		$previous == -w || $previous == --within || $previous == -g || $previous == --since ||
		$previous == -D || $previous == --depth || $previous == -l || $previous == --lines ]]; then
		return
	else
		case $command in
		info) words='--json --help' ;;
		run)
			if [[ $previous == -m || $previous == --malloc ]]; then
				words='jemalloc tcmalloc tcmalloc_minimal mimalloc libc'
			elif [[ $previous == -L || $previous == --limit ]]; then
				return
			elif [[ $word == -* ]]; then
				words='--malloc --limit --publish --profile --purge-on-pressure --report --help'
			elif ((COMP_CWORD == 2)) || [[ $previous == -* ]]; then
				mapfile -t COMPREPLY < <(compgen -c -- "$word")
				return
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
				return
			fi ;;
		export)
			if [[ $word == -* ]]; then
				words='--pid --within --help'
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
				return
			fi ;;
		stat | purge | profile)
			if [[ $previous == -f || $previous == --flame ]]; then
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
				return
			elif [[ $word == -* && $command == purge ]]; then
				words='--json --help'
			elif [[ $word == -* && $command == profile ]]; then
				words='--start --stop --since --depth --lines --flame --pprof --collapsed --json --help'
			elif [[ $word == -* ]]; then
				words='--bins --arenas --scopes --delay --rounds --json --openmetrics --help'
			else
				# Labels of the figure that every process has: number, then name. compgen runs
				# what it finds in a word, and a name is whatever its owner likes.
				words=$(zmalloc top --openmetrics 2>/dev/null </dev/null |
					sed -n -e 's/^zmalloc_used_bytes{pid="\([0-9]*\)",name="\([A-Za-z0-9_.:@%+-]*\)".*/\1 \2/p; t' \
						-e 's/^zmalloc_used_bytes{pid="\([0-9]*\)".*/\1/p')
			fi ;;
		top) words='--delay --rounds --json --openmetrics --help' ;;
		*) return ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _zmalloc zmalloc
