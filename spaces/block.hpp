#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lathe::spaces {

/// Size of one feature map; 1-D networks have height 1.
struct Shape {
  int height = 0, width = 0, channels = 0;
  friend bool operator==(const Shape& a, const Shape& b) {
    return a.height == b.height && a.width == b.width && a.channels == b.channels;
  }
  friend bool operator!=(const Shape& a, const Shape& b) { return !(a == b); }
};

/// hswish(x) = x relu6(x + 3) / 6, hsigmoid(x) = relu6(x + 3) / 6 (Howard et al. 2019,
/// section 5.2); swish(x) = x sigmoid(x).
enum class Act { none, relu, relu6, hswish, swish, hsigmoid, sigmoid };

/// Squeeze-and-excite (Hu et al. 2018): global mean, 1x1 to `mid` with bias and `act`, 1x1 back
/// with bias and `gate`, multiply. It stands after the depthwise (or fused) convolution's
/// activation.
struct Squeeze {
  int mid = 0;  ///< 0: none
  Act act = Act::relu, gate = Act::hsigmoid;
};

// One struct per kind: exactly its own fields, sizes and never ratios (ratios belong to the space).

/// A convolution: stem, 1x1, head. With `bias` and without `norm` where the source's code says so.
struct Conv {
  int kernel = 1, groups = 1;
  bool norm = true, bias = false;
};
/// Inverted bottleneck (Sandler et al. 2018): 1x1 expand (if `expand`), depthwise, SE, 1x1 project.
/// groups > 1: both 1x1 are grouped, with a channel shuffle before the depthwise (FBNet).
struct MbConv {
  int kernel = 3, mid = 0;
  bool expand = true;
  Squeeze se = {};
  int groups = 1;
};
/// Full convolution to `mid`, SE, 1x1 project (Xiong et al. 2021; also EdgeTPU's fused block).
struct Fused {
  int kernel = 3, mid = 0;
  Squeeze se = {};
};
/// 1x1 to mid_in, full convolution to mid_out, 1x1 project (Xiong et al. 2021).
struct Tucker {
  int kernel = 3, mid_in = 0, mid_out = 0;
};
/// Universal inverted bottleneck (Qin et al. 2024): optional depthwise `start_kernel` without
/// activation, 1x1 expand, optional depthwise `middle_kernel`, 1x1 project. 0: absent.
struct Universal {
  int start_kernel = 0, middle_kernel = 0, mid = 0;
};
/// Global average pool.
struct GlobalPool {};
/// Fully connected layer on a 1 x 1 map.
struct Linear {
  bool bias = true;
};

/// identity: stride 1 and equal channels; pooled: average pool by the stride, then a 1x1
/// convolution without bias or norm if channels differ (AttentiveNAS).
enum class Shortcut { none, identity, pooled };

/// One block with every size fixed: what is placed, keyed and measured alone.
struct BlockSpec {
  std::vector<Shape> in;  ///< nearly always one
  int out_channels = 0, stride = 1;
  Act act = Act::none;
  Shortcut shortcut = Shortcut::none;
  std::variant<Conv, MbConv, Fused, Tucker, Universal, GlobalPool, Linear> body;
};

/// Version of the grammar that `key` writes and of what its words mean; tables carry it.
constexpr int kKeyGrammarVersion = 1;

/// Why no such block can be built ("kernel 4 is even", ...); empty if it can. Sizes are bounded:
/// sides up to 8192 px, channels up to 32768, kernels up to 31, strides up to 8.
std::string problem_with(const BlockSpec& block);

/// Canonical text of a block: equal for two blocks of a kind exactly if they compute the same
/// function shape. It is the index of latency tables:
///
///     mbconv 28x28x40 > 40 k5 m120 s1 se32 relu hsigmoid relu id
///
/// kind, input (several: joined by +), output channels, the kind's fields, s = stride, the
/// activation, then id or pooled. What is absent (SE, groups of 1, the default norm and bias) is
/// left out; noexpand, nonorm, bias and nobias stand where the default is left.
/// docs/file-formats/space.md lists all kinds.
std::string key(const BlockSpec& block);
/// The inverse of key; any other spelling of the same block is refused. Throws FormatError naming
/// `where`.
BlockSpec parse_key(std::string_view key, const std::string& where);

/// Spelled as in our JSON ("hswish"); parse throws FormatError listing the allowed words.
std::string_view name_of(Act act);
Act parse_act(std::string_view word, const std::string& where);

}  // namespace lathe::spaces
