# Sourced by the scripts beside it: finds or installs what they need, and says exactly what to do where it cannot.
# Nothing here is specific to one machine; Debian 12 and later are what it knows how to set up.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

NEEDED_RUST=1.95.0

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Run as root: directly, or through sudo where that asks for nothing.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

apt_updated=
# Install the Debian packages that are missing.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    command -v apt-get >/dev/null || die "install these by your system's own means: ${missing[*]}"
    say "installing: ${missing[*]}"
    if [ -z "$apt_updated" ]; then
        as_root apt-get update -q >&2 || true
        apt_updated=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
        die "could not install ${missing[*]}; as root: apt-get update && apt-get install ${missing[*]}"
}

# True if version $1 is at least $2.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

cargo_version() { cargo --version 2>/dev/null | awk '{print $2}'; }

candidate() { apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ && $2 != "(none)" {print $2}'; }

# A cargo that is new enough, and a linker for it.
need_rust() {
    [ -d "$HOME/.cargo/bin" ] && PATH="$PATH:$HOME/.cargo/bin"
    command -v cc >/dev/null || need_packages gcc libc6-dev
    local have
    have=$(cargo_version || true)
    if [ -n "$have" ] && at_least "${have%%-*}" "$NEEDED_RUST"; then return 0; fi
    say "cargo ${have:-is missing}${have:+ is too old}; $NEEDED_RUST or later is needed"
    if command -v apt-get >/dev/null && as_root true; then
        as_root apt-get update -q >&2 || true
        apt_updated=1
        local web
        web=$(candidate cargo-web)
        if [ -n "$web" ] && at_least "$web" "$NEEDED_RUST"; then
            # Debian 12: the compiler that its browsers are built with is kept new. It replaces an old rustc and cargo.
            need_packages rustc-web cargo-web
        elif [ -n "$(candidate rustup)" ]; then
            need_packages rustup
            rustup toolchain install stable --profile minimal --component rustfmt --component clippy >&2 && rustup default stable >&2
        fi
        hash -r
        have=$(cargo_version || true)
        if [ -n "$have" ] && at_least "${have%%-*}" "$NEEDED_RUST"; then return 0; fi
    fi
    die "install Rust $NEEDED_RUST or later and run this again:
  Debian 12, as root:    apt-get update && apt-get install rustc-web cargo-web
  Debian 13 and later:   apt-get install rustup && rustup default stable
  elsewhere:             your system's rustup, then: rustup default stable"
}

build_release() { cargo build --release --locked -p strowger; }

# Packages of npm in a folder of their own: `need_from_npm target/FOLDER NAME@VERSION …`.
need_from_npm() {
    local folder=$1
    shift
    [ "$(cat "$folder/versions" 2>/dev/null)" = "$*" ] && return 0
    # Where Node came from elsewhere it brings npm, and Debian's package of that would be in conflict with it.
    command -v npm >/dev/null || need_packages nodejs npm
    say "installing from npm: $*"
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --prefix "$folder" "$@" >&2 ||
        die "could not install from npm; run: npm install --prefix $folder $*"
    echo "$*" >"$folder/versions"
}

# JsSIP, and a WebSocket for it, which Debian does not have: `tests/src/jssip.rs` looks there.
need_jssip() { need_from_npm target/jssip jssip@3.13.8 ws@8.23.0; }

# Mermaid's parser, and what takes the browser's place for it: `tests/e2e/graph.rs` looks there.
need_mermaid() { need_from_npm target/mermaid mermaid@11.12.0 jsdom@26.1.0; }

# A package of PyPI in an environment of its own, `target/PACKAGE`; the words behind it tell that this version is there.
need_from_pypi() {
    local package=$1 version=$2 venv="target/$1"
    shift 2
    (cd "$venv" 2>/dev/null && "$@") >/dev/null 2>&1 && return 0
    say "installing: $package $version from PyPI"
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install -q "$package==$version" >&2 ||
        die "could not install $package; run: python3 -m venv $venv && $venv/bin/pip install $package==$version"
}

# The scanners of SIPVicious, which Debian does not have: `tests/src/scanner.rs` looks there.
need_sipvicious() {
    need_from_pypi sipvicious 0.3.8 sh -c 'bin/sipvicious_svmap --version | grep -qx "sipvicious_svmap v0.3.8"'
}

# aioice: a STUN client that is not ours.
need_aioice() { need_from_pypi aioice 0.13.0 bin/python -c 'import aioice'; }

# check-jsonschema, which holds YAML against a JSON Schema: what `strowger schema` prints is tested with it.
need_check_jsonschema() { need_from_pypi check-jsonschema 0.37.4 bin/python -c 'import check_jsonschema'; }

# pylibsrtp, the binding of libsrtp: what our SRTP is tested against.
need_pylibsrtp() { need_from_pypi pylibsrtp 1.0.0 bin/python -c 'import pylibsrtp'; }

# What makes components of Python and of JavaScript: `crates/plugins/examples/build` looks there.
need_componentize_py() { need_from_pypi componentize-py 0.25.1 bin/componentize-py --version; }
need_componentize_js() { need_from_npm target/componentize-js @bytecodealliance/componentize-js@0.23.0; }

# `target/rust-wasm/cargo`: a cargo that builds for wasm32-unknown-unknown. A toolchain that has its library does so by itself,
# and rustup fetches that in a second; otherwise the library is built from the source that Debian has of it, by the compiler that
# goes with that, both laid out in a folder of their own so that they replace nothing.
need_rust_wasm() {
    local folder="$PWD/target/rust-wasm"
    [ -x "$folder/cargo" ] && return 0
    mkdir -p "$folder/packages"
    has_wasm() { [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)" ]; }
    if ! has_wasm && command -v rustup >/dev/null; then timeout 60 rustup target add wasm32-unknown-unknown >&2 || true; fi
    if has_wasm; then
        printf '#!/bin/sh\nexec cargo "$@"\n' >"$folder/cargo.part"
    else
        [ -n "$(candidate rust-web-src)" ] || as_root apt-get update -q >&2 || true
        [ -n "$(candidate rust-web-src)" ] || die "no library for wasm32-unknown-unknown; run: rustup target add wasm32-unknown-unknown"
        local std llvm
        std=$(apt-cache depends libstd-rust-web-dev | grep -o 'libstd-rust-web-[0-9][0-9.]*')
        llvm=$(apt-cache depends "$std" | grep -o 'libllvm[0-9][0-9]*')
        say "fetching a compiler for wasm32-unknown-unknown"
        (cd "$folder/packages" && apt-get download -q rustc-web rust-web-src libstd-rust-web-dev "$std" "$llvm" "lld-${llvm#libllvm}" >&2) ||
            die "could not download rustc-web, rust-web-src, $std, $llvm and lld-${llvm#libllvm}"
        local package
        for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$folder"; done
        cat >"$folder/cargo.part" <<END
#!/bin/sh
export LD_LIBRARY_PATH="$folder/usr/lib/x86_64-linux-gnu" RUSTC="$folder/usr/bin/rustc" RUSTC_BOOTSTRAP=1
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$folder/usr/lib/llvm-${llvm#libllvm}/bin/wasm-ld"
exec cargo "\$@" -Z build-std=std,panic_abort
END
    fi
    chmod +x "$folder/cargo.part"
    mv "$folder/cargo.part" "$folder/cargo"
    rm -rf "$folder/packages"
}
