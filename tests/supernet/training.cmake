# Tests of supernet/data and supernet/training.
lathe_test(test_data
  SOURCES batch_test.cpp dataset_test.cpp image_files.cpp image_test.cpp metrics_test.cpp phase_test.cpp safetensors_test.cpp
          schedule_test.cpp train_config_test.cpp
  LINK lathe_recipe lathe_data LibArchive::LibArchive PNG::PNG)

if(LATHE_WITH_TORCH)
  lathe_test(test_training TORCH
    SOURCES checkpoint_test.cpp image_files.cpp sgd_test.cpp trainer_test.cpp training_run.cpp
    LINK lathe_supernet LibArchive::LibArchive PNG::PNG)
endif()
