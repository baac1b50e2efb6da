// Random changes of an input, for targets that run without libFuzzer. A target's own mutator
// (LLVMFuzzerCustomMutator) is used where it has one, and may call LLVMFuzzerMutate, which is here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace replay {

// From here on the same changes come again. `corpus` gives pieces to put in; it must outlive them.
void seed(std::uint64_t value, const std::vector<std::string>* corpus);
void change(std::string& input, std::size_t octets_max);

}  // namespace replay
