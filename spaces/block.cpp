#include "spaces/block.hpp"

#include "spaces/base/error.hpp"

#include <array>
#include <charconv>
#include <sstream>

namespace lathe::spaces {
namespace {

constexpr int kMaxSide = 8192, kMaxChannels = 32768, kMaxKernel = 31, kMaxStride = 8;

constexpr std::array<std::string_view, 7> kActs = {"none",  "relu",     "relu6",  "hswish",
                                                   "swish", "hsigmoid", "sigmoid"};

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

/// Collects the first thing that is wrong with a block.
struct Inspector {
  const BlockSpec& block;
  std::string problem;

  void fail(const std::string& text) {
    if (problem.empty()) problem = text;
  }
  void bounded(const char* what, int value, int most) {
    if (value >= 1 && value <= most) return;
    fail(std::string(what) + " " + std::to_string(value) + " is not in [1, " +
         std::to_string(most) + "]");
  }
  void channels(const char* what, int value) { bounded(what, value, kMaxChannels); }
  void kernel(int value) {
    if (value % 2 == 0) fail("kernel " + std::to_string(value) + " is even");
    bounded("kernel", value, kMaxKernel);
  }
  void groups(int value, int in, int out) {
    if (value >= 1 && in % value == 0 && out % value == 0) return;
    fail(std::to_string(value) + " groups do not divide " + std::to_string(in) + " and " +
         std::to_string(out) + " channels");
  }
  void squeeze(const Squeeze& se) {
    if (se.mid != 0) channels("squeeze width", se.mid);
  }

  void operator()(const Conv& c) {
    kernel(c.kernel);
    groups(c.groups, block.in[0].channels, block.out_channels);
  }
  void operator()(const MbConv& m) {
    const int in = block.in[0].channels;
    kernel(m.kernel);
    channels("mid width", m.mid);
    squeeze(m.se);
    if (!m.expand && m.mid != in) {
      fail("mid width " + std::to_string(m.mid) +
           " without an expansion differs from the input's " + std::to_string(in));
    }
    groups(m.groups, in, m.mid);
    groups(m.groups, m.mid, block.out_channels);
  }
  void operator()(const Fused& f) {
    kernel(f.kernel);
    channels("mid width", f.mid);
    squeeze(f.se);
  }
  void operator()(const Tucker& t) {
    kernel(t.kernel);
    channels("mid width", t.mid_in);
    channels("mid width", t.mid_out);
  }
  void operator()(const Universal& u) {
    if (u.start_kernel != 0) kernel(u.start_kernel);
    if (u.middle_kernel != 0) kernel(u.middle_kernel);
    channels("mid width", u.mid);
    if (block.stride != 1 && u.start_kernel == 0 && u.middle_kernel == 0) {
      fail("stride " + std::to_string(block.stride) + " without a depthwise kernel to carry it");
    }
  }
  void operator()(const GlobalPool&) {
    if (block.out_channels != block.in[0].channels) fail("a pool cannot change the channels");
    if (block.stride != 1 || block.act != Act::none || block.shortcut != Shortcut::none) {
      fail("a global pool has no stride, activation or shortcut");
    }
  }
  void operator()(const Linear&) {
    if (block.in[0].height != 1 || block.in[0].width != 1) fail("a linear layer needs a 1 x 1 map");
    if (block.stride != 1 || block.shortcut != Shortcut::none) {
      fail("a linear layer has no stride or shortcut");
    }
  }
};

std::string shortcut_problem(const BlockSpec& block) {
  const bool changes = block.stride != 1 || block.in[0].channels != block.out_channels;
  if (block.shortcut == Shortcut::identity && changes) {
    return "an identity shortcut would join two shapes";
  }
  if (block.shortcut == Shortcut::pooled && block.stride > 2) {
    return "a pooled shortcut has stride 1 or 2, not " + std::to_string(block.stride);
  }
  return "";
}

/// A pooled shortcut that neither pools nor projects is the identity.
Shortcut effective_shortcut(const BlockSpec& block) {
  const bool changes = block.stride != 1 || block.in[0].channels != block.out_channels;
  return block.shortcut == Shortcut::pooled && !changes ? Shortcut::identity : block.shortcut;
}

/// Writes and reads the fields of a kind as words, so that both follow one order.
struct Words {
  std::vector<std::string> list;
  std::size_t next = 0;
  std::string where, text;

