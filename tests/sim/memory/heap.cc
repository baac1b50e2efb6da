#include "sim/memory/heap.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace letterlock::test::heap {
namespace {

std::atomic<std::size_t> now{0};
std::atomic<std::size_t> most{0};

void* take(void* block) {
  if (block == nullptr) std::abort();  // a test has no use for less memory
  const auto total = now.fetch_add(malloc_usable_size(block)) + malloc_usable_size(block);
  if (total > most) most = total;
  return block;
}
void give(void* block) {
  if (block == nullptr) return;
  now.fetch_sub(malloc_usable_size(block));
  std::free(block);
}

}  // namespace

std::size_t live() {
  return now;
}
void mark() {
  most = now.load();
}
std::size_t highest() {
  return most;
}

}  // namespace letterlock::test::heap

namespace heap = letterlock::test::heap;

void* operator new(std::size_t octets) {
  return heap::take(std::malloc(octets));
}
void* operator new(std::size_t octets, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return heap::take(std::aligned_alloc(step, (octets + step - 1) / step * step));
}
void operator delete(void* block) noexcept {
  heap::give(block);
}
void operator delete(void* block, std::size_t /*octets*/) noexcept {
  heap::give(block);
}
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
  heap::give(block);
}
void operator delete(void* block, std::size_t /*octets*/, std::align_val_t /*alignment*/) noexcept {
  heap::give(block);
}
