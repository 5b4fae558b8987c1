#pragma once

#include "supernet/subnet.hpp"

namespace lathe::supernet {

/// Sets batch norm's running statistics to the averages, weighted by batch size, of batch mean and
/// biased batch variance over all batches, while every layer normalises with the batch's own
/// statistics (Cai et al. 2020; OFA's set_running_statistics). Labels are not looked at. Returns
/// the number of images. Throws ConfigError if there is no batch, LogicError if batch norm was
/// folded.
int recalibrate(Subnet& subnet, const BatchStream& batches);

}  // namespace lathe::supernet
