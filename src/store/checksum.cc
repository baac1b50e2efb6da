#include "store/checksum.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <isa-l/crc.h>

// RocksDB calls this of its own by name, through the table in which a program's symbols come first:
// so it finds this one. A RocksDB that names it otherwise keeps its own, and nothing else changes.
namespace rocksdb::crc32c {

// The checksum of what `before` is the checksum of, with `count` octets more behind it.
[[gnu::visibility("default")]] std::uint32_t Extend(std::uint32_t before, const char* octets,
                                                    std::size_t count);

std::uint32_t Extend(std::uint32_t before, const char* octets, std::size_t count) {
  constexpr std::size_t piece_max = std::size_t{1} << 30;  // ISA-L counts in int
  std::uint32_t sum = ~before;
  while (count > 0) {
    const auto piece = std::min(count, piece_max);
    // It only reads, whatever its signature says.
    auto* from = reinterpret_cast<unsigned char*>(const_cast<char*>(octets));
    sum = crc32_iscsi(from, static_cast<int>(piece), sum);
    octets += piece;
    count -= piece;
  }
  return ~sum;
}

}  // namespace rocksdb::crc32c

namespace letterlock::store {

base::Result<> check_checksums() {
  // RFC 3720 §B.4 (32 octets of zeroes), and the value that every description of CRC-32C gives.
  constexpr std::string_view digits = "123456789";
  constexpr std::array<char, 32> zeroes{};
  const auto first = rocksdb::crc32c::Extend(0, digits.data(), 4);
  const bool right =
      rocksdb::crc32c::Extend(first, digits.data() + 4, digits.size() - 4) == 0xE3069283U &&
      rocksdb::crc32c::Extend(0, zeroes.data(), zeroes.size()) == 0x8A9136AAU;
  if (right) return {};
  return base::fail(base::ErrorKind::io,
                    "this machine computes checksums wrongly (libisal, CRC-32C): mend it before "
                    "mail is stored on it");
}

}  // namespace letterlock::store
