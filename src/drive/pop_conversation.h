// One session of PopServer's: the connection, what came in and isn't used yet, what goes out and
// isn't sent yet, and the state machine between. For drive's own files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "drive/pop_server.h"
#include "pop/lines.h"
#include "pop/session.h"

namespace letterlock::drive {

class PopConversation final : private Sessions::Member {
 public:
  PopConversation(PopServer::World world, const PopOptions& options, PopHandler& handler,
                  std::unique_ptr<net::Connection> connection);

  net::Task<PopEnd> run();

 private:
  enum class Goes { on, ended };

  void wake() override;

  // pop_conversation.cc: lines in, actions out
  net::ResultTask<> talk();
  net::ResultTask<Goes> perform(pop::Action action);
  net::ResultTask<pop::Line> read_line(base::Milliseconds wait);
  net::ResultTask<> hear(base::Milliseconds wait);
  net::ResultTask<> flush();
  net::ResultTask<> start_tls();
  void begin_session();
  net::ResultTask<> send_listing(std::string head);
  net::ResultTask<pop::Action> commit(pop::Commit marked);

  // pop_conversation_sign_in.cc
  net::ResultTask<pop::Action> ask_clear(pop::AllowClear asked);
  net::ResultTask<pop::Action> check_password(pop::CheckPassword asked);
  net::Task<> tell(std::optional<sasl::ShownPassword> shown);
  net::Task<> tell_malformed(sasl::Mechanism mechanism, std::string_view answer);
  net::Task<> tell_unread();
  net::ResultTask<pop::Action> exchange(pop::Exchange asked);
  net::ResultTask<sasl::Step> answer(sasl::ServerMechanism& mechanism, sasl::Step step,
                                     sasl::Mechanism which);
  net::ResultTask<std::optional<base::Bytes>> ask_client(base::Bytes challenge);
  net::ResultTask<pop::Action> sign_in(PopSignIn sign_in);
  net::ResultTask<pop::Action> refuse(pop::Refusal why);

  // pop_conversation_content.cc
  net::ResultTask<std::optional<pop::Action>> send_content(pop::SendContent asked);
  net::ResultTask<> stream(pop::SendContent asked, PopContent& content, base::Bytes first,
                           PopGiven& given);

  PopServer::World world_;
  const PopOptions& options_;
  PopHandler& handler_;
  std::unique_ptr<net::Connection> connection_;
  tls::Session* tls_ = nullptr;  // the connection, once it is one
  std::optional<base::Bytes> channel_binding_;
  std::optional<std::string> certificate_user_;  // whose certificate the client has shown
  std::optional<pop::ServerSession> session_;
  pop::LineReader lines_;
  std::string out_;
  os::Steady started_;
  bool reads_ = false;  // right now
  PopEnd end_;
};

}  // namespace letterlock::drive
