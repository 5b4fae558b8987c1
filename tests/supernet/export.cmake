# The export without torch.
lathe_test(test_export
  SOURCES broken_export_test.cpp export_graphs.cpp onnx_test.cpp protobuf_test.cpp sidecar_test.cpp verify_test.cpp
  LINK lathe_export)

# The models that test_export writes, through the onnx package's own checker.
if(EXISTS "${PROJECT_SOURCE_DIR}/.venv/bin/python")
  set(python "${PROJECT_SOURCE_DIR}/.venv/bin/python")
else()
  set(python python3)
endif()
set(LATHE_PYTHON "${python}" CACHE STRING "Python that checks exports; wants the onnx package")
set_tests_properties(test_export PROPERTIES FIXTURES_SETUP onnx_models)
add_test(NAME onnx_checker
         COMMAND "${LATHE_PYTHON}" "${CMAKE_CURRENT_LIST_DIR}/check_onnx.py"
                 "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/onnx_models")
set_tests_properties(onnx_checker PROPERTIES FIXTURES_REQUIRED onnx_models SKIP_RETURN_CODE 77)

# The export with torch, and all executors side by side.
if(LATHE_WITH_TORCH)
  lathe_test(test_torchscript TORCH
    SOURCES export_graphs.cpp parity_test.cpp torchscript_test.cpp
    LINK lathe_supernet)
  if(LATHE_DEVICE_RUNTIME STREQUAL "xnnpack")
    lathe_program(run_xnnpack SOURCES run_xnnpack.cpp LINK lathe_export lathe_probe_parts)
    add_dependencies(test_torchscript run_xnnpack)
  endif()
endif()
