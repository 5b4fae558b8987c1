#pragma once

#include "spaces/base/error.hpp"
#include "spaces/lower.hpp"
#include "spaces/reference.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lathe::latency {

/// What an engine is given: ops with batch norm folded, their weights, and the one input's shape.
struct Program {
  std::vector<spaces::Op> ops;  ///< inputs index this list; -1 is the input
  std::vector<spaces::OpWeights> weights;
  spaces::Shape input;
};

/// A program ready to run on its input, again and again. Not thread-safe.
class Prepared {
 public:
  virtual ~Prepared() = default;
  virtual std::optional<Failure> run() = 0;
  /// Writes the input again, unchanged: as after the block before it.
  virtual void touch_input() = 0;
  /// Of the last run.
  virtual spaces::Plane output() const = 0;
};

/// An engine. Outlives what it prepared.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string version() const = 0;
  /// A Failure names the op and the engine where the engine cannot do it.
  virtual std::variant<std::unique_ptr<Prepared>, Failure> prepare(const Program& program,
                                                                   const spaces::Plane& input) = 0;
};

/// The engines that this program was built with.
std::vector<std::string> engine_names();
/// Throws DeviceError for an engine that is not there.
std::unique_ptr<Backend> make_backend(const std::string& engine, int threads);

/// Plain loops (spaces/reference.hpp): slow, for tests and where there is no engine.
std::unique_ptr<Backend> make_reference_backend(int threads);
/// XNNPACK's subgraph API; fp32.
std::unique_ptr<Backend> make_xnnpack_backend(int threads);

}  // namespace lathe::latency
