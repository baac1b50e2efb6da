#include "dns/measured.h"

#include <gtest/gtest.h>

#include "net/loop.h"

namespace letterlock::dns {
namespace {

// Answers every question as it is told.
class Fixed final : public Resolver {
 public:
  template <class Record>
  net::ResultTask<Answer<Record>> answer() {
    if (error) co_return base::fail(*error, "as told");
    Answer<Record> out;
    out.security = security;
    co_return out;
  }
  net::ResultTask<Answer<Mx>> mx(std::string) override { return answer<Mx>(); }
  net::ResultTask<Answer<net::IpAddress>> addresses(std::string) override {
    return answer<net::IpAddress>();
  }
  net::ResultTask<Answer<std::string>> txt(std::string) override { return answer<std::string>(); }
  net::ResultTask<Answer<TlsaRecord>> tlsa(std::string) override { return answer<TlsaRecord>(); }
  net::ResultTask<Answer<std::string>> ptr(std::string) override { return answer<std::string>(); }

  std::optional<base::ErrorKind> error;
  Security security = Security::insecure;
};

template <class Record>
net::Task<> ask(net::ResultTask<Answer<Record>> lookup, bool& went_well) {
  const auto answer = co_await std::move(lookup);
  went_well = answer.has_value();
}

TEST(MeasuredResolver, CountsByTypeAndOutcomeAndPassesTheAnswerOn) {
  os::Metrics metrics;
  Fixed fixed;
  MeasuredResolver measured(fixed, metrics);
  net::Loop loop;
  const auto run = [&](auto lookup) {
    bool went_well = false;
    loop.spawn(ask(std::move(lookup), went_well));
    while (loop.poll() > 0) {
    }
    return went_well;
  };
  const auto count = [&](const char* type, const char* outcome) {
    return metrics.total("letterlock_dns_lookups_total", {{"type", type}, {"outcome", outcome}});
  };
  EXPECT_TRUE(run(measured.mx("modern.example")));
  fixed.security = Security::secure;
  EXPECT_TRUE(run(measured.tlsa("_25._tcp.mx.modern.example")));
  fixed.error = base::ErrorKind::denied;
  EXPECT_FALSE(run(measured.mx("modern.example")));
  fixed.error = base::ErrorKind::timeout;
  EXPECT_FALSE(run(measured.addresses("mx.modern.example")));
  fixed.error = base::ErrorKind::unavailable;
  EXPECT_FALSE(run(measured.txt("modern.example")));
  EXPECT_EQ(count("mx", "insecure"), 1);
  EXPECT_EQ(count("tlsa", "secure"), 1);
  EXPECT_EQ(count("mx", "bogus"), 1);
  EXPECT_EQ(count("addresses", "timeout"), 1);
  EXPECT_EQ(count("txt", "failed"), 1);
  EXPECT_EQ(metrics.total("letterlock_dns_lookup_seconds"), 5);
}

}  // namespace
}  // namespace letterlock::dns
