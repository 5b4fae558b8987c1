# What all our targets share: standard, warnings, sanitizers, the include root.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(LATHE_CCACHE ccache)
if(LATHE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers are cached only when ccache is told that their times do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_NOHASHDIR=1 ${LATHE_CCACHE})
endif()
find_program(LATHE_MOLD mold)

add_library(lathe_options INTERFACE)
target_compile_features(lathe_options INTERFACE cxx_std_17)
target_include_directories(lathe_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(lathe_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  # What ccache needs to hit behind a precompiled header.
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
  # GCC's -Wconversion leaves it out in C++.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)
if(LATHE_WERROR)
  target_compile_options(lathe_options INTERFACE -Werror)
endif()
if(LATHE_SANITIZE)
  target_compile_options(lathe_options INTERFACE
    -fsanitize=${LATHE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # GCC 12 is wrong about <regex> under sanitizers
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_compile_definitions(lathe_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(lathe_options INTERFACE -fsanitize=${LATHE_SANITIZE})
endif()
if(LATHE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "LATHE_FUZZ: expected Clang, whose libFuzzer it uses, got "
                        "${CMAKE_CXX_COMPILER_ID}; configure with the preset asan")
  endif()
  # Everything counts its branches, so that tests and fuzz targets share one build.
  target_compile_options(lathe_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(LATHE_MOLD)
  target_link_options(lathe_options INTERFACE -fuse-ld=mold)
endif()

# lathe_library(NAME SOURCES ... PUBLIC targets ... PRIVATE targets ...): static, position-independent.
function(lathe_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
                                           CXX_STANDARD 17)
  target_link_libraries(${name} PUBLIC lathe_options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()

# lathe_program(NAME SOURCES ... LINK targets ...)
function(lathe_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF CXX_STANDARD 17)
  target_link_libraries(${name} PRIVATE lathe_options ${arg_LINK})
endfunction()

# lathe_test(NAME SOURCES ... LINK targets ...): one program, one test; slow, gpu and device cases are
# left out of the default run. With TORCH it runs on one torch thread.
function(lathe_test name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;LINK" ${ARGN})
  lathe_program(${name} SOURCES ${arg_SOURCES} LINK ${arg_LINK} lathe_test_support)
  add_test(NAME ${name} COMMAND ${name} "~[slow]~[gpu]~[device]"
           WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  if(arg_TORCH)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=1")
  endif()
endfunction()

# lathe_fuzz(NAME SOURCE targets ...): the libFuzzer program fuzz_NAME, whose seeds are the files of
# tests/fuzz/corpus/NAME. As a test it reads its seeds only; scripts/fuzz.sh does the rest.
function(lathe_fuzz name source)
  lathe_program(fuzz_${name} SOURCES ${source} LINK ${ARGN})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME fuzz_${name}
           COMMAND fuzz_${name} -runs=0 -timeout=10 "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
endfunction()
