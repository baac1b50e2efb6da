#include "relay/transfer.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/bytes.h"
#include "custody/custody.h"
#include "custody/trace_again.h"
#include "queue/keys.h"

namespace letterlock::relay {
namespace {

using Kind = Trouble::Kind;
constexpr std::size_t reply_octets_max = 500;

std::string words_of(const smtp::Reply& reply) {
  return base::printable(reply.text(), reply_octets_max);
}

// A reply that is neither for now nor for good leaves nothing decided.
queue::Step step_of(const smtp::Reply& reply) {
  return reply.is_permanent() ? queue::Step::fail : queue::Step::defer;
}
dsn::Status status_of(const smtp::Reply& reply) {
  const auto status = reply.status_or_default();
  return status.is_success() ? dsn::Status{4, 5, 0} : status;
}

}  // namespace

BlobContent::BlobContent(const World& world, const Work& work)
    : world_(world),
      message_(work.message),
      until_(world.ports.clock.steady() + world.waits(work.job.lane).content) {}

net::ResultTask<std::string_view> BlobContent::next() {
  chunk_ = {};
  if (is_at_end()) co_return std::string_view();
  failed_ = true;
  if (world_.ports.clock.steady() >= until_)
    co_return base::fail(base::ErrorKind::timeout, "the host takes the content too slowly");
  if (given_ < message_.prefix.size()) {
    failed_ = false;
    given_ = message_.prefix.size();
    co_return std::string_view(message_.prefix);
  }
  CO_TRY(chunk_, co_await world_.ports.store.read_blob(
                     message_.blob, given_ - message_.prefix.size(), base::limits::chunk_octets));
  if (chunk_.empty() || chunk_.size() > message_.octets_with_prefix() - given_)
    co_return base::fail(base::ErrorKind::corrupt, "the content of " + message_.id.text() +
                                                       " has another length than it had");
  failed_ = false;
  given_ += chunk_.size();
  co_return std::string_view(chunk_);
}

Transfer::Transfer(const World& world, const Work& work, std::string host, Session& session,
                   protection::Judgement judgement)
    : world_(world),
      work_(work),
      host_(std::move(host)),
      session_(session),
      judgement_(std::move(judgement)) {
  if (session_.client->tls() != nullptr)
    judgement_.protection.tls = custody::facts_for(*session_.client->tls(), work_.message.trace);
}

smtp::Mail Transfer::mail() const {
  const auto& message = work_.message;
  smtp::Mail mail;
  // What was accepted once can be said again; a path that can't be read is nobody's.
  if (auto from = address::ReversePath::from_text(message.mail_from)) mail.from = std::move(*from);
  mail.size_octets = message.octets_with_prefix();
  if (message.eight_bit) mail.body = smtp::Body::eight_bit_mime;
  // RFC 6531 §3.4: said where an address or the header needs it.
  mail.smtputf8 = message.smtputf8 || mail.from.needs_smtputf8() ||
                  std::ranges::any_of(work_.addresses, &address::Address::needs_smtputf8);
  mail.require_tls = work_.demand.requiretls;
  mail.dsn = message.params;
  return mail;
}

std::vector<smtp::Rcpt> Transfer::rcpts() const {
  std::vector<smtp::Rcpt> rcpts;
  for (std::size_t i = 0; i < work_.recipients.size(); ++i)
    rcpts.push_back({work_.addresses[i], work_.recipients[i].params});
  return rcpts;
}

hop::Hop Transfer::hop_for(const std::vector<std::size_t>& recipients) const {
  auto hop = attempt_at(world_, work_, host_, session_.client->peer().address, recipients);
  hop.to.protocol = session_.protocol();
  hop.protection = judgement_.protection;
  hop.required = judgement_.required;
  hop.answer = judgement_.answer;
  hop.reason = judgement_.sentence;
  return hop;
}

Trouble Transfer::trouble(Kind kind, dsn::Status status, std::string sentence,
                          hop::Given given) const {
  Trouble trouble;
  trouble.kind = kind;
  trouble.next = Trouble::Next::host;
  trouble.status = status;
  trouble.sentence = fmt::format("{}: {}", base::printable(host_), sentence);
  trouble.host = host_;
  trouble.hop = hop_for(everybody(work_));
  trouble.hop.given = given;
  trouble.hop.reason = trouble.sentence;
  return trouble;
}

queue::Outcome Transfer::outcome(std::size_t at, const smtp::Reply& reply) const {
  return {.index = work_.recipients[at].index,
          .step = step_of(reply),
          .status = status_of(reply).text(),
          .reply = words_of(reply),
          .host = host_};
}

net::ResultTask<TransferEnd> Transfer::run() {
  const bool is_reused = session_.messages++ > 0;
  auto envelope = co_await session_.client->envelope(mail(), rcpts());
  if (!envelope) {
    if (envelope.error().kind == base::ErrorKind::cancelled) co_return base::fail(envelope.error());
    const auto what = base::printable(envelope.error().what);
    if (is_reused)
      co_return TransferEnd(Stale{{Failure::What::network, dsn::status::bad_connection, what}});
    co_return TransferEnd(
        trouble(Kind::network, dsn::status::bad_connection, what, hop::Given::envelope));
  }
  // A kept session that ends with 421 at its first word was over already.
  if (is_reused && envelope->mail.code == 421)
    co_return TransferEnd(
        Stale{{Failure::What::network, dsn::status::bad_connection, words_of(envelope->mail)}});
  co_return co_await after(std::move(*envelope));
}

net::ResultTask<TransferEnd> Transfer::after(drive::SmtpEnvelope envelope) {
  envelope_ = std::move(envelope);
  if (envelope_.unfit) {
    usable_ = session_.client->is_usable();
    co_return TransferEnd(trouble(Kind::answered, envelope_.unfit->status, envelope_.unfit->why,
                                  hop::Given::nothing));
  }
  if (!envelope_.mail.is_positive() && !envelope_.mail.is_permanent())
    co_return TransferEnd(trouble(Kind::answered, status_of(envelope_.mail),
                                  "its answer to MAIL was: " + words_of(envelope_.mail),
                                  hop::Given::envelope));
  for (std::size_t i = 0; i < work_.recipients.size(); ++i)
    (envelope_.recipients[i].is_positive() ? taken_ : refused_).push_back(i);
  conclusion_.host = host_;
  note_refused();
  if (taken_.empty() || !session_.client->is_usable()) {
    // A session that ended within the envelope took nothing, whatever it said before.
    for (const auto at : taken_)
      conclusion_.outcomes.push_back({.index = work_.recipients[at].index,
                                      .step = queue::Step::defer,
                                      .status = dsn::status::bad_connection.text(),
                                      .reply = "the host ended the session after the envelope",
                                      .host = host_});
    co_await reset();
    co_return TransferEnd(std::move(conclusion_));
  }
  CO_CHECK(co_await intend());
  if (conclusion_.intent) co_return TransferEnd(co_await give_content());
  co_await reset();
  co_return TransferEnd(std::move(conclusion_));
}

// Those whom the answer to RCPT (or to MAIL) refused: an attempt that gave the envelope.
void Transfer::note_refused() {
  for (const auto at : refused_)
    conclusion_.outcomes.push_back(outcome(at, envelope_.recipients[at]));
  if (refused_.empty()) return;
  auto hop = hop_for(refused_);
  hop.given = hop::Given::envelope;
  hop.reply = words_of(envelope_.recipients[refused_.front()]);
  conclusion_.attempts.push_back(std::move(hop));
}

net::Task<> Transfer::reset() {
  if (!session_.client->is_usable()) co_return;
  const auto reply = co_await session_.client->reset();
  usable_ = reply && reply->is_positive();
}

// ---- intent ----

net::ResultTask<> Transfer::intend() {
  CO_TRY(const bool done, co_await intend_with_before());
  if (!done) {
    // Where it fails nothing was given but the envelope, and the session holds a transaction that
    // is not to be.
    CO_CHECK(co_await world_.ports.store.transact(
        store::Scope::tenant(work_.message.tenant),
        [this](store::Transaction& transaction) { return intend_in(transaction); }));
  }
  if (!ref_.trace.is_nil()) conclusion_.intent = ref_;
  co_return base::Result<>();
}

// What came of the message before is one commit with this one's intent. If that can't be, each has
// its own: neither's trouble is the other's.
net::ResultTask<bool> Transfer::intend_with_before() {
  const auto before = work_.before;
  if (!before || !before->take()) co_return false;
  OutcomeWriter writer(world_, before->work, before->conclusion);
  const auto written = co_await world_.ports.store.transact(
      store::Scope::tenant(work_.message.tenant), [this, &writer](store::Transaction& transaction) {
        return intend_after(transaction, writer);
      });
  if (!written) {
    co_await write_by_itself(world_, before);
    co_return false;
  }
  co_await writer.tell();
  give_back(world_, before->work.job, writer.settled());
  co_return true;
}

net::ResultTask<> Transfer::intend_after(store::Transaction& transaction, OutcomeWriter& before) {
  auto rows = before.rows();
  std::ranges::move(rows_to_intend(), std::back_inserter(rows));
  CO_CHECK(co_await transaction.get_many(std::move(rows)));
  CO_CHECK(co_await before.write(transaction));
  co_return co_await intend_in(transaction);
}

// What intend_in() is going to read.
std::vector<std::string> Transfer::rows_to_intend() const {
  const auto& message = work_.message;
  auto rows = queue::rows_of(message.tenant, message.id, work_.recipients);
  std::ranges::move(trace::rows_for_intend(message.tenant, message.trace,
                                           work_.recipients[taken_.front()].trace_index),
                    std::back_inserter(rows));
  return rows;
}

net::ResultTask<> Transfer::intend_in(store::Transaction& transaction) {
  CO_CHECK(co_await queue::check_epoch(transaction, queue::keys::partition_of(work_.message.id),
                                       work_.epoch));
  CO_CHECK(co_await custody::begin_trace_again_if_gone(
      transaction, work_.message, world_.ports.clock.now(), world_.options.keep_trace));
  ref_ = {};
  CO_TRY(const bool all_wait, co_await still_wait(transaction));
  if (!all_wait) co_return base::Result<>();
  CO_TRY(ref_, co_await trace::intend(transaction, work_.message.tenant, hop_for(taken_),
                                      world_.options.node));
  co_return base::Result<>();
}

// Read again with the intent, so that an operator's word, and what a node that lost this partition
// has given meanwhile, still count: whom somebody has by now, or nobody is to have, gets nothing.
net::ResultTask<bool> Transfer::still_wait(store::Transaction& transaction) {
  std::vector<unsigned> taken;
  for (const auto at : taken_) taken.push_back(work_.recipients[at].index);
  CO_TRY(const auto entry, co_await queue::find(transaction, work_.message.tenant, work_.message.id,
                                                std::move(taken)));
  if (!entry) co_return false;
  const auto& recipients = entry->recipients;
  co_return std::ranges::all_of(taken_, [&](std::size_t at) {
    const auto now =
        std::ranges::find(recipients, work_.recipients[at].index, &queue::Recipient::index);
    return now != recipients.end() && now->state == queue::State::waiting;
  });
}

// ---- content ----

net::Task<Conclusion> Transfer::give_content() {
  BlobContent content(world_, work_);
  const auto reply = co_await session_.client->content(work_.message.octets_with_prefix(), content);
  conclude(reply, content);
  // Refused before its first octet: whether the transaction is still open nobody says.
  if (reply && !reply->is_positive()) co_await reset();
  co_return std::move(conclusion_);
}

void Transfer::conclude(const base::Result<smtp::Reply>& reply, const BlobContent& content) {
  auto& closing = conclusion_.closing;
  closing.finished = world_.ports.clock.now();
  conclusion_.judgement = judgement_;
  if (!reply) return conclude_lost(reply.error(), content);
  closing.reply = words_of(*reply);
  const bool is_taken = reply->is_positive();
  closing.outcome = is_taken ? hop::Outcome::completed : hop::Outcome::failed;
  closing.given = session_.client->has_content_begun() ? hop::Given::content : hop::Given::envelope;
  for (const auto at : taken_) {
    auto result = outcome(at, *reply);
    if (is_taken) {
      result.step = queue::Step::relay;
      result.status = reply->status_or_default().text();
      // RFC 3461 §5.2.1: a server that offers DSN tells of the success itself.
      result.duty_passed_on = session_.client->offered().dsn;
    }
    conclusion_.outcomes.push_back(std::move(result));
  }
  usable_ = is_taken && session_.client->is_usable();
}

// No answer to the content. RFC 5321 §4.5.3.2.6: it may have been taken all the same; tried again
// it may come twice, not tried again it may be lost.
void Transfer::conclude_lost(const base::Error& error, const BlobContent& content) {
  auto& closing = conclusion_.closing;
  const bool has_begun = session_.client->has_content_begun();
  const bool may_be_taken = has_begun && content.is_at_end() && !content.has_failed() &&
                            error.kind != base::ErrorKind::invalid;
  closing.outcome = may_be_taken ? hop::Outcome::unknown : hop::Outcome::failed;
  closing.given = has_begun ? hop::Given::content : hop::Given::envelope;
  const auto when = !has_begun     ? "before the content"
                    : may_be_taken ? "after the content, before its answer"
                                   : "within the content";
  closing.reason = fmt::format("{}; then it ended {}: {}", judgement_.sentence, when,
                               base::printable(error.what));
  // Stopping is nobody's failure: the recipients stay due.
  if (error.kind == base::ErrorKind::cancelled) return;
  // Content that can't be sent to anybody.
  const bool is_ours = error.kind == base::ErrorKind::invalid;
  const bool from_store = content.has_failed() && error.kind != base::ErrorKind::timeout;
  const auto status = is_ours      ? dsn::Status{5, 6, 0}
                      : from_store ? dsn::Status{4, 3, 0}
                                   : dsn::status::bad_connection;
  for (const auto at : taken_)
    conclusion_.outcomes.push_back(
        {.index = work_.recipients[at].index,
         .step = is_ours ? queue::Step::fail : queue::Step::defer,
         .status = status.text(),
         .reply = fmt::format("the session ended {}: {}", when, base::printable(error.what)),
         .host = host_});
}

}  // namespace letterlock::relay
