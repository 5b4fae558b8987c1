#include "latency/latency_model.hpp"

#include <utility>

namespace lathe::latency {
namespace {

class TableModel : public LatencyModel {
 public:
  explicit TableModel(std::shared_ptr<const LatencyTable> table) : table_(std::move(table)) {}

  Micros predict(const spaces::NetworkSpec& net) const override {
    Micros total{0};
    for (const spaces::Placed& block : net.blocks) total += predict(block);
    return total;
  }
  Micros predict(const spaces::Placed& block) const override {
    return table_->header().scale * table_->at(block);
  }
  const std::string& name() const override { return table_->header().name; }

 private:
  std::shared_ptr<const LatencyTable> table_;
};

}  // namespace

std::unique_ptr<LatencyModel> make_table_model(std::shared_ptr<const LatencyTable> table) {
  return std::make_unique<TableModel>(std::move(table));
}

}  // namespace lathe::latency
