// Strangers' octets into each mechanism's server and client. Holds: no step sequence ends in
// success unless the password was right, and what parses is written back to what parses the same.
#include "sasl/server.h"

#include <cstdint>

#include "base/assert.h"
#include "sasl/client.h"
#include "sasl/plain.h"
#include "sasl/scram.h"
#include "sasl/testing.h"

namespace {
using namespace letterlock;
using namespace letterlock::sasl;

// One octet chooses the mechanism, then messages parted by 0xFE 0xFE (which is in no UTF-8).
void run_server(Mechanism mechanism, std::string_view input) {
  const auto keys = derive("tree", "sixteen octets!!", 1);
  const auto server = make_server({.mechanism = mechanism,
                                   .nonce = "ServerNonce0123456789",
                                   .channel_binding = base::Bytes(32, 'b'),
                                   .certificate_user = "bob@birch.example"});
  bool password_right = false;
  bool certificate_right = false;
  bool first = true;
  for (int turns = 0; turns < 16; ++turns) {
    const auto at = input.find("\xFE\xFE");
    const auto message = input.substr(0, at);
    Step step = first ? server->begin(message) : server->respond(message);
    first = false;
    if (const auto* need = std::get_if<NeedKeys>(&step)) {
      ASSERT(prepare(need->user) == need->user || mechanism == Mechanism::plain);
      step = server->give(keys, Standing::refused);
    } else if (const auto* check = std::get_if<NeedCheck>(&step)) {
      password_right = password_matches(check->password, keys);
      step = server->checked(password_right ? Standing::welcome : Standing::refused);
    } else if (const auto* shown = std::get_if<NeedCertificate>(&step)) {
      ASSERT(shown->user == "bob@birch.example" && mechanism == Mechanism::external);
      certificate_right = message.size() % 2 == 0;
      step = server->checked(certificate_right ? Standing::welcome : Standing::refused);
    } else if (std::holds_alternative<NeedTurn>(step)) {
      step = server->turn();
    }
    if (const auto* success = std::get_if<Success>(&step)) {
      ASSERT(mechanism == Mechanism::plain ? password_right : certificate_right);
      ASSERT(success->by_certificate == (mechanism == Mechanism::external));
    }
    if (at == std::string_view::npos || !std::holds_alternative<Challenge>(step)) return;
    input.remove_prefix(at + 2);
  }
}

void run_client(std::string_view input) {
  const auto client = make_client({.mechanism = Mechanism::scram_sha_256,
                                   .user = "bob",
                                   .password = "tree",
                                   .nonce = "abc",
                                   .rounds_min = 1});
  ASSERT(client->initial().has_value());
  // Few rounds, so that the fuzzer gets somewhere.
  const auto server_first = scram::parse_server_first(input.substr(0, input.find("\xFE\xFE")));
  if (!server_first || server_first->rounds > 50) return;
  if (!client->respond(input.substr(0, input.find("\xFE\xFE")))) return;
  const auto at = input.find("\xFE\xFE");
  if (at != std::string_view::npos) {
    const auto proved = client->respond(input.substr(at + 2));
    ASSERT(proved.has_value() == client->succeeded().has_value());
  }
}

void round_trip(std::string_view input) {
  if (const auto message = parse_plain(input)) ASSERT(to_octets(*message) == input);
  if (const auto message = scram::parse_client_first(input)) {
    const auto again = scram::parse_client_first(
        scram::to_text(message->gs2) + scram::client_first_bare(message->user, message->nonce));
    ASSERT(again && again->gs2 == message->gs2 && again->user == message->user &&
           again->nonce == message->nonce);
  }
  if (const auto message = scram::parse_client_final(input)) {
    const auto again = scram::parse_client_final(
        scram::client_final_without_proof(message->binding, message->nonce) +
        ",p=" + base::to_base64(message->proof));
    ASSERT(again && again->binding == message->binding && again->nonce == message->nonce &&
           again->proof == message->proof);
  }
  if (const auto keys = keys_from_text(input)) ASSERT(keys_from_text(to_text(*keys)) == *keys);
  if (const auto text = prepare(input)) ASSERT(prepare(*text) == *text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      run_server(Mechanism::plain, input);
      break;
    case 1:
      run_server(Mechanism::scram_sha_256, input);
      break;
    case 2:
      run_server(Mechanism::scram_sha_256_plus, input);
      break;
    case 3:
      run_client(input);
      break;
    case 5:
      run_server(Mechanism::external, input);
      break;
    default:
      round_trip(input);
  }
  return 0;
}
