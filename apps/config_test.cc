#include "apps/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "apps/config_keys.h"

namespace letterlock::apps {
namespace {

const std::string usable = R"([site]
name = "dublin"
node = "dublin-1"
host_name = "mx.acorn.example"
data = "/var/lib/letterlock"

[[listener]]
kind = "mx"
address = "0.0.0.0:25"

[[certificate]]
names = ["mx.acorn.example"]
chain = "/etc/chain.pem"
key = "/etc/key.pem"
)";

std::string first_problem(const std::string& text) {
  const auto checked = parse_config(text, "x.toml");
  return checked.problems.empty() ? "" : checked.problems.front().text();
}

TEST(Config, TheLeastThatIsUsable) {
  const auto checked = parse_config(usable, "x.toml");
  ASSERT_TRUE(checked.problems.empty()) << checked.problems.front().text();
  EXPECT_EQ(checked.config.site.host_name, "mx.acorn.example");
  EXPECT_EQ(checked.config.admin_socket, "/var/lib/letterlock/admin.sock");
  EXPECT_EQ(checked.config.schedule.lifetime, std::chrono::days(5));
  EXPECT_EQ(checked.config.listeners[0].address->port, 25);
}

TEST(Config, EveryValueIsRead) {
  const auto checked = parse_config(usable + R"(
[relay]
smart_host = "smtp.example:2525"
smart_host_user = "u"
smart_host_password_file = "/p"
source_ipv4 = "192.0.2.1"
allow_addresses = ["127.0.0.0/8"]
ipv6 = false
[queue]
retry = ["1m", "2h"]
lifetime = "2d"
destination_per_minute = 60
deliver = false
[limits]
message_size = "1MiB"
normalise_line_ends = true
[dns]
stub_zones = [{ zone = "example", servers = ["127.0.0.1:5300"] }]
[log]
format = "json"
)",
                                    "x.toml");
  ASSERT_TRUE(checked.problems.empty()) << checked.problems.front().text();
  const auto& config = checked.config;
  EXPECT_EQ(config.relay.smart_host->name, "smtp.example");
  EXPECT_EQ(config.relay.smart_host->port, 2525);
  EXPECT_EQ(config.relay.special_allowed.size(), 1U);
  EXPECT_FALSE(config.relay.ipv6);
  EXPECT_EQ(config.schedule.waits.size(), 2U);
  EXPECT_EQ(config.window.destination_per_minute, 60U);
  EXPECT_FALSE(config.deliver);
  EXPECT_EQ(config.limits.message_octets_max, 1U << 20);
  EXPECT_TRUE(config.limits.normalise_line_ends);
  EXPECT_EQ(config.dns.stubs[0].servers[0].port, 5300);
}

// Each says where, what, and what would have been right.
TEST(Config, ProblemsNameFileAndLine) {
  EXPECT_EQ(first_problem("[site]\nnmae = \"x\"\n" + usable.substr(7)).substr(0, 46),
            "x.toml:2: unknown key 'nmae' in [site]; it kno");
  EXPECT_NE(first_problem(usable + "[sites]\n").find("x.toml:15: unknown section [sites]"),
            std::string::npos);
  EXPECT_NE(first_problem(usable + "[queue]\nlifetime = \"5 days\"\n")
                .find("x.toml:16: queue.lifetime: '5 days' is not a duration"),
            std::string::npos);
  EXPECT_NE(first_problem(usable + "[queue]\nwindow = 1\n").find("a whole number from 100"),
            std::string::npos);
  EXPECT_NE(first_problem(usable + "[queue\n").find("x.toml:15:"), std::string::npos);
  EXPECT_NE(first_problem(usable + "[relay]\nsmart_host_user = \"u\"\n").find("go together"),
            std::string::npos);
  EXPECT_NE(
      first_problem(usable + "[[listener]]\nkind = \"mx\"\n").find("either 'address' or 'socket'"),
      std::string::npos);
  EXPECT_NE(first_problem(usable + "[[listener]]\nkind = \"mx\"\naddress = \"0.0.0.0:25\"\n")
                .find("twice"),
            std::string::npos);
  EXPECT_NE(first_problem(usable + "[[listener]]\nkind = \"imap\"\naddress = \"0.0.0.0:143\"\n")
                .find("expected \"mx\""),
            std::string::npos);
  EXPECT_NE(first_problem("").find("[site] lacks 'name'"), std::string::npos);
}

TEST(Config, AllProblemsAreToldAtOnce) {
  EXPECT_GE(
      parse_config("[site]\nname = 1\nnode = 2\n[queue]\nretry = []\n", "x.toml").problems.size(),
      5U);
}

TEST(Config, TheReferenceHasEveryKey) {
  const auto reference = config_reference();
  std::size_t count = 0;
  // A row of its own beneath the section's heading, before the next heading.
  const auto expect_row = [&](const std::string& heading, const auto& key) {
    const auto begin = reference.find("\n## " + heading + "\n");
    ASSERT_NE(begin, std::string::npos) << heading;
    const auto section = reference.substr(begin + 1, reference.find("\n## ", begin + 1) - begin);
    const auto row = section.find(fmt::format("\n| `{}` |", key.name));
    ASSERT_NE(row, std::string::npos) << heading << " " << key.name;
    const auto text = section.substr(row + 1, section.find('\n', row + 1) - row);
    EXPECT_NE(text.find(key.meaning), std::string::npos) << text;
    EXPECT_NE(text.find(key.fallback), std::string::npos) << text;
    ++count;
  };
  for (const auto& section : sections())
    for (const auto& key : section.keys) expect_row(fmt::format("[{}]", section.name), key);
  for (const auto& key : listener_keys()) expect_row("[[listener]]", key);
  for (const auto& key : certificate_keys()) expect_row("[[certificate]]", key);
  // And nothing else.
  std::size_t rows = 0;
  for (auto at = reference.find("\n| `"); at != std::string::npos;
       at = reference.find("\n| `", at + 1))
    ++rows;
  EXPECT_EQ(rows, count);
  EXPECT_GT(count, 50U);
}

TEST(Config, MetricsStayOnLoopbackUnlessTheOperatorMeansIt) {
  const auto problems = [](const std::string& listener) {
    const auto checked = parse_config("[[listener]]\n" + listener, "x.toml");
    std::string all;
    for (const auto& problem : checked.problems) all += problem.text() + "\n";
    return all;
  };
  const std::string word = "beyond_loopback";
  EXPECT_EQ(problems("kind = \"metrics\"\naddress = \"127.0.0.1:9464\"\n").find(word),
            std::string::npos);
  EXPECT_EQ(problems("kind = \"metrics\"\naddress = \"[::1]:9464\"\n").find(word),
            std::string::npos);
  EXPECT_NE(problems("kind = \"metrics\"\naddress = \"0.0.0.0:9464\"\n").find(word),
            std::string::npos);
  EXPECT_NE(problems("kind = \"metrics\"\naddress = \"192.0.2.1:9464\"\n").find(word),
            std::string::npos);
  EXPECT_EQ(problems("kind = \"metrics\"\naddress = \"192.0.2.1:9464\"\nbeyond_loopback = true\n")
                .find(word),
            std::string::npos);
  EXPECT_NE(
      problems("kind = \"mx\"\naddress = \"192.0.2.1:25\"\nbeyond_loopback = true\n").find(word),
      std::string::npos);
}

}  // namespace
}  // namespace letterlock::apps
