#include "os/files.h"

#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/temporary.h"

namespace letterlock::os {
namespace {

using base::ErrorKind;

class Files : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return folder.path() + "/" + name; }
  TemporaryFolder folder = *TemporaryFolder::create("files-test");
};

TEST_F(Files, WritesWhatItReads) {
  const std::string octets("a\0b\n", 4);
  ASSERT_TRUE(write_file(at("a"), octets));
  EXPECT_EQ(read_file(at("a"), 4), octets);
  EXPECT_EQ(read_file(at("a"), 3).error().kind, ErrorKind::full);
  ASSERT_TRUE(write_file(at("a"), ""));
  EXPECT_EQ(read_file(at("a"), 0), "");
  const std::string much(1 << 20, 'x');
  ASSERT_TRUE(write_file(at("a"), much));
  EXPECT_EQ(read_file(at("a"), much.size()), much);
  // Nothing else is left in the folder.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST_F(Files, ModeIsExact) {
  ASSERT_TRUE(write_file(at("a"), "key"));
  struct stat about{};
  ASSERT_EQ(stat(at("a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  ASSERT_TRUE(write_file(at("a"), "map", 0644));
  ASSERT_EQ(stat(at("a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0644U);
}

TEST_F(Files, SaysWhyNot) {
  EXPECT_EQ(read_file(at("none"), 10).error().kind, ErrorKind::not_found);
  EXPECT_EQ(read_file(folder.path(), 10).error().kind, ErrorKind::invalid);
  EXPECT_EQ(write_file(at("none/a"), "x").error().kind, ErrorKind::not_found);
  ASSERT_EQ(mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(at("pipe"), 10).error().kind, ErrorKind::invalid);
  EXPECT_FALSE(open_append(at("pipe")));
}

TEST_F(Files, Attack51PlantedLinks) {
  ASSERT_TRUE(write_file(at("victim"), "precious"));
  std::filesystem::create_symlink(at("victim"), at("log"));
  std::filesystem::create_symlink(at("victim"), at("state.new"));
  std::filesystem::create_directory(at("folder"));
  std::filesystem::create_symlink(at("folder"), at("link"));
  EXPECT_EQ(open_append(at("log")).error().kind, ErrorKind::denied);
  EXPECT_EQ(open_append(at("link/log")).error().kind, ErrorKind::denied);
  EXPECT_EQ(write_file(at("link/a"), "x").error().kind, ErrorKind::denied);
  // The planted name is taken out of the way, what it pointed to isn't touched.
  ASSERT_TRUE(write_file(at("state"), "mine"));
  EXPECT_EQ(read_file(at("victim"), 100), "precious");
  EXPECT_EQ(read_file(at("state"), 100), "mine");
  // A link in the place of the file is replaced, not followed.
  ASSERT_TRUE(write_file(at("log"), "new"));
  EXPECT_EQ(read_file(at("victim"), 100), "precious");
}

TEST_F(Files, AppendsBehindWhatIsThere) {
  for (const std::string_view line : {"one\n", "two\n"}) {
    const auto file = open_append(at("log"));
    ASSERT_TRUE(file);
    ASSERT_EQ(write(file->number(), line.data(), line.size()), 4);
    EXPECT_TRUE(fcntl(file->number(), F_GETFD) & FD_CLOEXEC);
  }
  EXPECT_EQ(read_file(at("log"), 100), "one\ntwo\n");
}

TEST_F(Files, StampsTellFilesApart) {
  EXPECT_EQ(FileStamp::of(at("a")), FileStamp());
  ASSERT_TRUE(write_file(at("a"), "one"));
  const auto first = FileStamp::of(at("a"));
  EXPECT_NE(first, FileStamp());
  EXPECT_EQ(first, FileStamp::of(at("a")));
  ASSERT_TRUE(write_file(at("a"), "two"));
  EXPECT_NE(first, FileStamp::of(at("a")));
}

}  // namespace
}  // namespace letterlock::os
