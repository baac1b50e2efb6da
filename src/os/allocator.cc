#include "os/allocator.h"

#include <cstddef>

// jemalloc's, where the program is linked with it.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_octets,
                                     void* new_value, std::size_t new_octets);

namespace letterlock::os {

bool give_memory_back() {
  if (&mallctl == nullptr) return true;
  bool on = true;
  return mallctl("background_thread", nullptr, nullptr, &on, sizeof on) == 0;
}

}  // namespace letterlock::os
