// What people see of a node: the status screen, its fit to a terminal, and which event is which
// figure.
#include "apps/watch.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "apps/cli.h"
#include "apps/figures.h"
#include "apps/top.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

json::object status(const char* text) {
  return json::parse(text).as_object();
}

TEST(QueueProblems, WhatIsHeldPastItsLifetimeIsSaid) {
  using namespace std::chrono_literals;
  const base::Time now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 10);
  queue::Counted counted;
  queue::Recipient held;
  held.state = queue::State::held;
  counted.add(held, now - 5 * 24h, now);
  EXPECT_TRUE(queue_problems(counted, 5 * 24h, now).empty());
  counted.add(held, now - 6 * 24h, now);
  EXPECT_THAT(queue_problems(counted, 5 * 24h, now),
              testing::ElementsAre(HasSubstr("held that came 6d ago")));
  queue::Recipient waiting;
  counted.add(waiting, now - 16min, now);
  EXPECT_THAT(queue_problems(counted, 5 * 24h, now),
              testing::ElementsAre(HasSubstr("waits for 16m"), HasSubstr("is held")));
}

TEST(StatusScreen, SaysWhatIsWrongFirst) {
  const auto bad =
      status(R"({"version":"1","site":"dublin","node":"dublin-1","host-name":"mx.acorn.example",
    "ready":false,"uptime-seconds":93784,"problems":["the disk is full","another"],"sessions":3,"sessions-max":9,
    "listeners":[{"kind":"mx","address":"0.0.0.0:25","open":3,"accepted":40}],
    "queue":{"new":{"recipients":2,"oldest-seconds":75},"in-memory":2,"under-way":1,"partitions":64},
    "ways":{"relay_out":{"clear":1,"authenticated":2}},"store":{"writes":false,"disk-octets":1536,"free-octets":0},
    "certificates":[{"names":["mx.acorn.example"],"days":12}]})");
  EXPECT_FALSE(is_fine(bad));
  const auto screen = status_screen(bad, 100);
  EXPECT_EQ(
      screen.find("letterlock 1 at dublin, node dublin-1 (mx.acorn.example): NOT READY, up 1d 2h\n"
                  "WRONG NOW     the disk is full\n"
                  "              another\n"),
      0U)
      << screen;
  EXPECT_THAT(screen, HasSubstr("mx 0.0.0.0:25: 3 open, 40 since start"));
  EXPECT_THAT(screen, HasSubstr("new 2 (oldest 1m 15s)"));
  EXPECT_THAT(screen, HasSubstr("relayed: clear 1, authenticated 2"));
  EXPECT_THAT(screen, HasSubstr("TAKES NO WRITES   1.5 KiB on disk"));
  EXPECT_THAT(screen, HasSubstr("mx.acorn.example: 12 days left"));
}

TEST(StatusScreen, AnAnswerOfAnotherFormDrawsToo) {
  for (const auto* text :
       {"{}",
        R"({"problems":"none","queue":[],"minute":7,"listeners":[1,"x"],"certificates":[{}]})"}) {
    const auto screen = status_screen(status(text), 20);
    EXPECT_THAT(screen, HasSubstr("wrong now")) << text;
  }
  EXPECT_THAT(status_screen(status(R"({"problems":["\u001b[31mred"]})"), 80),
              Not(HasSubstr("\x1b")));
}

TEST(StatusScreen, NumbersAndNamesOfAnySize) {
  const auto screen =
      status_screen(status(R"({"uptime-seconds":1e300,"queue":{"in-memory":18446744073709551615},
                 "ways":{"relay_in":{"cl\u001bear":1}},"minute":{"a\nb":2}})"),
                    80);
  EXPECT_THAT(screen, HasSubstr("in memory 9223372036854775807"));
  EXPECT_THAT(screen, HasSubstr("cl\\x1bear 1"));
  EXPECT_THAT(screen, HasSubstr("a\\x0ab 2"));
}

