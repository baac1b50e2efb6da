// For the tests of the agents that receive: a peer that says what it is told to say, line by line.
#pragma once

#include <array>
#include <string>

#include "custody/fixture.h"

namespace letterlock::custody::test {

class Receiving : public Fixture {
 protected:
  // One connection to a session of the agent under test; its last whole reply is the answer.
  class Talk {
   public:
    Talk(Receiving& test, std::unique_ptr<net::Connection> connection)
        : test_(&test), connection_(std::move(connection)) {}
    std::string read() {
      const auto got = test_->wait(next(*connection_, coming_));
      return got ? *got : "(" + std::string(base::name(got.error().kind)) + ")";
    }
    std::string ask(std::string line) {
      if (!test_->wait(put(*connection_, line + "\r\n"))) return "(gone)";
      return read();
    }
    // Content as it stands, its dots stuffed already; without the end.
    std::string message(std::string content) {
      const auto begun = ask("DATA");
      if (!begun.starts_with("354")) return begun;
      return ask(std::move(content) + ".");
    }
    std::string start_tls() {
      auto said = ask("STARTTLS");
      if (said.starts_with("220")) begin_tls();
      return said;
    }
    // `certificate`: what the client shows if it is asked (sim::client_certificate).
    void begin_tls(std::string certificate = {}) {
      tls::ClientOptions options;
      options.server_name = "mail.acorn.example";
      options.certificate_file = std::move(certificate);
      options.verify = tls::ClientOptions::Verify::name;
      auto session = test_->wait(test_->peer_tls.connect(std::move(connection_), options, 1min));
      ASSERT_TRUE(session) << session.error().what;
      connection_ = std::move(*session);
    }

   private:
    static net::ResultTask<> put(net::Connection& connection, std::string octets) {
      co_return co_await connection.write(octets, 1min);
    }
    static net::ResultTask<std::string> next(net::Connection& connection, std::string& coming) {
      std::string out;
      while (true) {
        for (auto end = coming.find("\r\n"); end != std::string::npos; end = coming.find("\r\n")) {
          out += (out.empty() ? "" : "\n") + coming.substr(0, end);
          const bool last = end < 4 || coming[3] == ' ';
          coming.erase(0, end + 2);
          if (last) co_return out;
        }
        std::array<char, 4096> buffer;
        CO_TRY(const auto count, co_await connection.read_some(buffer, 10min));
        if (count == 0) co_return base::fail(base::ErrorKind::closed, "the end");
        coming.append(buffer.data(), count);
      }
    }
    Receiving* test_;
    std::unique_ptr<net::Connection> connection_;
    std::string coming_;
  };

  // `session` serves what comes in at the port.
  using Session = std::function<net::Task<>(std::unique_ptr<net::Connection>)>;
  void serve(std::uint16_t port, Session session) {
    auto listener = host.listen({host.addresses().front(), port});
    ASSERT_TRUE(listener);
    run(accept(*this, std::move(*listener), std::move(session)));
  }
  std::unique_ptr<net::Connection> connect(std::uint16_t port) {
    return wait(peer.connect({host.addresses().front(), port}, {})).value();
  }

 private:
  static net::Task<> accept(Receiving& test, std::shared_ptr<net::Listener> listener,
                            Session session) {
    while (true) {
      auto connection = co_await listener->accept();
      if (!connection) co_return;
      test.run(session(std::move(*connection)));
    }
  }
};

}  // namespace letterlock::custody::test
