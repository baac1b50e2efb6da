#include "drive/pop_server.h"

#include "drive/pop_conversation.h"

namespace letterlock::drive {

std::string_view name(PopEnd::Why why) {
  switch (why) {
    case PopEnd::Why::quit:
      return "quit";
    case PopEnd::Why::closed:
      return "closed";
    case PopEnd::Why::timeout:
      return "timeout";
    case PopEnd::Why::cut:
      return "cut";
    case PopEnd::Why::tls:
      return "tls";
    case PopEnd::Why::content:
      return "content";
    case PopEnd::Why::cancelled:
      return "cancelled";
  }
  return "";
}

net::Task<PopEnd> PopServer::serve(std::unique_ptr<net::Connection> connection,
                                   PopHandler& handler) {
  const auto conversation =
      std::make_unique<PopConversation>(world_, options_, handler, std::move(connection));
  co_return co_await conversation->run();
}

}  // namespace letterlock::drive
