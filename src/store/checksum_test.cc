#include "store/checksum.h"

#include <cstdint>
#include <random>
#include <string>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

namespace rocksdb::crc32c {
std::uint32_t Extend(std::uint32_t before, const char* octets, std::size_t count);
}

namespace letterlock::store {
namespace {

using Extend = std::uint32_t (*)(std::uint32_t, const char*, std::size_t);
constexpr const char* name = "_ZN7rocksdb6crc32c6ExtendEjPKcm";

// A RocksDB that names it otherwise would quietly count by tables again.
TEST(Checksum, IsWhatRocksDBCalls) {
  EXPECT_EQ(dlsym(RTLD_DEFAULT, name), reinterpret_cast<void*>(&rocksdb::crc32c::Extend));
  ASSERT_NE(dlsym(RTLD_NEXT, name), nullptr) << "RocksDB has no such function any more";
  EXPECT_TRUE(check_checksums());
}

TEST(Checksum, IsTheSameAsRocksDBsOwn) {
  const auto own = reinterpret_cast<Extend>(dlsym(RTLD_NEXT, name));
  ASSERT_NE(own, nullptr);
  std::mt19937 random(1);
  std::string octets(100'000, '\0');
  for (auto& octet : octets) octet = static_cast<char>(random());
  for (std::size_t count = 0; count < octets.size(); count = count * 5 / 4 + 1) {
    for (const std::size_t from : {0U, 1U, 7U}) {
      const auto length = std::min(count, octets.size() - from);
      const auto before = static_cast<std::uint32_t>(random());
      EXPECT_EQ(rocksdb::crc32c::Extend(before, octets.data() + from, length),
                own(before, octets.data() + from, length))
          << length << " octets from " << from;
    }
  }
}

}  // namespace
}  // namespace letterlock::store
