#!/usr/bin/env bash
# Installs the Debian 12 packages that the build needs; ends at once when all are there.
# --fuzz, --format and --lint add what these targets of the Makefile need, --serve-tests a browser for test-serve.sh.
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config git
  libdnnl-dev ocl-icd-opencl-dev # the CMake file of the first asks for the second
  nlohmann-json3-dev libfmt-dev libcli11-dev
  libjpeg-dev libpng-dev libwebp-dev libarchive-dev libcurl4-openssl-dev
  libboost1.81-dev libssl-dev
  libcairo2-dev libedit-dev
  libpcre2-dev libutf8proc-dev libyaml-cpp-dev
  libgtest-dev
  python3-pip # brings Apache Arrow, see below
  python3-venv # the clients that scripts/test-serve.sh asks the server with
)

# Apache Arrow, which reads Parquet, is not in Debian 12; Python's package of it holds the C++ library and its headers.
# Without it the build goes on, and opening a .parquet file is an error.
arrow_version=26.0.1
arrow_folder=build/_deps/arrow

install_arrow() {
  cd "$(dirname "$0")/.."
  if [[ "$(cat "$arrow_folder/version" 2>/dev/null)" == "$arrow_version" ]]; then return; fi
  local wheels
  wheels=$(mktemp -d)
  echo "install-deps: getting Apache Arrow $arrow_version"
  if python3 -m pip download --quiet --no-deps --only-binary=:all: --disable-pip-version-check --dest "$wheels" \
    "pyarrow==$arrow_version" && rm -rf "$arrow_folder" && mkdir -p "$arrow_folder" &&
    python3 scripts/unpack_arrow.py "$wheels"/*.whl "$arrow_folder"; then
    echo "$arrow_version" >"$arrow_folder/version"
  else
    echo "install-deps: WARNING: Apache Arrow cannot be had; the program will not read Parquet" >&2
  fi
  rm -rf "$wheels"
}

for option in "$@"; do
  case "$option" in
    --fuzz) packages+=(clang libclang-rt-14-dev) ;;
    --format) packages+=(clang-format) ;;
    --lint) packages+=(clang-tidy) ;;
    --serve-tests) packages+=(chromium chromium-driver fonts-dejavu-core) ;;
    *)
      echo "usage: scripts/install-deps.sh [--fuzz] [--format] [--lint] [--serve-tests]" >&2
      exit 2
      ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install-deps: no apt here; install the counterparts of: ${packages[*]}" >&2
  exit 1
fi

# dpkg-query fails when it does not know one of the names; those are missing too.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qx "$package installed" <<<"$installed" || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  install_arrow
  exit 0
fi

as_root=(env DEBIAN_FRONTEND=noninteractive)
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: run as root, or install sudo; missing: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo "${as_root[@]}")
fi

echo "install-deps: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
install_arrow
