# Sourced by run and test: makes .venv with the project and its requirements. A second call takes no time.

root=$(cd "$(dirname "$0")/.." && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

# Debian's packages, as root or through sudo; fails where that is not to be had.
apt_install() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -eq 0 ]; then as_root=env; elif command -v sudo >/dev/null; then as_root="sudo env"; else return 1; fi
    { $as_root apt-get update -qq && $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >/dev/null
}

# Prints the first Python 3.11 or 3.12 that runs; PYTHON=/path/to/python names another to try.
find_python() {
    for candidate in ${PYTHON:-python3 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# Debian keeps the standard module venv in a package of its own; where that cannot be installed, virtualenv stands in.
make_venv() {
    python=$(find_python) || { apt_install python3 && python=$(find_python); } || {
        say "Python 3.11 or 3.12 is needed; install one, or name it: PYTHON=/path/to/python $0"
        return 1
    }
    "$python" -m venv --clear .venv >/dev/null 2>&1 && return
    apt_install python3-venv && "$python" -m venv --clear .venv && return
    "$python" -m pip install -q --user --break-system-packages virtualenv &&
        "$python" -m virtualenv -q --clear .venv && return
    say "$python can make no virtual environment; on Debian, install the package python3-venv."
    return 1
}

# setup FILE: what requirements file FILE lists, and the project itself (editable).
setup() (
    cd "$root" || exit
    # Two calls at once would undo each other's work.
    if command -v flock >/dev/null; then exec 9>.setup.lock && flock 9; fi
    wanted=$({ pwd && cat pyproject.toml requirements.txt "$1"; } | cksum)
    [ "$(cat ".venv/$1.done" 2>/dev/null)" = "$wanted" ] && exit
    say "Setting up .venv: some minutes the first time."
    .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv || exit
    .venv/bin/python -m pip install -q -r "$1" -e . || exit
    printf '%s\n' "$wanted" >".venv/$1.done"
)
