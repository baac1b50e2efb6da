// What this program has on its heap, counted by its own operator new. Only a program that links
// heap.cc has it.
#pragma once

#include <cstddef>

namespace letterlock::test::heap {

// Octets that are allocated now, with what the allocator adds to each block.
std::size_t live();
// Forgets the highest mark: it is live() again.
void mark();
// The most that was live at one moment since mark().
std::size_t highest();

}  // namespace letterlock::test::heap
