#include "replay/mutate.h"

#include <algorithm>
#include <array>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                                                     std::size_t size,
                                                                     std::size_t size_max,
                                                                     unsigned int seed);

namespace replay {
namespace {

// Octets that mean something to most parsers here.
constexpr std::array<std::string_view, 12> telling = {
    "\r\n", "\n", "\r", ".", "\r\n.\r\n", std::string_view("\0", 1),
    "\xFF", "\"", "<",  ">", "\\",        " "};

struct State {
  std::uint64_t word = 1;
  const std::vector<std::string>* corpus = nullptr;

  std::size_t below(std::size_t limit) {
    word ^= word << 13;
    word ^= word >> 7;
    word ^= word << 17;
    return limit == 0 ? 0 : static_cast<std::size_t>(word >> 11) % limit;
  }
  std::string_view piece(std::string_view whole) {
    const std::size_t from = below(whole.size() + 1);
    return whole.substr(from, below(std::min<std::size_t>(whole.size() - from, 64) + 1));
  }
};
State state;

void change_once(std::string& input) {
  const std::size_t at = state.below(input.size() + 1);
  const bool within = at < input.size();
  switch (state.below(8)) {
    case 0:
      if (within) input[at] = static_cast<char>(input[at] ^ (1 << state.below(8)));
      break;
    case 1:
      if (within) input[at] = static_cast<char>(state.below(256));
      break;
    case 2:
      if (within) input[at] = static_cast<char>(input[at] + (state.below(2) == 0 ? 1 : -1));
      break;
    case 3:
      input.erase(at, state.below(16));
      break;
    case 4:
      input.insert(at, telling.at(state.below(telling.size())));
      break;
    case 5:
      input.insert(at, std::string(state.piece(input)));
      break;
    case 6:
      if (state.corpus != nullptr && !state.corpus->empty())
        input.insert(at, state.piece(state.corpus->at(state.below(state.corpus->size()))));
      break;
    default:
      input.insert(at, state.below(300), static_cast<char>(state.below(256)));
  }
}

}  // namespace

void seed(std::uint64_t value, const std::vector<std::string>* corpus) {
  state = {value * 0x9E3779B97F4A7C15U + 1, corpus};
}

void change(std::string& input, std::size_t octets_max) {
  const std::size_t size = std::min(input.size(), octets_max);
  input.resize(octets_max);
  auto* data = reinterpret_cast<std::uint8_t*>(input.data());
  const auto number = static_cast<unsigned int>(state.below(1U << 31));
  input.resize(LLVMFuzzerCustomMutator != nullptr
                   ? LLVMFuzzerCustomMutator(data, size, octets_max, number)
                   : LLVMFuzzerMutate(data, size, octets_max));
}

}  // namespace replay

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                        std::size_t size_max) {
  std::string changed(reinterpret_cast<const char*>(data), size);
  replay::change_once(changed);
  changed.resize(std::min(changed.size(), size_max));
  std::ranges::copy(changed, data);
  return changed.size();
}
