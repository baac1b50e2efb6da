#include "peers/name_server.h"

#include <functional>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "dns/unbound.h"
#include "net/loop.h"

namespace letterlock::peers {
namespace {

using namespace std::chrono_literals;

template <class T>
net::Task<> keep(net::ResultTask<T> question, std::optional<base::Result<T>>& answer) {
  answer = co_await std::move(question);
}

// Asked by the resolver that the platform has.
class Names : public testing::Test {
 protected:
  template <class T>
  base::Result<T> ask(net::ResultTask<T> question) {
    std::optional<base::Result<T>> answer;
    loop.spawn(keep(std::move(question), answer));
    for (int i = 0; i < 10'000 && !answer; ++i)
      if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(answer);
    return answer.value_or(base::fail(base::ErrorKind::io, "the test gave up"));
  }

  os::SystemClock clock;
  base::NoEvents events;
  std::unique_ptr<NameServer> names = NameServer::start().value();
  net::Loop loop;
  std::unique_ptr<dns::UnboundResolver> resolver =
      dns::UnboundResolver::create(
          {.trust_anchor_file = "", .stubs = {{"example", names->endpoint()}}, .timeout = 5s},
          clock, events)
          .value();
};

TEST_F(Names, AnswersFromItsTable) {
  names->mx("modern.example", 10, "mx.modern.example");
  names->mx("modern.example", 20, "mx2.modern.example");
  names->address("mx.modern.example", net::IpAddress::v4({127, 0, 0, 2}));
  names->address("mx.modern.example", net::IpAddress::parse("2001:db8::1").value());
  names->txt("_mta-sts.modern.example", "v=STSv1; id=1");

  EXPECT_EQ(ask(resolver->mx("modern.example"))->records.size(), 2U);
  const auto addresses = ask(resolver->addresses("mx.modern.example"));
  ASSERT_TRUE(addresses) << addresses.error().what;
  ASSERT_EQ(addresses->records.size(), 2U);
  EXPECT_EQ(addresses->records[1].text(), "127.0.0.2");
  EXPECT_EQ(ask(resolver->txt("_mta-sts.modern.example"))->records,
            std::vector<std::string>{"v=STSv1; id=1"});
}

TEST_F(Names, TellsNoSuchNameFromNoSuchRecord) {
  names->txt("_mta-sts.modern.example", "v=STSv1; id=1");
  const auto without = ask(resolver->mx("modern.example"));
  ASSERT_TRUE(without) << without.error().what;
  EXPECT_TRUE(without->records.empty());
  EXPECT_TRUE(without->name_exists);
  const auto nobody = ask(resolver->mx("nobody.example"));
  ASSERT_TRUE(nobody) << nobody.error().what;
  EXPECT_FALSE(nobody->name_exists);
}

}  // namespace
}  // namespace letterlock::peers
