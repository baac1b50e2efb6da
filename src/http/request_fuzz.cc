// A request's head: what is taken has a method and a target, and stays taken with more behind it.
#include "http/request.h"

#include <cstdint>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace letterlock;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto whole = http::read_head(octets);
  if (!whole || !*whole) return 0;
  ASSERT(size > 0 && !(*whole)->method.empty() && !(*whole)->target.empty());
  ASSERT((*whole)->method.size() + (*whole)->target.size() <= http::head_octets_max);
  return 0;
}
