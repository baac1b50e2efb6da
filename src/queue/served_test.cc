#include "queue/served.h"

#include <gtest/gtest.h>

#include "net/loop.h"
#include "store/memory.h"

namespace letterlock::queue {
namespace {

const auto by = base::TraceId::make(base::from_milliseconds(99), {7});

net::ResultTask<> note_in(store::Transaction& tx, base::TenantId tenant, base::TraceId origin,
                          std::string who) {
  note_served(tx, tenant, origin, who, by);
  co_return base::Result<>();
}
net::ResultTask<> ask_in(store::Transaction& tx, base::TenantId tenant, base::TraceId origin,
                         std::string who, bool& was) {
  CO_TRY(was, co_await was_served(tx, tenant, origin, who));
  CO_TRY(const auto trace, co_await served_by(tx, tenant, origin, std::move(who)));
  EXPECT_EQ(trace, was ? std::optional(by) : std::nullopt);
  co_return base::Result<>();
}
net::ResultTask<> forget_in(store::Transaction& tx, base::TenantId tenant, base::Time before,
                            std::size_t count_max, bool& more) {
  CO_TRY(more, co_await forget_served(tx, tenant, before, count_max));
  co_return base::Result<>();
}

class ServedTest : public ::testing::Test {
 protected:
  static net::Task<> keep(net::ResultTask<> task, bool& done) {
    EXPECT_TRUE(co_await std::move(task));
    done = true;
  }
  void wait(net::ResultTask<> task) {
    bool done = false;
    loop.spawn(keep(std::move(task), done));
    while (!done) loop.poll();
  }
  static base::TraceId origin(int milliseconds, std::uint8_t which = 0) {
    return base::TraceId::make(base::from_milliseconds(milliseconds), {which});
  }
  void note(const base::TenantId& tenant, const base::TraceId& of, const std::string& who) {
    wait(store.transact(store::Scope::tenant(tenant),
                        [&](store::Transaction& tx) { return note_in(tx, tenant, of, who); }));
  }
  bool was(const base::TenantId& tenant, const base::TraceId& of, const std::string& who) {
    bool answer = false;
    wait(store.read(store::Scope::tenant(tenant),
                    [&](store::Transaction& tx) { return ask_in(tx, tenant, of, who, answer); }));
    return answer;
  }
  bool forget(int before, std::size_t count_max) {
    bool more = false;
    wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
      return forget_in(tx, acorn, base::from_milliseconds(before), count_max, more);
    }));
    return more;
  }

  net::Loop loop;
  store::MemoryStore store;
  const base::TenantId acorn = base::TenantId::make({}, {1});
  const base::TenantId birch = base::TenantId::make({}, {2});
};

TEST_F(ServedTest, OneContentOnePlace) {
  note(acorn, origin(5), "alice");
  EXPECT_TRUE(was(acorn, origin(5), "alice"));
  EXPECT_FALSE(was(acorn, origin(5), "alic"));
  EXPECT_FALSE(was(acorn, origin(5, 1), "alice"));
  EXPECT_FALSE(was(birch, origin(5), "alice"));
}

TEST_F(ServedTest, TheOldestAreForgottenInPages) {
  for (int i = 1; i <= 5; ++i) note(acorn, origin(i, 0xff), "alice");
  note(birch, origin(1), "alice");
  EXPECT_TRUE(forget(4, 2));
  EXPECT_FALSE(was(acorn, origin(2, 0xff), "alice"));
  EXPECT_TRUE(was(acorn, origin(3, 0xff), "alice"));
  EXPECT_FALSE(forget(4, 2));
  EXPECT_FALSE(was(acorn, origin(3, 0xff), "alice"));
  EXPECT_TRUE(was(acorn, origin(4, 0xff), "alice")) << "from that moment on they are kept";
  EXPECT_TRUE(was(birch, origin(1), "alice"));
}

}  // namespace
}  // namespace letterlock::queue
