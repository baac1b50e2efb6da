#include "dns/measured.h"

namespace letterlock::dns {
namespace {
using base::ErrorKind;
using Clock = std::chrono::steady_clock;
}  // namespace

MeasuredResolver::Type::Type(os::Metrics& metrics, const char* name)
    : seconds(metrics.times("letterlock_dns_lookup_seconds", "How long lookups of names took.",
                            os::short_times(), {{"type", name}})) {
  std::size_t at = 0;
  for (const auto* end : {"secure", "insecure", "timeout", "bogus", "failed"}) {
    ends[at++] = &metrics.counter("letterlock_dns_lookups_total",
                                  "Lookups of names by what came of them; bogus: DNSSEC says that "
                                  "the answer is false.",
                                  {{"type", name}, {"outcome", end}});
  }
}

MeasuredResolver::MeasuredResolver(Resolver& resolver, os::Metrics& metrics)
    : resolver_(resolver),
      mx_(metrics, "mx"),
      addresses_(metrics, "addresses"),
      txt_(metrics, "txt"),
      tlsa_(metrics, "tlsa"),
      ptr_(metrics, "ptr") {}

template <class Record>
net::ResultTask<Answer<Record>> MeasuredResolver::measured(const Type& type,
                                                           net::ResultTask<Answer<Record>> lookup) {
  const auto began = Clock::now();
  auto answer = co_await std::move(lookup);
  type.seconds.observe(Clock::now() - began);
  auto end = End::failed;
  if (answer)
    end = answer->security == Security::secure ? End::secure : End::insecure;
  else if (answer.error().kind == ErrorKind::timeout)
    end = End::timeout;
  else if (answer.error().kind == ErrorKind::denied)
    end = End::bogus;
  type.ends[static_cast<std::size_t>(end)]->add();
  co_return answer;
}

net::ResultTask<Answer<Mx>> MeasuredResolver::mx(std::string name) {
  return measured(mx_, resolver_.mx(std::move(name)));
}
net::ResultTask<Answer<net::IpAddress>> MeasuredResolver::addresses(std::string name) {
  return measured(addresses_, resolver_.addresses(std::move(name)));
}
net::ResultTask<Answer<std::string>> MeasuredResolver::txt(std::string name) {
  return measured(txt_, resolver_.txt(std::move(name)));
}
net::ResultTask<Answer<TlsaRecord>> MeasuredResolver::tlsa(std::string name) {
  return measured(tlsa_, resolver_.tlsa(std::move(name)));
}
net::ResultTask<Answer<std::string>> MeasuredResolver::ptr(std::string name) {
  return measured(ptr_, resolver_.ptr(std::move(name)));
}

}  // namespace letterlock::dns
