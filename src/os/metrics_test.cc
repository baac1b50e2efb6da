#include "os/metrics.h"

#include <ctime>
#include <thread>

#include <gmock/gmock.h>

#include "os/event_meter.h"
#include "os/process_figures.h"
#include "os/service.h"

namespace letterlock::os {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Metrics, StandInTheTextFormat) {
  Metrics metrics;
  metrics.counter("letterlock_messages_total", "Messages.", {{"kind", "relay"}}).add(3);
  metrics.counter("letterlock_messages_total", "Messages.", {{"kind", "say \"so\"\n"}}).add();
  metrics.gauge("letterlock_sessions", "Sessions.").set(-2);
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# HELP letterlock_messages_total Messages.\n"
                              "# TYPE letterlock_messages_total counter\n"));
  EXPECT_THAT(text, HasSubstr("letterlock_messages_total{kind=\"relay\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("letterlock_messages_total{kind=\"say \\\"so\\\"\\n\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE letterlock_sessions gauge\nletterlock_sessions -2\n"));
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameFigure) {
  Metrics metrics;
  auto& one = metrics.counter("letterlock_a_total", "A.", {{"x", "1"}});
  EXPECT_EQ(&one, &metrics.counter("letterlock_a_total", "A.", {{"x", "1"}}));
  EXPECT_NE(&one, &metrics.counter("letterlock_a_total", "A.", {{"x", "2"}}));
  one.add(2);
  EXPECT_EQ(metrics.total("letterlock_a_total"), 2);
  EXPECT_EQ(metrics.total("letterlock_a_total", {{"x", "2"}}), 0);
  EXPECT_EQ(metrics.total("letterlock_b_total"), 0);
}

