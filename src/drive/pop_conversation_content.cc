// RETR and TOP: the intent first, then content, streamed.
#include "drive/pop_conversation.h"
#include "pop/content.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;

// Content is stuffed in pieces of this size, so that at most twice as much waits to be sent.
constexpr std::size_t piece_octets = 8 * 1024;
constexpr std::size_t out_octets_max = 16 * 1024;

using Missing = pop::ServerSession::Missing;

Missing missing_for(const base::Error& error) {
  if (error.kind == ErrorKind::not_found) return Missing::gone;
  return error.kind == ErrorKind::denied ? Missing::unprotected : Missing::later;
}

}  // namespace

// What the session says instead, if the content can't be given at all.
net::ResultTask<std::optional<pop::Action>> PopConversation::send_content(pop::SendContent asked) {
  auto content = co_await handler_.open(asked.uid);
  if (!content) co_return session_->content_missing(missing_for(content.error()));
  // A content that can't be read at all is found before anything is promised.
  auto first = co_await (*content)->next();
  if (!first) co_return session_->content_missing(missing_for(first.error()));
  const auto giving = asked.lines ? PopGiving::top : PopGiving::whole;
  const auto uid = asked.uid;
  const auto begun = co_await handler_.content_begins(uid, giving);
  if (!begun) co_return session_->content_missing(Missing::later);
  PopGiven given;
  auto streamed = co_await stream(std::move(asked), **content, std::move(*first), given);
  co_await handler_.content_ended(uid, giving, given);
  if (!streamed) co_return base::fail(std::move(streamed.error()));
  co_return std::nullopt;
}

net::ResultTask<> PopConversation::stream(pop::SendContent asked, PopContent& content,
                                          base::Bytes first, PopGiven& given) {
  out_ += asked.head;
  pop::DotStuffer stuffer;
  std::optional<pop::TopCutter> cutter;
  if (asked.lines) cutter.emplace(*asked.lines);
  auto chunk = std::move(first);
  while (!chunk.empty()) {
    const auto wanted = cutter ? cutter->add(chunk) : chunk.size();
    for (std::size_t at = 0; at < wanted; at += piece_octets) {
      const auto piece = std::string_view(chunk).substr(0, wanted).substr(at, piece_octets);
      stuffer.add(piece, out_);
      given.content_octets += piece.size();
      if (out_.size() >= out_octets_max) CO_CHECK(co_await flush());
    }
    if (cutter && cutter->done()) break;
    auto more = co_await content.next();
    if (!more) {
      // POP3 has no way to take a response back: the connection is what can end.
      end_ = {
          more.error().kind == ErrorKind::cancelled ? PopEnd::Why::cancelled : PopEnd::Why::content,
          more.error().what};
      co_return base::fail(std::move(more.error()));
    }
    chunk = std::move(*more);
  }
  stuffer.finish(out_);
  given.converted = stuffer.converted();
  // Complete is what the connection has taken to its end.
  CO_CHECK(co_await flush());
  given.complete = true;
  co_return base::Result<>();
}

}  // namespace letterlock::drive
