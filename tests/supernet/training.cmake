# Tests of supernet/data and supernet/training.
lathe_test(test_data
  SOURCES bad_data_sets_test.cpp bad_images_test.cpp batch_test.cpp broken_config_test.cpp
          checkpoint_file_test.cpp dataset_test.cpp image_files.cpp image_test.cpp metrics_test.cpp
          odd_images.cpp phase_test.cpp safetensors_test.cpp
          schedule_test.cpp train_config_test.cpp
  LINK lathe_recipe lathe_data JPEG::JPEG LibArchive::LibArchive PNG::PNG ZLIB::ZLIB)

if(LATHE_WITH_TORCH)
  lathe_test(test_training TORCH
    SOURCES bad_run_test.cpp checkpoint_test.cpp image_files.cpp sgd_test.cpp trainer_test.cpp training_run.cpp
    LINK lathe_supernet LibArchive::LibArchive PNG::PNG)
  # The library's precompiled header fits only the same code generation.
  target_compile_options(test_training PRIVATE -fPIC -fopenmp)
  target_precompile_headers(test_training REUSE_FROM lathe_supernet)
endif()
