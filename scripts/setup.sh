#!/usr/bin/env bash
# Installs what Lathe needs and is not there: Debian packages, LibTorch, ONNX Runtime's library.
#   scripts/setup.sh            for building and running
#   scripts/setup.sh --tests    with what only the tests need
# Looks before it fetches and says what it found. Without root it lists what to install and stops
# before anything has changed. Running it again costs seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=0
for argument in "$@"; do
  case "$argument" in
    --tests) tests=1 ;;
    -h|--help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "scripts/setup.sh: expected --tests or nothing, got $argument" >&2; exit 2 ;;
  esac
done

say() { printf 'setup: %s\n' "$*" >&2; }

# The versions that Lathe is developed with; docs/dependencies.md says why.
torch_version=2.13.0
onnxruntime_version=1.31.1
onnx_version=1.23.2

packages=(g++ cmake ninja-build ccache mold git python3 python3-venv
  nlohmann-json3-dev libcli11-dev libspdlog-dev libeigen3-dev
  libarchive-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev
  libxnnpack-dev libpthreadpool-dev libcpuinfo-dev)
if [ "$tests" = 1 ]; then packages+=(catch2 clang-tidy clang libclang-rt-14-dev); fi

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then say "Debian packages: all there"; return; fi
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    else
      say "these Debian packages are missing, and installing them needs root; run this first:"
      printf '  apt-get update && apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
      exit 7
    fi
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
}

make_environment() {
  [ -x .venv/bin/pip ] && return
  say "making the Python environment .venv"
  rm -rf .venv
  python3 -m venv .venv
}

pip_install() { .venv/bin/pip install -q --disable-pip-version-check --no-cache-dir "$@"; }

# The folder for CMAKE_PREFIX_PATH of the torch that a Python has, without importing it (that costs
# seconds); nothing if it has none of version 2.
torch_of_python() {
  "$1" - <<'PYTHON' 2>/dev/null || true
import importlib.util, os, re
spec = importlib.util.find_spec("torch")
if spec and spec.origin:
    home = os.path.dirname(spec.origin)
    text = open(os.path.join(home, "version.py")).read()
    version = re.search(r"__version__ = '([^']+)'", text).group(1)
    prefix = os.path.join(home, "share", "cmake")
    if version.startswith("2.") and os.path.isdir(prefix):
        print(prefix, version)
PYTHON
}

find_torch() {
  local folder found
  IFS=: read -ra folders <<<"${CMAKE_PREFIX_PATH:-}"
  for folder in "${folders[@]}"; do
    for found in "$folder/share/cmake/Torch/TorchConfig.cmake" "$folder/Torch/TorchConfig.cmake"; do
      if [ -e "$found" ]; then say "LibTorch: CMAKE_PREFIX_PATH has $found"; return 0; fi
    done
  done
  local python
  for python in python3 .venv/bin/python; do
    command -v "$python" >/dev/null || continue
    found=$(torch_of_python "$python")
    if [ -n "$found" ]; then say "LibTorch: $python has torch ${found##* }"; return 0; fi
  done
  return 1
}

install_torch() {
  find_torch && return
  make_environment
  if command -v nvidia-smi >/dev/null; then
    say "LibTorch: fetching torch $torch_version with CUDA into .venv (several GB)"
    pip_install "torch==$torch_version"
  else
    say "LibTorch: fetching torch $torch_version for the CPU into .venv (about 200 MB)"
    # The default index has the CUDA build only; PyTorch's own index has the one for the CPU.
    pip_install "torch==$torch_version+cpu" 2>/dev/null ||
      pip_install --extra-index-url https://download.pytorch.org/whl/cpu "torch==$torch_version+cpu"
  fi
  find_torch || { say "LibTorch: torch $torch_version was installed into .venv, but its CMake files are not there"; exit 3; }
}

# install_wheel NAME VERSION [pip options]
install_wheel() {
  local name=$1 version=$2; shift 2
  if compgen -G ".venv/lib/python3*/site-packages/$name-$version.dist-info" >/dev/null; then
    say "$name: $version is in .venv"
  else
    make_environment
    say "$name: fetching $version into .venv"
    pip_install "$@" "$name==$version"
  fi
}

install_packages
install_torch
# Only the library inside the wheel is opened, so its Python dependencies are left out.
install_wheel onnxruntime "$onnxruntime_version" --no-deps
if [ "$tests" = 1 ]; then install_wheel onnx "$onnx_version"; fi
