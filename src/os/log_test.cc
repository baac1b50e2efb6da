#include "os/log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files.h"
#include "os/temporary.h"

namespace letterlock::os {
namespace {

using base::Severity;

const base::Time moment = *base::from_rfc3339("2026-11-23T03:12:44.120Z");

std::string line(std::string value) {
  return log_line({Severity::info, "a.b", {{"key", std::move(value)}}}, moment).substr(25);
}

TEST(LogLine, AsTheOperatorReadsIt) {
  const base::Event event{Severity::warning,
                          "hop.held",
                          {{"tenant", "acorn"},
                           {"mx", "mx1.modern.example"},
                           {"reason", "certificate matches no TLSA record"},
                           {"next_try", "03:27:44"}}};
  EXPECT_EQ(log_line(event, moment),
            "2026-11-23T03:12:44.120Z warning hop.held tenant=acorn mx=mx1.modern.example "
            "reason=\"certificate matches no TLSA record\" next_try=03:27:44");
  EXPECT_EQ(
      log_json(event, moment),
      R"({"time":"2026-11-23T03:12:44.120Z","severity":"warning","event":"hop.held","tenant":"acorn","mx":"mx1.modern.example",)"
      R"("reason":"certificate matches no TLSA record","next_try":"03:27:44"})");
}

// What a peer says can't end the line, its quotes or a field, nor move a terminal's cursor.
TEST(Attack39, StrangersWordsInTheLog) {
  using namespace std::string_literals;
  EXPECT_EQ(line("plain-1.2:3"), "info a.b key=plain-1.2:3");
  EXPECT_EQ(line(""), "info a.b key=\"\"");
  EXPECT_EQ(line("a b"), "info a.b key=\"a b\"");
  EXPECT_EQ(line("a=b"), "info a.b key=\"a=b\"");
  EXPECT_EQ(line("a\nb\r\t\x1b[2J\0"s), R"(info a.b key="a\x0ab\x0d\x09\x1b[2J\x00")");
  EXPECT_EQ(line("x\" user=root y=\""), R"(info a.b key="x\" user=root y=\"")");
  EXPECT_EQ(line("x\\"), R"(info a.b key="x\\")");
  EXPECT_EQ(line("\\\""), R"(info a.b key="\\\"")");
  EXPECT_EQ(line("\xff\xc2"), R"(info a.b key="\xff\xc2")");
  EXPECT_EQ(line("grün"), "info a.b key=\"grün\"");
  EXPECT_LT(line(std::string(1 << 20, '\\')).size(), 2100U);
  EXPECT_LT(line(std::string(1 << 20, '\x01')).size(), 4100U);
  EXPECT_TRUE(line(std::string(5000, 'x')).ends_with("…\""));
  const auto json = log_json({Severity::info, "a.b", {{"key", "x\"},\n{\x01\xff"}}}, moment);
  EXPECT_TRUE(json.ends_with(R"("key":"x\"},\\x0a{\\x01\\xff"})")) << json;
}

class Log : public testing::Test {
 protected:
  std::string file() const { return folder.path() + "/log"; }
  std::unique_ptr<LogSink> open(LogOptions options = {}) {
    options.file = file();
    auto sink = LogSink::create(options, clock);
    EXPECT_TRUE(sink) << sink.error().what;
    return std::move(*sink);
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  SystemClock clock;
  TemporaryFolder folder = *TemporaryFolder::create("log-test");
};

TEST_F(Log, WritesInOrderAndAll) {
  auto log = open();
  for (int i = 0; i < 1000; ++i)
    log->emit({Severity::info, "test.line", {{"number", std::to_string(i)}}});
  log.reset();
  const auto text = *read_file(file(), 1 << 20);
  EXPECT_EQ(lines(text), 1000U);
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = text.find("number=" + std::to_string(i) + "\n", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(Log, LowSeveritiesStayOut) {
  auto log = open({.lowest = Severity::warning});
  log->emit({Severity::info, "test.low", {}});
  log->emit({Severity::error, "test.high", {}});
  log.reset();
  const auto text = *read_file(file(), 1 << 20);
  EXPECT_EQ(lines(text), 1U);
  EXPECT_TRUE(text.contains("error test.high"));
}

TEST_F(Log, ReopensAfterRotation) {
  auto log = open();
  log->emit({Severity::info, "test.before", {}});
  for (int i = 0; i < 1000 && FileStamp::of(file()).octets == 0; ++i) usleep(1000);
  std::filesystem::rename(file(), file() + ".1");
  ASSERT_TRUE(log->reopen());
  log->emit({Severity::info, "test.after", {}});
  log.reset();
  EXPECT_TRUE(read_file(file() + ".1", 1 << 20)->contains("test.before"));
  EXPECT_TRUE(read_file(file(), 1 << 20)->contains("test.after"));
}

TEST_F(Log, ReopeningWhatCannotBeOpenedKeepsTheOld) {
  auto log = open();
  std::filesystem::rename(file(), file() + ".1");
  std::filesystem::create_symlink(folder.path() + "/elsewhere", file());
  EXPECT_FALSE(log->reopen());
  log->emit({Severity::info, "test.still", {}});
  log.reset();
  EXPECT_TRUE(read_file(file() + ".1", 1 << 20)->contains("test.still"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/elsewhere"));
}

// A reader that has stopped: emitting never waits, what is lost is counted, and said once it goes
// on.
TEST_F(Log, LossesAreSaid) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int saved = dup(STDERR_FILENO);
  ASSERT_GE(dup2(ends[1], STDERR_FILENO), 0);
  close(ends[1]);
  auto log = *LogSink::create({.lines_waiting_max = 100}, clock);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 5000; ++i)
    log->emit({Severity::info, "test.line", {{"filler", std::string(100, 'x')}}});
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  EXPECT_GT(log->lost(), 3000U);
  std::string text;
  std::thread reader([&] {
    std::array<char, 65536> buffer{};
    while (true) {
      const auto count = read(ends[0], buffer.data(), buffer.size());
      if (count <= 0) return;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
  });
  const auto lost = log->lost();
  log.reset();
  dup2(saved, STDERR_FILENO);
  close(saved);
  reader.join();
  close(ends[0]);
  EXPECT_TRUE(text.contains("error log.lost lines=")) << text.substr(0, 300);
  EXPECT_GT(lost, 0U);
}

}  // namespace
}  // namespace letterlock::os