TEST(Metrics, ATimeIsToldInSecondsAndFallsIntoItsRange) {
  Metrics metrics;
  auto& times = metrics.times("letterlock_work_seconds", "Work.", {1'000'000, 1'000'000'000});
  times.observe(1ms);  // the bound belongs to its range
  times.observe(500ms);
  times.observe(3s);
  times.observe(-1s);  // a clock that went back
  EXPECT_EQ(times.count(), 4U);
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("letterlock_work_seconds_bucket{le=\"0.001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("letterlock_work_seconds_bucket{le=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("letterlock_work_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("letterlock_work_seconds_sum 3.501\n"));
  EXPECT_THAT(text, HasSubstr("letterlock_work_seconds_count 4\n"));
}

TEST(Metrics, AreCountedByManyThreadsAtOnce) {
  Metrics metrics;
  auto& counter = metrics.counter("letterlock_a_total", "A.");
  auto& sizes = metrics.sizes("letterlock_group", "Groups.", {1, 10});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t n = 0; n < 10'000; ++n) {
        counter.add();
        sizes.observe(n % 20);
        if (n % 1000 == 0) (void)metrics.text();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 40'000U);
  EXPECT_EQ(sizes.count(), 40'000U);
  EXPECT_EQ(sizes.sum(), 4U * 10'000 * 19 / 2);
}

TEST(Metrics, WhatIsAskedIsAskedAtEachReading) {
  Metrics metrics;
  double value = 1;
  metrics.asked(Metrics::Kind::gauge, "letterlock_free", "Free.",
                [&] { return std::vector<Sample>{{{{"disk", "a"}}, value}}; });
  EXPECT_THAT(metrics.text(), HasSubstr("letterlock_free{disk=\"a\"} 1\n"));
  value = 2;
  EXPECT_THAT(metrics.text(), HasSubstr("letterlock_free{disk=\"a\"} 2\n"));
}

using MetricsDeathTest = testing::Test;

TEST(MetricsDeathTest, ANameThatIsNoneOfOursIsABug) {
  Metrics metrics;
  EXPECT_DEATH((void)metrics.counter("letterlock_messages", "A counter without _total."), "");
  EXPECT_DEATH((void)metrics.gauge("other", "Another program's."), "");
  (void)metrics.gauge("letterlock_a", "A.");
  EXPECT_DEATH((void)metrics.gauge("letterlock_a", "Something else."), "");
}

TEST(MetricsDeathTest, ALabelWithoutBoundIsABug) {
  Metrics metrics;
  const auto make_too_many = [&] {
    for (int i = 0; i < 1000; ++i)
      (void)metrics.gauge("letterlock_a", "A.", {{"peer", std::to_string(i)}});
  };
  EXPECT_DEATH(make_too_many(), "");
}

class Kept final : public base::EventSink {
 public:
  void emit(const base::Event& event) override { names.emplace_back(event.name); }
  std::vector<std::string> names;
};

class EventMeterTest : public testing::Test {
 protected:
  static std::string_view first_letter(std::string_view word) { return word.substr(0, 1); }
  const std::vector<EventRule> rules{
      {"mail.taken",
       "letterlock_taken_total",
       "Taken.",
       {{"kind", "kind", {"relay", "submission"}}}},
      {"mail.taken", "letterlock_octets_total", "Octets.", {}, "octets"},
      {"mail.taken", "letterlock_take_seconds", "Time.", {}, "took_ms", EventRule::As::short_time},
      {"mail.lost", "letterlock_taken_total", "Taken.", {{"kind", {}, {"lost"}}}},
      {"mail.told",
       "letterlock_told_total",
       "Told.",
       {{"by", "by", {"a", "b"}, first_letter}, {"to", "to", {"x"}}}},
      {"mail.odd",
       "letterlock_odd_total",
       "Odd.",
       {},
       {},
       EventRule::As::count,
       base::Severity::warning}};
  Metrics metrics;
  Kept kept;
  EventMeter meter{metrics, kept, rules};
};

TEST_F(EventMeterTest, CountsByAWordOfTheEvent) {
  meter.emit({base::Severity::info,
              "mail.taken",
              {{"octets", "10"}, {"kind", "relay"}, {"took_ms", "250"}}});
  meter.emit({base::Severity::info, "mail.taken", {{"octets", "5"}, {"kind", "by pigeon"}}});
  meter.emit({base::Severity::info, "mail.lost", {}});
  EXPECT_EQ(metrics.total("letterlock_taken_total", {{"kind", "relay"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_taken_total", {{"kind", "submission"}}), 0);
  EXPECT_EQ(metrics.total("letterlock_taken_total", {{"kind", "other"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_taken_total", {{"kind", "lost"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_octets_total"), 15);
  EXPECT_THAT(metrics.text(), HasSubstr("letterlock_take_seconds_sum 0.25\n"));
  EXPECT_EQ(metrics.total("letterlock_take_seconds"), 1) << "one without the field counts nothing";
}

TEST_F(EventMeterTest, WhatAStrangerSaysMakesNoSeries) {
  const auto before = metrics.samples("letterlock_taken_total").size();
  for (int i = 0; i < 100; ++i)
    meter.emit({base::Severity::info, "mail.taken", {{"kind", "kind" + std::to_string(i)}}});
  EXPECT_EQ(metrics.samples("letterlock_taken_total").size(), before);
  EXPECT_EQ(metrics.total("letterlock_taken_total", {{"kind", "other"}}), 100);
}

TEST_F(EventMeterTest, FoldsAWordAndKnowsTwoLabels) {
  meter.emit({base::Severity::info, "mail.told", {{"by", "alice"}, {"to", "x"}}});
  meter.emit({base::Severity::info, "mail.told", {{"by", "bob"}, {"to", "y"}}});
  meter.emit({base::Severity::info, "mail.told", {}});
  EXPECT_EQ(metrics.total("letterlock_told_total", {{"by", "a"}, {"to", "x"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_told_total", {{"by", "b"}, {"to", "other"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_told_total", {{"by", "other"}, {"to", "other"}}), 1);
}

TEST_F(EventMeterTest, PassesEverythingOnAndCountsFromItsSeverityOn) {
  meter.emit({base::Severity::info, "mail.odd", {}});
  meter.emit({base::Severity::error, "mail.odd", {}});
  meter.emit({base::Severity::info, "mail.unknown", {}});
  EXPECT_EQ(metrics.total("letterlock_odd_total"), 1);
  EXPECT_EQ(kept.names, (std::vector<std::string>{"mail.odd", "mail.odd", "mail.unknown"}));
}

TEST(ProcessFigures, AreThisProcesss) {
  Metrics metrics;
  const SystemClock clock;
  const auto figures = ProcessFigures::create(metrics, clock);
  ASSERT_TRUE(figures) << figures.error().what;
  EXPECT_GT((*figures)->resident_octets(), 100'000);
  const auto before = (*figures)->open_descriptors();
  EXPECT_GE(before, 3);
  const Descriptor more(::dup(0));
  EXPECT_EQ((*figures)->open_descriptors(), before + 1);
  EXPECT_GT(metrics.total("process_max_fds"), 0);
  // Of all threads, as the kernel counts it in ticks; what was burnt here is counted.
  const auto burnt = metrics.total("process_cpu_seconds_total");
  const auto until = std::clock() + CLOCKS_PER_SEC / 10;
  while (std::clock() < until) {
  }
  EXPECT_GE(metrics.total("process_cpu_seconds_total"), burnt + 0.05);
  EXPECT_LE(metrics.total("process_cpu_seconds_total"),
            static_cast<double>(std::clock()) / CLOCKS_PER_SEC + 0.05);
}

TEST(Watchdog, IsFedAsOftenAsTheServiceManagerSays) {
  const auto says = [](const char* microseconds, const char* process) {
    ::setenv("WATCHDOG_USEC", microseconds, 1);
    process != nullptr ? ::setenv("WATCHDOG_PID", process, 1) : ::unsetenv("WATCHDOG_PID");
    const auto interval = watchdog_interval();
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    return interval;
  };
  EXPECT_EQ(says("30000000", nullptr), base::Milliseconds(30s));
  EXPECT_EQ(says("30000000", std::to_string(::getpid()).c_str()), base::Milliseconds(30s));
  EXPECT_FALSE(says("30000000", "1")) << "somebody else's";
  EXPECT_FALSE(says("", nullptr));
  EXPECT_FALSE(says("soon", nullptr));
  EXPECT_FALSE(says("0", nullptr));
  EXPECT_FALSE(watchdog_interval());
}

}  // namespace
}  // namespace letterlock::os
