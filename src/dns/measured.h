// Names with figures of the lookups: how many, what came of them, how long they took.
#pragma once

#include <array>

#include "dns/resolver.h"
#include "os/metrics.h"

namespace letterlock::dns {

// As the resolver behind it, which outlives it.
class MeasuredResolver final : public Resolver {
 public:
  MeasuredResolver(Resolver& resolver, os::Metrics& metrics);

  net::ResultTask<Answer<Mx>> mx(std::string name) override;
  net::ResultTask<Answer<net::IpAddress>> addresses(std::string name) override;
  net::ResultTask<Answer<std::string>> txt(std::string name) override;
  net::ResultTask<Answer<TlsaRecord>> tlsa(std::string name) override;
  net::ResultTask<Answer<std::string>> ptr(std::string name) override;

 private:
  enum class End { secure, insecure, timeout, bogus, failed };
  struct Type {
    Type(os::Metrics& metrics, const char* name);
    os::Histogram& seconds;
    std::array<os::Counter*, 5> ends{};  // by End
  };
  template <class Record>
  static net::ResultTask<Answer<Record>> measured(const Type& type,
                                                  net::ResultTask<Answer<Record>> lookup);

  Resolver& resolver_;
  Type mx_;
  Type addresses_;
  Type txt_;
  Type tlsa_;
  Type ptr_;
};

}  // namespace letterlock::dns
