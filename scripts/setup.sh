#!/usr/bin/env bash
# Everything `make run` and `make test` need, into .venv. Safe to run again: what is done is skipped.
#
# Variables: PYTHON  the interpreter to use (default: the first Python 3.11 or 3.12 found)
#            TORCH   cpu (default) or gpu: which build of torch, see CONTRIBUTING.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv LOG=.venv/setup.log STAMP=.venv/setup.stamp
readonly PIP_VERSION=26.3
readonly TORCH=${TORCH:-cpu}
readonly TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
readonly INSTALL_TIMEOUT=1500 LOCK_TIMEOUT=1800 PROBE_TIMEOUT=3 # seconds

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Runs a command into the log. When it fails, shows the log's end without the hosts of package
# indexes, which may carry credentials.
logged() {
    printf '\n$ %s\n' "$*" >>"$LOG"
    if ! "$@" >>"$LOG" 2>&1 </dev/null; then
        tail -n 15 "$LOG" | sed -E 's#(https?://)[^/ ]+#\1...#g' >&2
        fail "failed: $* (full log: $LOG)"
    fi
}

is_supported() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])' 2>/dev/null
}

find_python() {
    local candidates=${PYTHON:-python3.11 python3.12 python3 python} candidate
    for candidate in $candidates; do
        if is_supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or 3.12 (tried $candidates); name one with PYTHON=/path/to/python3.11"
}

# --- system packages ---

has_header() { echo "#include <$1>" | cc -E -x c - >/dev/null 2>&1; }

has_python_header() {
    "$1" -c 'import pathlib, sysconfig, sys
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

has_alsa_plugin() { compgen -G "/usr/lib*/alsa-lib/$1" || compgen -G "/usr/lib/*/alsa-lib/$1"; }

has_browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

# Names the Debian packages whose contents are not on this machine, whoever put them there.
missing_packages() {
    local python=$1 series libraries
    series=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    libraries=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p)
    command -v cc >/dev/null || echo gcc libc6-dev
    has_header portaudio.h || echo portaudio19-dev
    has_python_header "$python" || echo "$series-dev"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$series-venv"
    [[ $libraries == *libGL.so.1* ]] || echo libgl1
    [[ $libraries == *libglib-2.0.so.0* ]] || echo libglib2.0-0
    [[ $libraries == *libEGL.so.1* ]] || echo libegl1
    [[ $libraries == *libGLESv2.so.2* ]] || echo libgles2
    # For the tests: a sound server with a virtual microphone, and a network of their own.
    command -v pulseaudio >/dev/null || echo pulseaudio
    command -v pactl >/dev/null || echo pulseaudio-utils
    has_alsa_plugin libasound_module_pcm_pulse.so >/dev/null || echo libasound2-plugins
    command -v ip >/dev/null || echo iproute2
}

install_system_packages() {
    local packages
    [[ $(uname -s) == Linux ]] || return 0
    packages=$(missing_packages "$1" | xargs)
    [[ -n $packages ]] || return 0
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        say "going on without system packages that are missing: sudo apt-get install $packages"
        return 0
    fi
    say "installing system packages: $packages"
    export DEBIAN_FRONTEND=noninteractive
    logged timeout "$INSTALL_TIMEOUT" apt-get -qq update
    # shellcheck disable=SC2086 # one word a package
    logged timeout "$INSTALL_TIMEOUT" apt-get -qq install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 $packages
}

# For the dashboard's tests, which are skipped without it. Not every distribution has the package,
# and nothing else needs it, so going without is no failure.
install_browser() {
    [[ $(uname -s) == Linux ]] || return 0
    has_browser >/dev/null && return 0
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        say "going on without Chromium, which the dashboard's tests want"
        return 0
    fi
    say "installing chromium, for the dashboard's tests"
    export DEBIAN_FRONTEND=noninteractive
    if ! timeout "$INSTALL_TIMEOUT" apt-get -qq update >>"$LOG" 2>&1 </dev/null ||
        ! timeout "$INSTALL_TIMEOUT" apt-get -qq install -y --no-install-recommends \
            -o DPkg::Lock::Timeout=300 chromium >>"$LOG" 2>&1 </dev/null; then
        say "going on without it: it could not be installed (see $LOG)"
    fi
}

