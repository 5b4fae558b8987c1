#include "latency/device/backend.hpp"
#include "spaces/base/run_dir.hpp"

namespace lathe::latency {
namespace {

class ReferencePrepared : public Prepared {
 public:
  ReferencePrepared(const Program& program, const spaces::Plane& input)
      : program_(program), input_(input) {}
  std::optional<Failure> run() override {
    // Batch norm is folded, so no epsilon is used.
    output_ = spaces::run_reference(program_.ops, program_.weights, {input_}, 0);
    return std::nullopt;
  }
  void touch_input() override {}  // far too slow for caches to matter
  spaces::Plane output() const override { return output_; }

 private:
  Program program_;
  spaces::Plane input_, output_;
};

class ReferenceBackend : public Backend {
 public:
  std::string version() const override { return build_info().version; }
  std::variant<std::unique_ptr<Prepared>, Failure> prepare(const Program& program,
                                                           const spaces::Plane& input) override {
    return std::make_unique<ReferencePrepared>(program, input);
  }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(int threads) {
  if (threads != 1)
    throw DeviceError("engine reference: expected 1 thread, got " + std::to_string(threads));
  return std::make_unique<ReferenceBackend>();
}

}  // namespace lathe::latency