TEST(ForPeople, RowsThatAreNoneAreLeftOut) {
  EXPECT_EQ(for_people(status(R"({"rows":[1,{"a":2,"b\n":3},null]})"), 80), "a  b\\x0a\n2  3\n");
  EXPECT_EQ(for_people(status(R"({"rows":[{"from":"a   b  ","to":"c"}]})"), 80),
            "from  to\na b   c\n");
  EXPECT_EQ(for_people(status(R"({"\u001b[2J":{"x\u007f":1}})"), 80), "\\x1b[2J  {\"x\\x7f\":1}\n");
}

TEST(StatusScreen, FoldsToTheWidth) {
  const auto narrow =
      status_screen(status(R"({"queue":{"new":{"recipients":2},"deferred":{"recipients":3},
    "held":{"recipients":4},"in-memory":2,"under-way":1,"partitions":64}})"),
                    44);
  EXPECT_THAT(
      narrow,
      HasSubstr(
          "queue         new 2   deferred 3   held 4\n              in memory 2, under way 1\n"));
}

TEST(Top, FitsItsTerminal) {
  EXPECT_EQ(fit("abcdef\nxy\nlast\n", 4, 2), "abcd\r\nxy");
  EXPECT_EQ(fit("one\n", 80, 24), "one");
  EXPECT_EQ(fit("", 80, 24), "");
}

class FiguresTest : public testing::Test {
 protected:
  void emit(std::string_view name, std::vector<std::pair<std::string_view, std::string>> fields,
            base::Severity severity = base::Severity::info) {
    meter.emit({severity, name, std::move(fields)});
  }
  os::Metrics metrics;
  base::NoEvents none;
  os::EventMeter meter{metrics, none, event_rules()};
};

TEST_F(FiguresTest, ReasonsAreTheSubjectsOfStatusCodes) {
  emit("mx.recipient_refused", {{"status", "5.1.1"}});
  emit("mx.recipient_refused", {{"status", "5.7.1"}});
  emit("mx.recipient_refused", {{"status", "nonsense"}});
  emit("mx.recipient_refused", {{"status", "5.9.1"}});
  emit("hop.deferred", {{"status", "4.4.1"}, {"recipients", "7"}});
  const auto refused = [&](const char* reason) {
    return metrics.total("letterlock_receptions_refused_total",
                         {{"agent", "mx"}, {"reason", reason}});
  };
  EXPECT_EQ(refused("address"), 1);
  EXPECT_EQ(refused("policy"), 1);
  EXPECT_EQ(refused("other"), 2);
  EXPECT_EQ(metrics.total("letterlock_recipients_total",
                          {{"outcome", "deferred"}, {"reason", "network"}}),
            7);
}

TEST_F(FiguresTest, ProblemsAreThoseThatAreSevere) {
  emit("queue.leases_changed", {});
  EXPECT_EQ(metrics.total("letterlock_problems_total"), 0);
  emit("queue.leases_changed", {}, base::Severity::warning);
  emit("store.stopped", {}, base::Severity::error);
  EXPECT_EQ(metrics.total("letterlock_problems_total", {{"event", "queue.leases_changed"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_problems_total", {{"event", "store.stopped"}}), 1);
}

TEST_F(FiguresTest, BothKindsOfSessionsSayTheSameWords) {
  emit("session.ended", {{"agent", "mx"}, {"how", "peer_gone"}});
  emit("fetch.session_ended", {{"why", "closed"}});
  emit("session.refused", {{"why", "address_full"}});
  emit("fetch.no_place", {{"why", "address_full"}});
  EXPECT_EQ(metrics.total("letterlock_sessions_ended_total", {{"how", "peer_gone"}}), 2);
  EXPECT_EQ(metrics.total("letterlock_limits_reached_total", {{"limit", "sessions_per_address"}}),
            2);
}

TEST(Minutes, TellWhatALastMinuteBrought) {
  os::Metrics metrics;
  auto& accepted =
      metrics.counter("letterlock_messages_accepted_total", "Messages.", {{"kind", "relay"}});
  Minutes minutes(metrics);
  EXPECT_TRUE(minutes.last().empty());
  using namespace std::chrono_literals;
  os::Steady now{};
  accepted.add(100);  // before anybody looked
  for (int i = 0; i < 60; ++i, now += 5s) {
    minutes.look(now);
    accepted.add(2);
  }
  const auto last = minutes.last();
  EXPECT_EQ(last.at("seconds").to_number<int>(), 60);
  EXPECT_EQ(last.at("accepted").to_number<int>(), 26)
      << "12 intervals, and what came since the last look";
}

}  // namespace
}  // namespace letterlock::apps
