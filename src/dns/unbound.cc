#include "dns/unbound.h"

#include "dns/engine.h"
#include "dns/name.h"

namespace letterlock::dns {
using base::ErrorKind;

UnboundResolver::UnboundResolver(std::unique_ptr<Engine> engine, UnboundOptions options,
                                 base::EventSink& events)
    : engine_(std::move(engine)), options_(std::move(options)), events_(events) {}
UnboundResolver::~UnboundResolver() = default;

base::Result<std::unique_ptr<UnboundResolver>> UnboundResolver::create(UnboundOptions options,
                                                                       const os::Clock& clock,
                                                                       base::EventSink& events) {
  if (!options.ipv4 && !options.ipv6)
    return base::fail(ErrorKind::invalid, "a resolver needs IPv4 or IPv6");
  if (options.questions_max == 0)
    return base::fail(ErrorKind::invalid, "a resolver needs room for a question");
  auto engine = TRY(Engine::create(options, clock));
  return std::unique_ptr<UnboundResolver>(
      new UnboundResolver(std::move(engine), std::move(options), events));
}

net::ResultTask<Answer<Mx>> UnboundResolver::mx(std::string name) {
  CO_TRY(name, parse_name(name));
  CO_TRY(const auto question, engine_->ask(name, Type::mx));
  CO_TRY(const Reply reply, co_await question->answer());
  co_return mx_answer(name, reply);
}

net::ResultTask<Answer<std::string>> UnboundResolver::txt(std::string name) {
  CO_TRY(name, parse_name(name));
  CO_TRY(const auto question, engine_->ask(name, Type::txt));
  CO_TRY(const Reply reply, co_await question->answer());
  co_return txt_answer(name, reply);
}

net::ResultTask<Answer<std::string>> UnboundResolver::ptr(std::string name) {
  CO_TRY(name, parse_name(name));
  CO_TRY(const auto question, engine_->ask(name, Type::ptr));
  CO_TRY(const Reply reply, co_await question->answer());
  co_return ptr_answer(name, reply);
}

net::ResultTask<Answer<TlsaRecord>> UnboundResolver::tlsa(std::string name) {
  CO_TRY(name, parse_name(name));
  CO_TRY(const auto question, engine_->ask(name, Type::tlsa));
  CO_TRY(const Reply reply, co_await question->answer());
  co_return tlsa_answer(name, reply);
}

net::ResultTask<Answer<net::IpAddress>> UnboundResolver::addresses(std::string name) {
  using Parse = base::Result<Answer<net::IpAddress>> (*)(const std::string&, const Reply&);
  CO_TRY(name, parse_name(name));
  const auto judge = [](const std::string& question, const base::Result<Reply>& reply,
                        Parse parse) {
    return reply ? parse(question, *reply) : base::fail(reply.error());
  };
  // Both questions are under way before either is waited for.
  auto question_a = options_.ipv4 ? engine_->ask(name, Type::a) : nullptr;
  auto question_aaaa = options_.ipv6 ? engine_->ask(name, Type::aaaa) : nullptr;
  if (!question_a) co_return base::fail(question_a.error());
  if (!question_aaaa) co_return base::fail(question_aaaa.error());
  std::optional<base::Result<Answer<net::IpAddress>>> a;
  std::optional<base::Result<Answer<net::IpAddress>>> aaaa;
  if (*question_a) a = judge(name, co_await (*question_a)->answer(), a_answer);
  if (*question_aaaa) aaaa = judge(name, co_await (*question_aaaa)->answer(), aaaa_answer);
  if (!a) co_return std::move(*aaaa);
  if (!aaaa) co_return std::move(*a);
  co_return join_addresses(std::move(*a), std::move(*aaaa));
}

namespace {

// The zone that must be signed if anything is: the root, or the owner of the first anchor given as
// text.
std::string probe_name(const UnboundOptions& options) {
  if (options.trust_anchors.empty()) return "";
  const auto& anchor = options.trust_anchors.front();
  return parse_name(anchor.substr(0, anchor.find_first_of(" \t"))).value_or("");
}

Validation judge(const std::string& probed, const base::Result<Reply>& reply) {
  using State = Validation::State;
  const std::string zone = probed.empty() ? "the root zone" : probed;
  if (!reply)
    return {State::unknown, "whether DNSSEC is validated is unknown: " + reply.error().what};
  if (reply->bogus) {
    return {State::does_not, "no signature of " + zone +
                                 " arrives that its trust anchor vouches for: " +
                                 base::printable(reply->why_bogus, 400)};
  }
  if (reply->rcode != 0)
    return {
        State::unknown,
        "whether DNSSEC is validated is unknown: the name servers gave no answer about " + zone};
  if (!reply->secure)
    return {State::does_not, zone + " is not validated: there is no trust anchor for it"};
  return {State::validates, "the answer about " + zone + " was proved by its signatures"};
}

}  // namespace

net::ResultTask<Validation> UnboundResolver::check_validation() {
  const auto probed = probe_name(options_);
  auto question = engine_->ask(probed, Type::soa);
  base::Result<Reply> reply = base::fail(ErrorKind::unavailable, "not asked");
  if (question)
    reply = co_await (*question)->answer();
  else
    reply = base::fail(question.error());
  if (!reply && reply.error().kind == ErrorKind::cancelled) co_return base::fail(reply.error());
  auto validation = judge(probed, reply);
  using State = Validation::State;
  const auto state = validation.state;
  events_.emit({state == State::validates ? base::Severity::info : base::Severity::warning,
                state == State::validates  ? "dns.validates"
                : state == State::does_not ? "dns.no_validation"
                                           : "dns.unknown_validation",
                {{"reason", validation.sentence}}});
  co_return validation;
}

}  // namespace letterlock::dns
