# shellcheck shell=bash
# A private, throw-away PostgreSQL. Sourced by ./test, which has set -euo pipefail and a folder $work.
#
# The server runs as the user that calls, or as `postgres` where that is root (PostgreSQL refuses root). It listens on
# 127.0.0.1 alone, on a port of its own, trusts whoever connects there, and keeps nothing: no write is flushed.

postgres_pid=
postgres_data= # the folder to remove at the end

# postgres_place: where the data lie. In memory where there is room, since every test makes a database, which takes ten
# times as long on a disk.
postgres_place() {
	local free
	free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || free=0
	if [ -w /dev/shm ] && [ "${free:-0}" -gt $((2 << 20)) ]; then
		echo /dev/shm
	else
		echo "$work"
	fi
}

# postgres_bin: the folder of the newest PostgreSQL server here, 14 or later.
postgres_bin() {
	local folder version
	while read -r folder; do
		version=$("$folder/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\).*/\1/p')
		if [ "${version:-0}" -ge 14 ] && [ -x "$folder/initdb" ]; then
			echo "$folder"
			return 0
		fi
	done < <(
		find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -t/ -k5 -rn
		dirname "$(command -v postgres || echo /nowhere/postgres)"
	)
	return 1
}

# unprivileged COMMAND...: runs it as a user that PostgreSQL accepts. The server goes down with this script, however
# that ends.
unprivileged() {
	local drop=()
	if [ "$(id -u)" -eq 0 ]; then
		drop=(--reuid="$postgres_user" --regid="$(id -g "$postgres_user")" --clear-groups)
	fi
	if command -v setpriv >/dev/null; then
		exec setpriv "${drop[@]}" --pdeathsig INT "$@"
	fi
	[ ${#drop[@]} -eq 0 ] || die "setpriv (util-linux) is needed to start PostgreSQL as another user than root"
	exec "$@"
}

# postgres_start: starts the server and exports TEST_POSTGRES_URL; a server that the caller names there is used as it is.
postgres_start() {
	if [ -n "${TEST_POSTGRES_URL:-}" ]; then
		say "using the PostgreSQL of TEST_POSTGRES_URL"
		return 0
	fi
	local bin data attempt
	bin=$(postgres_bin) || die "no PostgreSQL 14 or later here"
	postgres_user=$(id -un)
	if [ "$postgres_user" = root ]; then
		postgres_user=postgres
		id postgres >/dev/null 2>&1 || postgres_user=nobody
	fi
	postgres_data=$(mktemp -d "$(postgres_place)/durward-postgres.XXXXXX")
	data=$postgres_data/data
	chmod 711 "$postgres_data"
	mkdir "$data"
	[ "$(id -u)" -ne 0 ] || chown "$postgres_user" "$data"
	if ! (cd / && unprivileged "$bin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 \
		--locale=C --no-sync --no-instructions) >"$work/postgres.log" 2>&1; then
		cat "$work/postgres.log" >&2
		return 1
	fi
	for attempt in 1 2 3 4 5; do
		if postgres_try "$bin" "$data" $((20000 + RANDOM % 12000)); then
			say "PostgreSQL $("$bin/postgres" --version | sed 's/^[^0-9]*//') on port $PGPORT_PRIVATE"
			export TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$PGPORT_PRIVATE/postgres?sslmode=disable"
			return 0
		fi
		say "attempt $attempt to start PostgreSQL failed"
	done
	cat "$work/postgres.log" >&2
	return 1
}

# postgres_try BIN DATA PORT: true once the server accepts connections; false when it ended, as on a busy port. The time
# zone is an odd one on purpose: times must come out right wherever the server stands.
postgres_try() {
	local bin=$1 data=$2 settings setting options=()
	PGPORT_PRIVATE=$3
	settings="listen_addresses=127.0.0.1 port=$3 unix_socket_directories= max_connections=200 fsync=off
		synchronous_commit=off full_page_writes=off timezone=Pacific/Chatham"
	for setting in $settings; do
		options+=(-c "$setting")
	done
	set -m # out of reach of Ctrl-C, which is for the script to act on
	(cd / && unprivileged "$bin/postgres" -D "$data" "${options[@]}") </dev/null >>"$work/postgres.log" 2>&1 &
	postgres_pid=$!
	set +m
	until grep -qs '^ready' "$data/postmaster.pid"; do
		if ! kill -0 "$postgres_pid" 2>/dev/null; then
			wait "$postgres_pid" || true
			postgres_pid=
			return 1
		fi
		sleep 0.05
	done
}

# postgres_stop: ends the server at once, if this script started one.
postgres_stop() {
	if [ -n "$postgres_pid" ]; then
		kill -QUIT "$postgres_pid" 2>/dev/null || true
		wait "$postgres_pid" 2>/dev/null || true
		postgres_pid=
	fi
	[ -z "$postgres_data" ] || rm -rf "$postgres_data"
}
