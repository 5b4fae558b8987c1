# Writes LATHE_OUTPUT, the source of build_info(), at every build: git's revision and whether tracked
# files differ from it. The file is rewritten only when it changes, so nothing else is compiled anew.
# Called as cmake -D LATHE_SOURCE=... -D LATHE_OUTPUT=... -D LATHE_VERSION=... -D LATHE_COMPILER=...
# -D LATHE_BUILD_TYPE=... -P build_info.cmake

set(revision unknown)
set(dirty false)
find_program(git git)
if(git)
  # No lock on the index: a commit may be under way while we build.
  set(ask "${git}" --no-optional-locks -C "${LATHE_SOURCE}")
  execute_process(COMMAND ${ask} rev-parse --show-toplevel OUTPUT_VARIABLE top RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # An archive unpacked inside somebody else's checkout is not at that one's revision.
  get_filename_component(source "${LATHE_SOURCE}" REALPATH)
  if(NOT failed)
    get_filename_component(top "${top}" REALPATH)
  endif()
  if(NOT failed AND top STREQUAL source)
    execute_process(COMMAND ${ask} rev-parse HEAD OUTPUT_VARIABLE head RESULT_VARIABLE no_head
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${ask} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes
                    RESULT_VARIABLE no_status OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT no_head)
      set(revision "${head}")
    endif()
    if(no_status OR NOT changes STREQUAL "")
      set(dirty true)
    endif()
  endif()
endif()

configure_file("${CMAKE_CURRENT_LIST_DIR}/build_info.cpp.in" "${LATHE_OUTPUT}" @ONLY)
