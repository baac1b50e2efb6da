#include "sim/names.h"

#include <set>

#include <gtest/gtest.h>

namespace letterlock::sim {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using dns::Security;

template <class Record>
net::Task<> keep(net::ResultTask<dns::Answer<Record>> question,
                 std::optional<base::Result<dns::Answer<Record>>>& answer) {
  answer = co_await std::move(question);
}

class SimNames : public testing::Test {
 protected:
  SimNames() {
    names.zone("birch.example", Security::secure);
    names.zone("old.example", Security::insecure);
    names.mx("birch.example", 10, "MX.birch.example.");
    names.address("mx.birch.example", "192.0.2.2");
    names.address("mx.birch.example", "2001:db8::2");
  }
  template <class Record>
  base::Result<dns::Answer<Record>> ask(net::ResultTask<dns::Answer<Record>> question) {
    std::optional<base::Result<dns::Answer<Record>>> answer;
    world.loop().spawn(keep(std::move(question), answer));
    EXPECT_TRUE(world.run_until([&] { return answer.has_value(); }, 1h));
    return *answer;
  }

  World world{3};
  Names names{world};
};

TEST_F(SimNames, AnswersFromItsTable) {
  const auto mx = ask(names.mx("Birch.Example."));
  EXPECT_EQ(mx->records, (std::vector<dns::Mx>{{10, "mx.birch.example"}}));
  EXPECT_EQ(mx->security, Security::secure);
  EXPECT_EQ(mx->canonical_name, "birch.example");
  const auto addresses = ask(names.addresses("mx.birch.example"));
  ASSERT_EQ(addresses->records.size(), 2U);
  EXPECT_TRUE(addresses->records[0].is_v6());
  EXPECT_EQ(names.questions(), 2U);
}

TEST_F(SimNames, TellsNoDataFromNoName) {
  names.txt("_smtp._tls.birch.example", "v=TLSRPTv1");
  EXPECT_TRUE(ask(names.txt("birch.example"))->name_exists);
  EXPECT_TRUE(ask(names.txt("_tls.birch.example"))->name_exists);  // empty, but something is below
  EXPECT_FALSE(ask(names.txt("nobody.birch.example"))->name_exists);
  EXPECT_EQ(ask(names.txt("nobody.birch.example"))->security, Security::secure);
  EXPECT_EQ(ask(names.txt("nowhere.example"))->security, Security::insecure);
  EXPECT_EQ(ask(names.txt("_smtp._tls.birch.example"))->records.size(), 1U);
}

TEST_F(SimNames, FollowsCnamesAndTrustsOnlyWhatIsSecureThroughout) {
  names.cname("alias.birch.example", "mx.birch.example");
  names.cname("outside.birch.example", "mx.old.example");
  names.address("mx.old.example", "192.0.2.9");
  const auto inside = ask(names.addresses("alias.birch.example"));
  EXPECT_EQ(inside->canonical_name, "mx.birch.example");
  EXPECT_EQ(inside->security, Security::secure);
  const auto outside = ask(names.addresses("outside.birch.example"));
  EXPECT_EQ(outside->canonical_name, "mx.old.example");
  EXPECT_EQ(outside->security, Security::insecure);
  names.cname("a.old.example", "b.old.example");
  names.cname("b.old.example", "a.old.example");
  EXPECT_EQ(ask(names.addresses("a.old.example")).error().kind, ErrorKind::unavailable);
}

TEST_F(SimNames, FailsWhereItIsTold) {
  names.fail("birch.example", Names::Type::mx, Names::Failure::bogus);
  EXPECT_EQ(ask(names.mx("birch.example")).error().kind, ErrorKind::denied);
  EXPECT_TRUE(ask(names.txt("birch.example")));
  names.fail("birch.example", std::nullopt, Names::Failure::servfail);
  EXPECT_EQ(ask(names.txt("birch.example")).error().kind, ErrorKind::unavailable);
  names.fail("birch.example", Names::Type::mx, {});
  names.fail("birch.example", std::nullopt, Names::Failure::timeout);
  const auto before = world.schedule()->now();
  EXPECT_EQ(ask(names.mx("birch.example")).error().kind, ErrorKind::timeout);
  EXPECT_GE(world.schedule()->now() - before, 30s);
  EXPECT_EQ(ask(names.mx("not a name")).error().kind, ErrorKind::invalid);
}

TEST_F(SimNames, ChangesWhileTheWorldRuns) {
  world.schedule()->after(1h, [&] {
    names.erase("birch.example");
    names.mx("birch.example", 0, ".");
  });
  EXPECT_EQ(ask(names.mx("birch.example"))->records[0].host, "mx.birch.example");
  world.advance(2h);
  EXPECT_EQ(ask(names.mx("birch.example"))->records[0].host, "");
}

TEST_F(SimNames, SomeQuestionsFailByChance) {
  names.fail_sometimes(500);
  std::set<ErrorKind> kinds;
  std::size_t failed = 0;
  for (int i = 0; i < 100; ++i) {
    const auto answer = ask(names.mx("birch.example"));
    if (answer) continue;
    ++failed;
    kinds.insert(answer.error().kind);
  }
  EXPECT_EQ(kinds, (std::set{ErrorKind::timeout, ErrorKind::unavailable}));
  EXPECT_GT(failed, 20U);
  EXPECT_LT(failed, 80U);
}

TEST_F(SimNames, AQuestionCanBeCancelled) {
  std::optional<base::Result<dns::Answer<dns::Mx>>> answer;
  const auto running = world.loop().spawn(keep(names.mx("birch.example"), answer));
  world.settle();
  running->cancel();
  world.settle();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error().kind, ErrorKind::cancelled);
}

}  // namespace
}  // namespace letterlock::sim
