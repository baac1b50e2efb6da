#include "tls/server_name.h"

#include <cstddef>
#include <cstdint>

#include "base/assert.h"

// What comes out is a host name, and written back it is read as itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using letterlock::tls::parse_server_name;
  const auto name = parse_server_name({reinterpret_cast<const char*>(data), size});
  if (name.empty()) return 0;
  ASSERT(name.size() <= 255);
  for (const char c : name)
    ASSERT((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
  std::string extension{'\0', static_cast<char>(name.size() + 3), '\0', '\0',
                        static_cast<char>(name.size())};
  if (name.size() + 3 > 255) {
    extension[0] = '\1';
    extension[1] = static_cast<char>(name.size() + 3 - 256);
  }
  ASSERT(parse_server_name(extension + name) == name);
  return 0;
}
