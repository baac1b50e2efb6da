// A configuration of any octets gives values or problems, never an exception.
#include "apps/config.h"

#include <cstdint>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace letterlock;
  const auto checked = apps::parse_config({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  for (const auto& problem : checked.problems) ASSERT(!problem.text().empty());
  return 0;
}
