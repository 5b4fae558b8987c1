# Finds LibTorch 2.x: CMAKE_PREFIX_PATH first, else the active Python's torch, else the one that
# scripts/setup.sh put into .venv. Importing torch would cost seconds, so only its place is asked for.

find_package(Torch 2.0 QUIET)
if(NOT Torch_FOUND)
  foreach(python python3 "${PROJECT_SOURCE_DIR}/.venv/bin/python")
    execute_process(
      COMMAND ${python} -c
              "import importlib.util, os; print(os.path.join(os.path.dirname(importlib.util.find_spec('torch').origin), 'share', 'cmake'))"
      OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed AND EXISTS "${prefix}/Torch/TorchConfig.cmake")
      find_package(Torch 2.0 QUIET PATHS "${prefix}")
      if(Torch_FOUND)
        break()
      endif()
    endif()
  endforeach()
endif()
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch 2.x: expected in CMAKE_PREFIX_PATH, in the active Python, or in .venv; "
                      "found in none. Run scripts/setup.sh, or configure with the preset core, which "
                      "builds without it.")
endif()
message(STATUS "LibTorch ${Torch_VERSION}: ${Torch_DIR}")
