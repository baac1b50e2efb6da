// A mail client in two functions: submit a message, fetch a mailbox. For tests, the demonstration
// and the bench; it does what a careful client does: the server must prove its name before anything
// is signed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drive/pop_client.h"
#include "drive/smtp_client.h"
#include "net/connection.h"

namespace letterlock::peers {

struct ClientWorld {
  tls::Tls& tls;
  net::Workers& workers;
  os::Clock& clock;
  os::Random& random;
};

// Who signs in, and at whom.
struct SignIn {
  std::string server_name;  // as its certificate must say
  std::string ca_file;      // PEM; empty: the machine's
  std::string user;
  std::string password;
  sasl::Mechanism mechanism = sasl::Mechanism::scram_sha_256_plus;
  std::string certificate_file = {};  // what a server that asks is shown; for EXTERNAL
};

struct Submission {
  SignIn sign_in;
  enum class Door { submission, submissions } door = Door::submissions;  // STARTTLS, or TLS first
  std::string mail_from;
  std::vector<std::string> recipients;
  std::string content;                                 // lines end in CRLF
  base::Milliseconds wait = std::chrono::seconds(30);  // for each answer
};

// The server's last word on the message, or the first that refused it: the sign-in, MAIL, the only
// recipient. Errors: denied (the server's certificate doesn't prove its name; nothing was signed),
// invalid (an address), those of drive::SmtpClient.
net::ResultTask<smtp::Reply> submit(std::unique_ptr<net::Connection> connection, ClientWorld world,
                                    Submission submission);
// The trace id in such a reply ("… trace 01JD…"); empty if it holds none.
std::string trace_in(const smtp::Reply& reply);

struct Fetch {
  SignIn sign_in;
  enum class Way {
    tls,    // TLS first, SASL
    clear,  // USER and PASS for everybody to read
  } way = Way::tls;
  enum class After { keep, remove } after = After::keep;
  std::size_t message_octets_max = 64 * 1024 * 1024;
  base::Milliseconds wait = std::chrono::seconds(30);  // for each answer
};

// Every message in the mailbox, in order. Errors: as submit; what the server says with -ERR: as
// drive::PopClient.
net::ResultTask<std::vector<base::Bytes>> fetch(std::unique_ptr<net::Connection> connection,
                                                ClientWorld world, Fetch fetch);

}  // namespace letterlock::peers