  [[noreturn]] void refuse(const std::string& expected) const {
    const std::string found = next < list.size() ? "\"" + list[next] + "\"" : "the end";
    throw FormatError(Problem{where + ": block key \"" + text + "\"", expected, found, ""});
  }
  bool take(std::string_view word) {
    if (next >= list.size() || list[next] != word) return false;
    ++next;
    return true;
  }
  bool has_number(std::string_view prefix) const {
    return next < list.size() && list[next].size() > prefix.size() &&
           list[next].compare(0, prefix.size(), prefix) == 0 && list[next][prefix.size()] >= '0' &&
           list[next][prefix.size()] <= '9';
  }
  int number(std::string_view prefix, const std::string& meaning) {
    if (!has_number(prefix)) refuse(std::string(prefix) + "N (" + meaning + ")");
    const std::string& word = list[next];
    int value = 0;
    const auto [end, error] =
        std::from_chars(word.data() + prefix.size(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
      refuse(std::string(prefix) + "N (" + meaning + ")");
    }
    ++next;
    return value;
  }
  int number_or(std::string_view prefix, int otherwise) {
    return has_number(prefix) ? number(prefix, "a number") : otherwise;
  }
  Act act() {
    if (next >= list.size()) refuse("an activation");
    return parse_act(list[next++], where + ": block key \"" + text + "\"");
  }
  Squeeze squeeze() {
    if (!has_number("se")) return {};
    Squeeze se;
    se.mid = number("se", "squeeze width");
    se.act = act();
    se.gate = act();
    return se;
  }
};

std::string words(const Squeeze& se) {
  if (se.mid == 0) return "";
  return " se" + std::to_string(se.mid) + " " + std::string(name_of(se.act)) + " " +
         std::string(name_of(se.gate));
}

Shape read_shape(const std::string& word, const Words& words) {
  std::array<int, 3> sizes{};
  const char* at = word.data();
  const char* const end = word.data() + word.size();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto [stop, error] = std::from_chars(at, end, sizes[i]);
    const bool last = i + 1 == sizes.size();
    if (error != std::errc() || (last ? stop != end : (stop == end || *stop != 'x'))) {
      words.refuse("shapes as HEIGHTxWIDTHxCHANNELS, joined by +");
    }
    at = stop + 1;
  }
  return {sizes[0], sizes[1], sizes[2]};
}

std::vector<Shape> read_shapes(Words& words) {
  if (words.next >= words.list.size()) words.refuse("the input's shape");
  std::vector<Shape> shapes;
  std::istringstream parts(words.list[words.next]);
  for (std::string part; std::getline(parts, part, '+');) shapes.push_back(read_shape(part, words));
  ++words.next;
  return shapes;
}

/// The kind's own fields: " k3 m72 ...".
std::string fields(const BlockSpec& block) {
  const auto field = [](const char* name, int value) {
    return std::string(" ") + name + std::to_string(value);
  };
  const std::string s = field("s", block.stride);
  const auto groups = [&](int g) { return g == 1 ? std::string() : field("g", g); };
  return std::visit(
      Overload{[&](const Conv& c) {
                 return field("k", c.kernel) + s + groups(c.groups) + (c.norm ? "" : " nonorm") +
                        (c.bias ? " bias" : "");
               },
               [&](const MbConv& m) {
                 return field("k", m.kernel) + field("m", m.mid) + s +
                        (m.expand ? "" : " noexpand") + groups(m.groups) + words(m.se);
               },
               [&](const Fused& f) {
                 return field("k", f.kernel) + field("m", f.mid) + s + words(f.se);
               },
               [&](const Tucker& t) {
                 return field("k", t.kernel) + field("i", t.mid_in) + field("o", t.mid_out) + s;
               },
               [&](const Universal& u) {
                 return field("a", u.start_kernel) + field("k", u.middle_kernel) +
                        field("m", u.mid) + s;
               },
               [&](const GlobalPool&) { return std::string(); },
               [&](const Linear& l) { return std::string(l.bias ? "" : " nobias"); }},
      block.body);
}

constexpr std::array<std::string_view, 7> kKinds = {"conv",      "mbconv", "fused", "tucker",
                                                    "universal", "pool",   "linear"};

/// In the order of kKinds, which is the variant's.
decltype(BlockSpec::body) read_fields(std::size_t kind, Words& w, int& stride) {
  switch (kind) {
    case 0: {
      Conv c;
      c.kernel = w.number("k", "kernel");
      stride = w.number("s", "stride");
      c.groups = w.number_or("g", 1);
      c.norm = !w.take("nonorm");
      c.bias = w.take("bias");
      return c;
    }
    case 1: {
      MbConv m;
      m.kernel = w.number("k", "kernel");
      m.mid = w.number("m", "mid width");
      stride = w.number("s", "stride");
      m.expand = !w.take("noexpand");
      m.groups = w.number_or("g", 1);
      m.se = w.squeeze();
      return m;
    }
    case 2: {
      Fused f;
      f.kernel = w.number("k", "kernel");
      f.mid = w.number("m", "mid width");
      stride = w.number("s", "stride");
      f.se = w.squeeze();
      return f;
    }
    case 3: {
      Tucker t;
      t.kernel = w.number("k", "kernel");
      t.mid_in = w.number("i", "first mid width");
      t.mid_out = w.number("o", "second mid width");
      stride = w.number("s", "stride");
      return t;
    }
    case 4: {
      Universal u;
      u.start_kernel = w.number("a", "start kernel");
      u.middle_kernel = w.number("k", "middle kernel");
      u.mid = w.number("m", "mid width");
      stride = w.number("s", "stride");
      return u;
    }
    case 5:
      return GlobalPool{};
    default:
      return Linear{!w.take("nobias")};
  }
}

Words split(std::string_view text, const std::string& where) {
  Words words;
  words.where = where;
  words.text = text;
  std::istringstream stream(words.text);
  for (std::string word; stream >> word;) words.list.push_back(word);
  return words;
}

}  // namespace

std::string_view name_of(Act act) { return kActs[static_cast<std::size_t>(act)]; }

Act parse_act(std::string_view word, const std::string& where) {
  std::string allowed;
  for (std::size_t i = 0; i < kActs.size(); ++i) {
    if (kActs[i] == word) return static_cast<Act>(i);
    allowed += (i > 0 ? ", " : "") + std::string(kActs[i]);
  }
  throw FormatError(Problem{where, "one of " + allowed, "\"" + std::string(word) + "\"", ""});
}

std::string problem_with(const BlockSpec& block) {
  if (block.in.size() != 1) return "a block of this kind has one input";
  Inspector inspector{block, ""};
  const Shape& in = block.in[0];
  inspector.bounded("a map's side of", in.height, kMaxSide);
  inspector.bounded("a map's side of", in.width, kMaxSide);
  inspector.channels("input channels", in.channels);
  inspector.channels("output channels", block.out_channels);
  inspector.bounded("stride", block.stride, kMaxStride);
  if (inspector.problem.empty()) std::visit([&](const auto& body) { inspector(body); }, block.body);
  if (inspector.problem.empty()) inspector.problem = shortcut_problem(block);
  return inspector.problem;
}

std::string key(const BlockSpec& block) {
  std::string text(kKinds[block.body.index()]);
  for (std::size_t i = 0; i < block.in.size(); ++i) {
    const Shape& in = block.in[i];
    text += (i == 0 ? " " : "+") + std::to_string(in.height) + "x" + std::to_string(in.width) +
            "x" + std::to_string(in.channels);
  }
  text += " > " + std::to_string(block.out_channels) + fields(block);
  if (!std::holds_alternative<GlobalPool>(block.body))
    text += " " + std::string(name_of(block.act));
  const Shortcut shortcut = effective_shortcut(block);
  if (shortcut == Shortcut::identity) text += " id";
  if (shortcut == Shortcut::pooled) text += " pooled";
  return text;
}

BlockSpec parse_key(std::string_view text, const std::string& where) {
  Words words = split(text, where);
  std::size_t kind = 0;
  while (kind < kKinds.size() && !words.take(kKinds[kind])) ++kind;
  if (kind == kKinds.size()) {
    words.refuse("a kind (conv, mbconv, fused, tucker, universal, pool, linear)");
  }
  BlockSpec block;
  block.in = read_shapes(words);
  if (!words.take(">")) words.refuse(">");
  block.out_channels = words.number("", "output channels");
  block.body = read_fields(kind, words, block.stride);
  if (!std::holds_alternative<GlobalPool>(block.body)) block.act = words.act();
  if (words.take("id")) {
    block.shortcut = Shortcut::identity;
  } else if (words.take("pooled")) {
    block.shortcut = Shortcut::pooled;
  }
  if (words.next < words.list.size()) words.refuse("the end");
  const std::string problem = problem_with(block);
  const std::string place = where + ": block key \"" + words.text + "\"";
  if (!problem.empty()) {
    throw FormatError(Problem{place, "a block that can be built", problem, ""});
  }
  if (const std::string canonical = key(block); canonical != text) {
    throw FormatError(
        Problem{place, "the canonical spelling \"" + canonical + "\"", "another one", ""});
  }
  return block;
}

}  // namespace lathe::spaces
