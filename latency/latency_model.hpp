#pragma once

#include "latency/latency_table.hpp"
#include "spaces/base/units.hpp"
#include "spaces/network.hpp"

#include <memory>
#include <string>

namespace lathe::latency {

/// Predicts a network's latency. Immutable, safe to share between threads.
class LatencyModel {
 public:
  virtual ~LatencyModel() = default;
  virtual Micros predict(const spaces::NetworkSpec& net) const = 0;
  /// The part of one block: predict is the sum of these in forward order (for additive models,
  /// which all of ours are).
  virtual Micros predict(const spaces::Placed& block) const = 0;
  /// The table's name.
  virtual const std::string& name() const = 0;
};

/// Sum over blocks of scale * the table's entry. Throws MissingEntry as LatencyTable::at does.
std::unique_ptr<LatencyModel> make_table_model(std::shared_ptr<const LatencyTable> table);

}  // namespace lathe::latency
