#include "store/directory.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/reserve.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

base::ErrorKind kind_of(const base::Result<>& result) {
  return result ? base::ErrorKind::exists : result.error().kind;
}

TEST(Directory, IsMadeForUsAlone) {
  TemporaryDirectory directory;
  const auto path = directory.path() + "/new";
  ASSERT_TRUE(prepare_directory(path));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_TRUE(prepare_directory(path));
  ::chmod(path.c_str(), 0750);
  EXPECT_EQ(kind_of(prepare_directory(path)), base::ErrorKind::denied);
}

// Planted links are not followed.
TEST(Attack51, ALinkIsNoStore) {
  TemporaryDirectory directory;
  const auto path = directory.path() + "/real";
  ASSERT_TRUE(prepare_directory(path));
  std::filesystem::create_directory_symlink(path, directory.path() + "/link");
  EXPECT_EQ(kind_of(prepare_directory(directory.path() + "/link")), base::ErrorKind::denied);
  std::ofstream(directory.path() + "/target") << "precious";
  std::filesystem::create_symlink(directory.path() + "/target", path + "/letterlock.lock");
  EXPECT_FALSE(lock_directory(path));
}

TEST(Directory, SomebodyElsesFilesAreRefused) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/letters.txt") << "mine";
  EXPECT_EQ(kind_of(prepare_directory(directory.path())), base::ErrorKind::invalid);
  EXPECT_EQ(kind_of(prepare_directory(directory.path() + "/letters.txt")), base::ErrorKind::denied);
  EXPECT_FALSE(prepare_directory(directory.path() + "/no/such/parent"));
  EXPECT_EQ(kind_of(prepare_directory("")), base::ErrorKind::invalid);
}

TEST(Directory, OneProcessOnly) {
  TemporaryDirectory directory;
  const auto first = lock_directory(directory.path());
  ASSERT_TRUE(first);
  const auto second = lock_directory(directory.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, base::ErrorKind::unavailable);
  EXPECT_NE(second.error().what.find("another process"), std::string::npos);
  ::close(*first);
  const auto third = lock_directory(directory.path());
  ASSERT_TRUE(third);
  ::close(*third);
}

TEST(Directory, WeakMountsAreFound) {
  const std::string mountinfo =
      "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
      "30 22 8:17 / /mail rw,noatime - ext4 /dev/sdb1 rw,nobarrier,data=ordered\n"
      "31 22 8:33 / /old rw - ext3 /dev/sdc1 rw,barrier=0\n";
  EXPECT_EQ(mount_options(mountinfo, 254, 1), "rw,errors=remount-ro");
  EXPECT_FALSE(is_weak_mount(mount_options(mountinfo, 254, 1)));
  EXPECT_TRUE(is_weak_mount(mount_options(mountinfo, 8, 17)));
  EXPECT_TRUE(is_weak_mount(mount_options(mountinfo, 8, 33)));
  EXPECT_EQ(mount_options(mountinfo, 9, 9), "");
  EXPECT_FALSE(is_weak_mount(""));
}

TEST(Directory, MemoryIsNoDisk) {
  if (!std::filesystem::exists("/dev/shm")) return;  // then there is none to refuse
  const auto result = check_remembers("/dev/shm");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, base::ErrorKind::invalid);
  EXPECT_FALSE(check_remembers("/no/such/place"));
}

TEST(Reserve, ContentStopsFirstRemovalsLast) {
  EXPECT_TRUE(has_room(Use::content, 801, 800));
  EXPECT_FALSE(has_room(Use::content, 800, 800));
  EXPECT_TRUE(has_room(Use::change, 401, 800));
  EXPECT_FALSE(has_room(Use::change, 400, 800));
  EXPECT_TRUE(has_room(Use::removal, 101, 800));
  EXPECT_FALSE(has_room(Use::removal, 100, 800));
  EXPECT_FALSE(has_room(Use::removal, 0, 0));
  EXPECT_TRUE(has_files(Use::content, files_reserve + 1));
  EXPECT_FALSE(has_files(Use::content, files_reserve));
  EXPECT_TRUE(has_files(Use::change, files_reserve));
  EXPECT_TRUE(has_files(Use::removal, files_reserve / 8 + 1));
  EXPECT_FALSE(has_files(Use::removal, files_reserve / 8));
  EXPECT_GT(free_files("/"), 0U);
  EXPECT_EQ(above_reserve(900, 800), 100U);
  EXPECT_EQ(above_reserve(700, 800), 0U);
}

}  // namespace
}  // namespace letterlock::store
