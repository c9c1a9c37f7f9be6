#!/usr/bin/env bash
# Installs the Debian 12 packages that the build needs; ends at once when all are there.
# --fuzz, --format and --lint add what these targets of the Makefile need.
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config git
  libdnnl-dev ocl-icd-opencl-dev # the CMake file of the first asks for the second
  nlohmann-json3-dev libfmt-dev libcli11-dev
  libjpeg-dev libpng-dev libwebp-dev libarchive-dev libcurl4-openssl-dev
  libcairo2-dev
  libpcre2-dev libutf8proc-dev libyaml-cpp-dev
  libgtest-dev
)

for option in "$@"; do
  case "$option" in
    --fuzz) packages+=(clang libclang-rt-14-dev) ;;
    --format) packages+=(clang-format) ;;
    --lint) packages+=(clang-tidy) ;;
    *)
      echo "usage: scripts/install-deps.sh [--fuzz] [--format] [--lint]" >&2
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
if [[ ${#missing[@]} -eq 0 ]]; then exit 0; fi

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
