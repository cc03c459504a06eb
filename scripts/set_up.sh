#!/bin/sh
# Makes .venv and installs what one of these needs: `set_up.sh run` or `set_up.sh dev`.
# What was done for the same requirement file and the same project file before is not done again.
set -eu
cd "$(dirname "$0")/.."
VENV=.venv
STAMPS=$VENV/.stamps

say() { printf '%s\n' "$*"; }

give_up() {
    printf '%s\n' "$*" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    # 3.11 first: it is what the hashed requirements were tried with.
    for name in python3.11 python3; do
        if command -v "$name" >/dev/null && new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    give_up "Hangtag needs Python 3.11 or newer, and neither python3.11 nor python3 is. Install it and try again."
}

make_venv() {
    if [ -x $VENV/bin/python ] && new_enough $VENV/bin/python && $VENV/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    python=$(find_python)
    say "Virtual environment: making $VENV with $("$python" --version)"
    "$python" -m venv --clear $VENV ||
        give_up "Python could not make a virtual environment. On Debian and Ubuntu: install python3-venv."
}

has_gpu() {
    command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU
}

digest() {
    cat "$@" | $VENV/bin/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

# The two builds of TensorFlow share their files, so one has to go before the other comes.
only_one_tensorflow() {
    other=$1
    if $VENV/bin/python -m pip show --quiet "$other" >/dev/null 2>&1; then
        say "Dependencies: removing $other, which is for another kind of machine"
        $VENV/bin/python -m pip uninstall -qq --yes tensorflow tensorflow-cpu
        rm -rf $STAMPS
    fi
}

install_requirements() {
    stamp=$STAMPS/$1-$(digest "requirements/$1.txt")
    [ -e "$stamp" ] && return
    if [ "$1" = gpu ]; then only_one_tensorflow tensorflow-cpu; else only_one_tensorflow tensorflow; fi
    say "Dependencies: installing requirements/$1.txt, which takes a few minutes the first time"
    began=$(date +%s)
    $VENV/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes \
        --requirement "requirements/$1.txt" ||
        give_up "The dependencies could not be installed; pip's reason stands above."
    say "Dependencies: installed in $(($(date +%s) - began)) s"
    mkdir -p $STAMPS
    touch "$stamp"
}

install_project() {
    stamp=$STAMPS/project-$(digest pyproject.toml)
    [ -e "$stamp" ] && return
    say "Hangtag: installing the hangtag command"
    $VENV/bin/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --no-build-isolation \
        --editable . || give_up "The hangtag command could not be installed; pip's reason stands above."
    mkdir -p $STAMPS
    touch "$stamp"
}

make_venv
case "${1:-}" in
run) if has_gpu; then install_requirements gpu; else install_requirements cpu; fi ;;
dev) install_requirements dev ;;
*) give_up "Usage: scripts/set_up.sh run|dev" ;;
esac
install_project
