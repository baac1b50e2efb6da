// A message given over an open session that the judgement has taken: envelope, intent, content. The
// intent is durable before the first octet of content leaves.
#pragma once

#include <variant>

#include "drive/smtp_client.h"
#include "relay/conclude.h"
#include "relay/session.h"
#include "relay/work.h"

namespace letterlock::relay {

// The session was dead when the envelope was given: nothing of what was said was answered.
struct Stale {
  Failure failure;
};
using TransferEnd = std::variant<Trouble, Conclusion, Stale>;

// The message's content: its prefix, then what the store has, in chunks of 64 KiB.
class BlobContent final : public drive::SmtpContent {
 public:
  BlobContent(const World& world, const Work& work);
  // Errors: the store's; corrupt (shorter than it was); timeout (all of it took too long).
  net::ResultTask<std::string_view> next() override;
  // The last octet was handed out: the peer may have had the end.
  bool is_at_end() const { return given_ == message_.octets_with_prefix(); }
  // True where it failed here, not on the connection.
  bool has_failed() const { return failed_; }

 private:
  const World& world_;
  const queue::Message& message_;
  os::Steady until_;
  std::uint64_t given_ = 0;
  base::Bytes chunk_;
  bool failed_ = false;
};

class Transfer {
 public:
  Transfer(const World& world, const Work& work, std::string host, Session& session,
           protection::Judgement judgement);

  // Errors: the store's, before any content left: the recipients stay due. denied: the lease is
  // lost. From the intent on there is always a conclusion, also for a task that was cancelled.
  net::ResultTask<TransferEnd> run();
  // No transaction is open, another message may follow.
  bool leaves_usable() const { return usable_; }

 private:
  net::ResultTask<TransferEnd> after(drive::SmtpEnvelope envelope);
  net::ResultTask<> intend();
  net::ResultTask<bool> intend_with_before();
  std::vector<std::string> rows_to_intend() const;
  net::ResultTask<> intend_in(store::Transaction& transaction);
  net::ResultTask<> intend_after(store::Transaction& transaction, OutcomeWriter& before);
  net::ResultTask<bool> still_wait(store::Transaction& transaction);
  net::Task<Conclusion> give_content();
  net::Task<> reset();
  void conclude(const base::Result<smtp::Reply>& reply, const BlobContent& content);
  void conclude_lost(const base::Error& error, const BlobContent& content);
  void note_refused();
  hop::Hop hop_for(const std::vector<std::size_t>& recipients) const;
  Trouble trouble(Trouble::Kind kind, dsn::Status status, std::string sentence,
                  hop::Given given) const;
  queue::Outcome outcome(std::size_t at, const smtp::Reply& reply) const;
  std::vector<smtp::Rcpt> rcpts() const;
  smtp::Mail mail() const;

  const World& world_;
  const Work& work_;
  std::string host_;
  Session& session_;
  protection::Judgement judgement_;
  drive::SmtpEnvelope envelope_;
  std::vector<std::size_t> taken_;    // indexes into the work's recipients
  std::vector<std::size_t> refused_;  // by the answer to RCPT, for now or for good
  trace::HopRef ref_;
  Conclusion conclusion_;
  bool usable_ = false;
};

}  // namespace letterlock::relay
