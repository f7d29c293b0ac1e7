#!/usr/bin/env bash
# Installs what is missing of the Debian packages that afterglow is built with. Called by demo.sh and test.sh.
# Usage: scripts/install_dependencies.sh [--tests | --all-tests]
# --tests adds what test.sh needs, --all-tests what test.sh --all needs.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  libdnnl-dev libhwy-dev
  libhdf5-dev
  libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev
  libopencv-video-dev
  libstb-dev libcli11-dev nlohmann-json3-dev
  libprotobuf-dev protobuf-compiler libzip-dev libcurl4-openssl-dev libssl-dev
)
if [[ ${1:-} == --tests ]]; then
  packages+=(catch2 libbenchmark-dev libboost-context-dev ffmpeg)
fi
if [[ ${1:-} == --all-tests ]]; then
  packages+=(catch2 libbenchmark-dev libboost-context-dev ffmpeg clang-format clang-tidy clang libclang-rt-dev libomp-dev chromium)
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install_dependencies.sh: these packages are missing and neither root nor sudo is at hand: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
