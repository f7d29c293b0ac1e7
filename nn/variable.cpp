#include "nn/variable.hpp"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"

namespace afterglow {

struct Node;

/// The part of a variable that the tape holds: never its value, so that a result nobody's gradient
/// reads is freed at once.
struct Slot {
  Tensor gradient;             // leaves only
  std::shared_ptr<Node> node;  // none: a leaf
  bool wants_gradient = false;
};

/// One recorded operation: where its result came from.
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Frees a long chain of nodes one after the other instead of one inside the other.
  ~Node() {
    std::vector<std::shared_ptr<Slot>> orphans = std::move(inputs);
    while (!orphans.empty()) {
      const std::shared_ptr<Slot> slot = std::move(orphans.back());
      orphans.pop_back();
      if (!slot || slot.use_count() > 1) continue;
      const std::shared_ptr<Node> node = std::move(slot->node);
      if (!node || node.use_count() > 1) continue;
      for (auto& input : node->inputs) orphans.push_back(std::move(input));
      node->inputs.clear();
    }
  }

  std::vector<std::shared_ptr<Slot>> inputs;  // null: its gradient is not wanted
  Backward closure;                           // none: walked already
};

struct Variable::State {
  Tensor value;
  std::shared_ptr<Slot> slot = std::make_shared<Slot>();
};

namespace {

thread_local bool gradients_on = true;
thread_local bool kernels_fixed = false;

}  // namespace

Variable::Variable(Tensor value, bool wants_gradient) : state_(std::make_shared<State>()) {
  state_->value = std::move(value);
  state_->slot->wants_gradient = wants_gradient;
}

const Tensor& Variable::value() const { return state_->value; }
Tensor& Variable::value() { return state_->value; }
bool Variable::wants_gradient() const { return state_ && state_->slot->wants_gradient; }

void Variable::set_wants_gradient(bool wants) {
  if (state_->slot->node) throw Error("only a leaf can be told whether it wants a gradient");
  state_->slot->wants_gradient = wants;
  if (!wants) clear_gradient();
}

const Tensor& Variable::gradient() const { return state_->slot->gradient; }
Tensor& Variable::gradient() { return state_->slot->gradient; }
void Variable::clear_gradient() { state_->slot->gradient = {}; }
Variable Variable::detached() const { return Variable(value()); }

Variable record(Tensor y, const std::vector<Variable>& inputs, Backward backward) {
  Variable result(std::move(y));
  if (!gradients_on) return result;
  std::vector<std::shared_ptr<Slot>> slots;
  bool wanted = false;
  for (const Variable& input : inputs) {
    slots.push_back(input.wants_gradient() ? input.state_->slot : nullptr);
    wanted = wanted || slots.back();
  }
  if (wanted) {
    result.state_->slot->wants_gradient = true;
    const auto node = std::make_shared<Node>();
    node->inputs = std::move(slots);
    node->closure = std::move(backward);
    result.state_->slot->node = node;
  }
  return result;
}

void backward(const Variable& y, Tensor seed) {
  const std::shared_ptr<Slot> root = y.state_ ? y.state_->slot : nullptr;
  if (!y.wants_gradient()) throw Error("backward() of a variable without history");
  if (!seed) {
    if (y.value().size() != 1) {
      throw ShapeError("backward() of a result of shape " + y.shape().to_string() +
                       " needs a seed of the same shape");
    }
    seed = Tensor::full(y.backend(), y.shape(), 1.0F, y.value().type());
  }
  if (seed.shape() != y.shape()) {
    throw ShapeError("backward(): the seed " + seed.shape().to_string() +
                     " is not of the result's shape " + y.shape().to_string());
  }

  // Post-order, depth first, with a stack of our own; its reverse has every result before its
  // inputs.
  std::vector<std::shared_ptr<Slot>> order;
  std::unordered_set<const Slot*> seen;
  std::vector<std::pair<std::shared_ptr<Slot>, std::size_t>> path{{root, 0}};
  seen.insert(root.get());
  while (!path.empty()) {
    auto& [slot, next] = path.back();
    if (slot->node && slot->node->closure == nullptr) {
      throw Error("a tape can be walked backwards only once");
    }
    if (!slot->node || next == slot->node->inputs.size()) {
      order.push_back(slot);
      path.pop_back();
      continue;
    }
    const std::shared_ptr<Slot> input = slot->node->inputs[next++];
    if (input && input->wants_gradient && seen.insert(input.get()).second) {
      path.emplace_back(input, 0);
    }
  }

  // A gradient that arrives alone is kept as it is, perhaps sharing its buffer with another's; from
  // the second on they are summed in a buffer of our own.
  struct Sum {
    Tensor value;
    bool owned = false;
  };
  std::unordered_map<const Slot*, Sum> sums;
  const auto accumulate = [](Sum& sum, const Tensor& gradient) {
    if (!sum.value) {
      sum.value = gradient;
    } else if (sum.owned) {
      gradient.backend()->add_into(gradient.source(), sum.value.destination());
    } else {
      Tensor total(gradient.backend(), gradient.shape(), gradient.type());
      gradient.backend()->add(sum.value.source(), gradient.source(), total.destination());
      sum = {std::move(total), true};
    }
  };
  accumulate(sums[root.get()], seed);
  seed = {};

  while (!order.empty()) {
    const std::shared_ptr<Slot> slot = std::move(order.back());
    order.pop_back();
    auto found = sums.extract(slot.get());
    if (found.empty()) continue;  // no gradient reached it
    Tensor gradient = std::move(found.mapped().value);
    if (!slot->node) {
      if (slot->gradient) {
        gradient.backend()->add_into(gradient.source(), slot->gradient.destination());
      } else {
        slot->gradient = found.mapped().owned ? std::move(gradient) : gradient.clone();
      }
      continue;
    }
    Node& node = *slot->node;
    std::vector<bool> needs;
    for (const auto& input : node.inputs) needs.push_back(input && input->wants_gradient);
    std::vector<Tensor> gradients;
    {
      // The closure goes with this block, and with it the tensors that only it still holds.
      const Backward closure = std::exchange(node.closure, nullptr);
      gradients = closure(gradient, needs);
    }
    gradient = {};
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (needs[i] && gradients[i]) accumulate(sums[node.inputs[i].get()], gradients[i]);
    }
    // The node stays without inputs, so that a second walk is noticed.
    node.inputs.clear();
  }
}

NoGradient::NoGradient() : before_(std::exchange(gradients_on, false)) {}
NoGradient::~NoGradient() { gradients_on = before_; }
bool gradients_enabled() { return gradients_on; }

KernelsStay::KernelsStay() : before_(std::exchange(kernels_fixed, true)) {}
KernelsStay::~KernelsStay() { kernels_fixed = before_; }
bool kernels_stay() { return kernels_fixed; }

}  // namespace afterglow
