#!/usr/bin/env bash
# Sets up everything and runs the tests that this machine can run.
#   ./test.sh         builds, runs the unit, golden, program and architecture tests
#   ./test.sh --all   the same, and the slow tests (kills and resumes, overfitting), a build without CUDA, formatting, clang-tidy, a short run of the fuzz
#                     targets, and the unit tests under the sanitizers (what CI runs)
set -euo pipefail
cd "$(dirname "$0")"

mode=${1:-}
case $mode in
  "" | --all) ;;
  *) echo "usage: ./test.sh [--all]" >&2; exit 2 ;;
esac

step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }
jobs=$(nproc)

step "Packages"
if [[ -n $mode ]]; then
  scripts/install_dependencies.sh --all-tests
else
  scripts/install_dependencies.sh --tests
fi

step "Build (release)"
cmake --preset release -D AFTERGLOW_TESTS=ON -D AFTERGLOW_BENCHMARKS=ON >/dev/null
cmake --build --preset release

step "Tests"
left_out='slow|peer'
if [[ -n $mode ]]; then left_out+='|simt|softgpu'; fi # those run under the sanitizers below
ctest --test-dir build/release --output-on-failure -LE "$left_out" -j "$jobs"
[[ $mode == --all ]] || exit 0

step "Slow tests"
# The browser was installed above: a test of a page that does not find it fails.
AFTERGLOW_BROWSER=chromium ctest --test-dir build/release --output-on-failure -L slow -j "$jobs"

# Where every command of that build is one of the build above, it makes the same files, those of CUDA missing; what the program says
# where there is no plug-in has a test.
step "A build without CUDA's toolkit, and one without its headers"
# list_commands BUILD: to build/BUILD/commands.txt.
list_commands() {
  ninja -C "build/$1" -t commands | sed "s|$PWD/build/$1|BUILD|g" | sort -u >"build/$1/commands.txt"
  if [[ ! -s build/$1/commands.txt ]]; then
    echo "build/$1: ninja tells no commands" >&2
    exit 1
  fi
}
# has_no_other_command BUILD OPTION...
has_no_other_command() {
  cmake --preset release -B "build/$1" -D AFTERGLOW_TESTS=ON -D AFTERGLOW_BENCHMARKS=ON -D AFTERGLOW_CUDA=OFF "${@:2}" >/dev/null
  list_commands "$1"
  local only_there
  only_there=$(comm -13 build/release/commands.txt "build/$1/commands.txt")
  if [[ -n $only_there ]]; then
    printf 'commands that only build/%s has: build it and run its tests, or make them the same\n%s\n' "$1" "$only_there" >&2
    exit 1
  fi
}
list_commands release
has_no_other_command no_cuda
has_no_other_command no_cuda_headers -D SOFTGPU_CUDART_HEADERS=OFF

step "Formatting"
find base kernels nn weights data apps tests bench \( -name '*.[ch]pp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 clang-format --dry-run --Werror

step "clang-tidy"
scripts/tidy.sh

step "Fuzz targets, a short run"
bench/fuzz.sh --runs 20000

step "Build (asan)"
cmake --preset asan >/dev/null
rooms=(base kernels nn weights data simt) # the few unit tests of apps are not worth compiling all of it
if [[ -d build/asan/tests/cuda ]]; then rooms+=(softgpu cuda); fi # where CUDA's headers are
cmake --build --preset asan --target "${rooms[@]/%/_tests}"
step "Unit tests and the GPU's stand-ins under AddressSanitizer and UndefinedBehaviorSanitizer"
ctest --test-dir build/asan --output-on-failure -L 'unit|simt|softgpu' -j "$jobs"

# A fiber of the SIMT machine is a thread to ThreadSanitizer, which takes a fraction of a millisecond to make each: it sees the planted
# bugs, small cases of every kernel, the software GPU's own tests, of the CUDA backend what threads share (25 s to build, 25 s to run), and
# of the rest what runs in several threads.
step "Build (tsan)"
cmake --preset tsan >/dev/null
runs=("threads_tests -w NoTests [threads]" "simt_tests -w NoTests [threads]")
if [[ -d build/tsan/tests/cuda ]]; then runs+=("softgpu_tests -w NoTests *" "cuda_threads_tests -w NoTests [threads]"); fi
cmake --build --preset tsan --target "${runs[@]%% *}"
step "What runs in several threads, under ThreadSanitizer"
# OpenMP's own barriers would be reported as races: one thread.
export OMP_NUM_THREADS=1 TSAN_OPTIONS=suppressions=$PWD/tests/thread_sanitizer.supp
printf 'build/tsan/%s\n' "${runs[@]}" | xargs -P "$jobs" -L 1 env
