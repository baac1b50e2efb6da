// A request's head: what is taken has a method and a target, is bounded, and is the same however
// little of it came before: no shorter piece is taken for another request.
#include "http/request.h"

#include <cstdint>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace letterlock;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto whole = http::read_head(octets);
  for (std::size_t cut = size > 64 ? size - 64 : 0; cut < size; ++cut) {
    const auto part = http::read_head(octets.substr(0, cut));
    if (part && *part)
      ASSERT(whole && *whole && (*whole)->method == (*part)->method &&
             (*whole)->target == (*part)->target);
    // What is refused early isn't taken later.
    if (!part) ASSERT(!whole);
  }
  if (!whole || !*whole) return 0;
  ASSERT(size > 0 && !(*whole)->method.empty() && !(*whole)->target.empty());
  ASSERT((*whole)->method.size() + (*whole)->target.size() <= http::head_octets_max);
  return 0;
}
