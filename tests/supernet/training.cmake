# Tests of supernet/data and supernet/training.
lathe_test(test_data
  SOURCES batch_test.cpp dataset_test.cpp image_files.cpp image_test.cpp metrics_test.cpp phase_test.cpp safetensors_test.cpp
          schedule_test.cpp train_config_test.cpp
  LINK lathe_recipe lathe_data LibArchive::LibArchive PNG::PNG)
