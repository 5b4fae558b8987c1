#pragma once

#include "supernet/subnet.hpp"
#include "supernet/supernet.hpp"

namespace lathe::supernet {

/// The network's own copy of its slice of the weights and of the running statistics. Statistics of
/// a slice are wrong for almost every subnet: recalibrate() before any use. Throws ConfigError for
/// a network that is no slice of the supernet.
Subnet extract(const SupernetImpl& supernet, const spaces::NetworkSpec& net);

}  // namespace lathe::supernet
