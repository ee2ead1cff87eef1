# shellcheck shell=bash
# What the tests need beside Go, on Debian and Ubuntu. Sourced by ./test, which has set -euo pipefail.
#
# Each need is looked for first; what is missing is installed in one go where this may be done without asking
# (root, or sudo without a password), and otherwise named in the one command that installs it.

# has_cc: a C compiler with the C library's headers, for the race detector.
has_cc() {
	command -v "${CC:-gcc}" >/dev/null && echo '#include <stdlib.h>' | "${CC:-gcc}" -E - >/dev/null 2>&1
}

# has_node: Node.js 18 or later.
has_node() {
	local version
	version=$(node --version 2>/dev/null) || return 1
	version=${version#v}
	[ "${version%%.*}" -ge 18 ] 2>/dev/null
}

has_python_venv() {
	python3 -c 'import ensurepip, venv' >/dev/null 2>&1
}

has_certificates() {
	[ -n "${SSL_CERT_FILE:-}" ] || [ -n "$(find -L /etc/ssl/certs /etc/pki/tls/certs -name '*.crt' -size +50k -print -quit 2>/dev/null)" ]
}

# missing_packages NEED...: the Debian packages that would fill what is missing of these needs, a line each.
missing_packages() {
	local need
	for need in "$@"; do
		case $need in
		certificates) has_certificates || echo ca-certificates ;;
		git) command -v git >/dev/null || echo git ;;
		curl) command -v curl >/dev/null || echo curl ;;
		postgres) postgres_bin >/dev/null || echo postgresql ;;
		cc) has_cc || printf '%s\n' gcc libc6-dev ;;
		python)
			command -v python3 >/dev/null || echo python3
			has_python_venv || echo python3-venv
			;;
		node)
			has_node || echo nodejs
			command -v npm >/dev/null || echo npm
			;;
		'') ;;
		*) die "scripts/needs.sh: no such need: $need" ;;
		esac
	done
}

# require NEED...: after it, each need is there; or the run has ended with what to do.
require() {
	local packages=()
	mapfile -t packages < <(missing_packages "$@")
	[ ${#packages[@]} -gt 0 ] || return 0
	local sudo=()
	if ! command -v apt-get >/dev/null; then
		die "missing: ${packages[*]} (these are Debian's names). Install them and run ./test again."
	elif [ "$(id -u)" -eq 0 ]; then
		sudo=(env)
	elif sudo -n true 2>/dev/null; then
		sudo=(sudo -n env)
	else
		die "something is missing. Install it and run ./test again:" \
			"  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}"
	fi
	say "installing what is missing: ${packages[*]}"
	install_packages "${packages[@]}" || die "apt-get could not install: ${packages[*]}"
	hash -r
	mapfile -t packages < <(missing_packages "$@")
	[ ${#packages[@]} -eq 0 ] ||
		die "still missing, or too old here, after installing it: ${packages[*]}" \
			"Needed are PostgreSQL 14 or later and Node.js 18 or later."
}

# install_packages PACKAGE...: uses `sudo` of require. A PostgreSQL server that comes with it gets no cluster of its own:
# the tests start a private one, and nothing is left running on the machine.
install_packages() {
	apt update || say "apt-get update failed; trying with the lists that are there"
	local settings=/etc/postgresql-common/createcluster.conf rc=0
	case " $* " in
	*" postgresql "*)
		apt install postgresql-common || return
		local saved
		saved=$(cat "$settings")
		printf '%s\n' "$saved" 'create_main_cluster = false' | "${sudo[@]}" tee "$settings" >/dev/null
		apt install "$@" || rc=$?
		printf '%s\n' "$saved" | "${sudo[@]}" tee "$settings" >/dev/null
		;;
	*) apt install "$@" || rc=$? ;;
	esac
	return "$rc"
}

apt() {
	local word=$1
	shift
	[ "$word" = update ] || word="$word --yes --no-install-recommends"
	# shellcheck disable=SC2086 # the word and its flags
	"${sudo[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 $word "$@" \
		</dev/null >"$work/apt.log" 2>&1 && return
	cat "$work/apt.log" >&2
	return 1
}