# --- the virtual environment ---

pip() { logged timeout "$INSTALL_TIMEOUT" "$VENV/bin/python" -m pip --no-input "$@"; }

make_venv() {
    is_supported "$VENV/bin/python" && return
    say "making $VENV with $("$1" --version)"
    rm -rf "$VENV"
    mkdir "$VENV"
    logged "$1" -m venv "$VENV"
    pip install "pip==$PIP_VERSION"
}

# On PyPI, torch for Linux on x86-64 is a CUDA build of several GB; PyTorch's own index has the
# CPU build. Where that index is out of reach, the configured ones have to do.
torch_index() {
    [[ $TORCH == cpu && $(uname -sm) == "Linux x86_64" ]] || return 0
    "$VENV/bin/python" -c 'import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2]))' \
        "$TORCH_CPU_INDEX/torch/" "$PROBE_TIMEOUT" 2>/dev/null || return 0
    echo "--extra-index-url $TORCH_CPU_INDEX"
}

install_python_packages() {
    local index
    if [[ -f $VENV/torch && $(<"$VENV/torch") != "$TORCH" ]]; then
        pip uninstall --yes torch # the other build has the same version
    fi
    index=$(torch_index)
    say "installing torch ($TORCH)"
    # shellcheck disable=SC2086 # an option and its value, or nothing
    pip install -c constraints.txt $index torch
    echo "$TORCH" >"$VENV/torch"
    say "installing qamoe-stream and what it depends on (the first time, a few minutes)"
    pip install -c constraints.txt -e '.[train,lsl,parquet,traces]' \
        --group test --group lint --group audit
}

# --- node ---

readonly NODE_EXAMPLE=examples/plugins/javascript-subscriber NODE_TIMEOUT=300

# The packages of the JavaScript example, for its tests. Without node, or where the registry cannot
# be reached, those tests are skipped. No package runs a script of its own.
install_node_packages() {
    local installed=$NODE_EXAMPLE/node_modules/.package-lock.json
    command -v node >/dev/null && command -v npm >/dev/null || return 0
    [[ ! $installed -nt $NODE_EXAMPLE/package-lock.json ]] || return 0
    say "installing the npm packages of $NODE_EXAMPLE"
    timeout --kill-after=10 "$NODE_TIMEOUT" npm --prefix "$NODE_EXAMPLE" ci --ignore-scripts \
        --no-audit --no-fund --no-update-notifier >>"$LOG" 2>&1 </dev/null ||
        say "going on without them: npm failed (see $LOG)"
}

# What the installation depends on; the folder, as the editable install points at it.
state() {
    {
        cat pyproject.toml constraints.txt scripts/setup.sh
        echo "$PWD $TORCH $(uname -sm)"
    } | cksum
}

main() {
    local python
    [[ $TORCH == cpu || $TORCH == gpu ]] || fail "TORCH=$TORCH: must be cpu or gpu"
    python=$(find_python)
    exec 9<constraints.txt # any file that is always there will do as the lock
    if command -v flock >/dev/null; then
        flock -w "$LOCK_TIMEOUT" 9 || fail "another set-up has run for over $LOCK_TIMEOUT s"
    fi
    mkdir -p "$VENV"
    install_system_packages "$python"
    if ! is_supported "$VENV/bin/python" || [[ ! -f $STAMP || $(<"$STAMP") != "$(state)" ]]; then
        make_venv "$python"
        install_python_packages
        state >"$STAMP"
        say "done"
    fi
    install_browser
    install_node_packages
}

main
