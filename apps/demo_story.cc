#include "apps/demo_story.h"

#include <cstdio>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "os/files.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;
using base::ErrorKind;
using base::fail;
using Kind = ListenerConfig::Kind;

constexpr auto answer_wait = std::chrono::seconds(5);
constexpr auto hop_wait = std::chrono::seconds(8);
constexpr auto look_again = std::chrono::milliseconds(50);
constexpr const char* alice = "alice@acorn.example";
constexpr const char* bob = "bob@birch.example";
constexpr const char* you = "you@acorn.example";

// A reader who has gone must not end the demonstration half-way: demo() says so at its end.
template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  const auto words = fmt::format(text, std::forward<Args>(args)...);
  (void)std::fwrite(words.data(), 1, words.size(), stdout);
  (void)std::fflush(stdout);
}

// One message of the story.
struct Letter {
  const char* name;  // of its JSON file
  const char* to;
  const char* subject;
  const char* hop;  // the kind of the last hop it shall make
  std::string trace = {};
};

peers::SignIn sign_in(const DemoWorld& world, const char* user, std::string password) {
  return {DemoWorld::host_name, world.authority_file(), user, std::move(password),
          sasl::Mechanism::scram_sha_256_plus};
}

net::ResultTask<> add_account(DemoWorld& world, const char* address, std::string password,
                              directory::Accepts accepts) {
  directory::NewAccount account;
  CO_TRY(account.address, address::Address::parse(address));
  account.password = std::move(password);
  account.accepts = accepts;
  CO_TRY(const auto added,
         co_await world.platform().operations().add_account(std::move(account), "operator"));
  co_return base::Result<>();
}

net::ResultTask<> settle(DemoWorld& world, const DemoPasswords& passwords) {
  auto& operations = world.platform().operations();
  for (const auto* tenant : {"acorn.example", "birch.example"}) {
    CO_TRY(auto domain, address::Domain::parse(tenant));
    CO_TRY(const auto added, co_await operations.add_tenant(tenant, "operator"));
    CO_TRY(const auto record,
           co_await operations.add_domain(added.name, std::move(domain), "operator"));
  }
  CO_CHECK(co_await add_account(world, alice, passwords.alice, directory::Accepts::plus_only));
  CO_CHECK(co_await add_account(world, bob, passwords.bob, directory::Accepts::any));
  CO_CHECK(co_await add_account(world, you, passwords.you, directory::Accepts::any));
  say("One platform, {}, carries the mail of two organisations:\n"
      "acorn.example (alice) and birch.example (bob). Outside it are modern.example, whose MTA "
      "speaks\n"
      "TLS, and old.example, whose MTA speaks none. All of this runs on the loopback addresses of "
      "this\n"
      "machine and is judged as if it were the internet: what could be read there counts as "
      "readable.\n\n",
      DemoWorld::host_name);
  co_return base::Result<>();
}

net::ResultTask<> submit(DemoWorld& world, const DemoPasswords& passwords, Letter& letter) {
  CO_TRY(auto connection, co_await world.connect(Kind::submissions));
  peers::Submission submission;
  submission.sign_in = sign_in(world, alice, passwords.alice);
  submission.mail_from = alice;
  submission.recipients = {letter.to};
  submission.content = fmt::format(
      "From: Alice <{}>\r\nTo: <{}>\r\nSubject: {}\r\n\r\nHello,\r\n\r\nhere they are.\r\n\r\n"
      "Alice\r\n",
      alice, letter.to, letter.subject);
  submission.wait = answer_wait;
  CO_TRY(const auto reply, co_await peers::submit(std::move(connection), world.client_world(),
                                                  std::move(submission)));
  letter.trace = peers::trace_in(reply);
  if (!reply.is_positive() || letter.trace.empty())
    co_return fail(ErrorKind::protocol, fmt::format("the message to {} was not taken: {}",
                                                    letter.to, base::printable(reply.text())));
  say("  to {:<20}  {:<16}  {}\n", letter.to, fmt::format("\"{}\"", letter.subject), reply.text());
  co_return base::Result<>();
}

bool has_hop(const json::object& shown, std::string_view kind) {
  const auto* hops = shown.if_contains("hops");
  if (hops == nullptr || !hops->is_array()) return false;
  for (const auto& hop : hops->get_array()) {
    const auto& object = hop.as_object();
    if (object.at("kind").as_string() == kind && object.at("outcome").as_string() == "completed")
      return true;
  }
  return false;
}

// What the last hop that didn't succeed says of why.
std::string last_reason(const json::object& shown) {
  const auto* hops = shown.if_contains("hops");
  if (hops == nullptr || !hops->is_array() || hops->get_array().empty()) return "no hop yet";
  const auto& last = hops->get_array().back().as_object();
  return base::printable(std::string_view(last.at("reason").as_string())) + " " +
         base::printable(std::string_view(last.at("reply").as_string()));
}

// The trace as `letterlock trace` shows it, once a hop of this kind is completed.
net::ResultTask<json::object> trace_with(DemoWorld& world, const Letter& letter,
                                         std::string_view kind) {
  const auto deadline = world.clock().steady() + hop_wait;
  while (true) {
    json::object arguments{{"id", letter.trace}};
    if (isatty(STDOUT_FILENO) == 1) arguments["colour"] = true;
    CO_TRY(auto shown, co_await world.call("trace.show", std::move(arguments)));
    if (has_hop(shown, kind)) co_return std::move(shown);
    if (world.clock().steady() > deadline)
      co_return fail(ErrorKind::timeout,
                     fmt::format("the message to {} had no {} within {} s: {}", letter.to, kind,
                                 hop_wait.count(), last_reason(shown)));
    CO_CHECK(co_await world.timers().sleep(look_again));
  }
}

net::ResultTask<std::size_t> fetch(DemoWorld& world, const DemoPasswords& passwords,
                                   peers::Fetch::Way way) {
  const bool clear = way == peers::Fetch::Way::clear;
  CO_TRY(auto connection, co_await world.connect(clear ? Kind::pop3 : Kind::pop3s));
  peers::Fetch options;
  options.sign_in = sign_in(world, bob, passwords.bob);
  options.way = way;
  options.after = peers::Fetch::After::remove;
  options.wait = answer_wait;
  CO_TRY(const auto messages,
         co_await peers::fetch(std::move(connection), world.client_world(), std::move(options)));
  co_return messages.size();
}

net::ResultTask<> fetch_one(DemoWorld& world, const DemoPasswords& passwords,
                            peers::Fetch::Way way) {
  CO_TRY(const auto count, co_await fetch(world, passwords, way));
  if (count != 1)
    co_return fail(ErrorKind::corrupt,
                   fmt::format("bob's mailbox held {} messages instead of one", count));
  co_return base::Result<>();
}

net::ResultTask<> submit_and_fetch(DemoWorld& world, const DemoPasswords& passwords,
                                   std::vector<Letter>& letters) {
  say("alice submits three messages. Her account signs in bound to the TLS channel and in no "
      "weaker way\n"
      "(SCRAM-SHA-256-PLUS), so that each end proves itself to the other:\n\n");
  for (auto& letter : letters) CO_CHECK(co_await submit(world, passwords, letter));
  auto& first = letters.front();
  CO_TRY(const auto delivered, co_await trace_with(world, first, "delivery"));
  CO_CHECK(co_await fetch_one(world, passwords, peers::Fetch::Way::tls));
  say("\nbob fetches his by POP3 over TLS, and it leaves his mailbox.\n\n");
  co_return base::Result<>();
}

net::ResultTask<> allow_clear_fetch(DemoWorld& world) {
  directory::TenantChange change;
  change.clear_fetch = directory::ClearFetch::allowed;
  CO_TRY(const auto changed, co_await world.platform().operations().set_tenant(
                                 "birch.example", std::move(change), "admin@birch.example"));
  co_return base::Result<>();
}

net::ResultTask<> fetch_in_clear(DemoWorld& world, const DemoPasswords& passwords, Letter& letter) {
  say("alice submits a second message to bob:\n\n");
  CO_CHECK(co_await submit(world, passwords, letter));
  CO_TRY(const auto delivered, co_await trace_with(world, letter, "delivery"));
  const auto refused = co_await fetch(world, passwords, peers::Fetch::Way::clear);
  if (refused)
    co_return fail(ErrorKind::denied,
                   "a fetch in clear succeeded that birch.example hadn't allowed");
  if (refused.error().kind != ErrorKind::denied) co_return fail(refused.error());
  say("\nbob's old client wants to fetch it by POP3 without TLS. It is refused before it can show "
      "his\n"
      "password:\n\n  {}\n\n",
      refused.error().what);
  CO_CHECK(co_await allow_clear_fetch(world));
  CO_CHECK(co_await fetch_one(world, passwords, peers::Fetch::Way::clear));
  say("admin@birch.example allows fetch in clear for birch.example. Now bob's client gets the "
      "message,\n"
      "and everybody between it and the platform could read message and password.\n\n");
  co_return base::Result<>();
}

base::Result<> leave(const Letter& letter, json::object shown, const std::string& out_dir) {
  shown.erase("table");
  return os::write_file(fmt::format("{}/{}.json", out_dir, letter.name),
                        json::serialize(shown) + "\n", 0644);
}

net::ResultTask<> show(DemoWorld& world, const std::vector<Letter>& letters, std::string out_dir) {
  say("What became of the four, as `letterlock trace` shows it:\n");
  for (const auto& letter : letters) {
    CO_TRY(auto shown, co_await trace_with(world, letter, letter.hop));
    say("\n$ letterlock trace {}\n{}", letter.trace,
        std::string_view(shown.at("table").as_string()));
    if (!out_dir.empty()) CO_CHECK(leave(letter, std::move(shown), out_dir));
  }
  co_return base::Result<>();
}

// What the outside peers saw must be what the traces say.
base::Result<> compare(DemoWorld& world) {
  using Over = peers::OutsideMta::Received::Over;
  const auto carol = world.modern().received();
  const auto dave = world.old().received();
  if (carol.size() != 1 || carol.front().over != Over::tls)
    return fail(ErrorKind::corrupt, "modern.example didn't get its one message over TLS");
  if (dave.size() != 1 || dave.front().over != Over::clear)
    return fail(ErrorKind::corrupt, "old.example didn't get its one message in clear");
  return {};
}

}  // namespace

net::ResultTask<> play(DemoWorld& world, DemoPasswords passwords, std::string out_dir) {
  std::vector<Letter> letters{{"bob-tls", bob, "Figures for Q3", "fetch"},
                              {"carol-modern", "carol@modern.example", "Our offer", "relay"},
                              {"dave-old", "dave@old.example", "The invoice", "relay"}};
  Letter second{"bob-clear", bob, "Figures for Q4", "fetch"};
  CO_CHECK(co_await settle(world, passwords));
  CO_CHECK(co_await submit_and_fetch(world, passwords, letters));
  CO_CHECK(co_await fetch_in_clear(world, passwords, second));
  letters.push_back(second);
  CO_CHECK(co_await show(world, letters, std::move(out_dir)));
  co_return compare(world);
}

void print_invitation(const DemoWorld& world, const DemoPasswords& passwords) {
  say("\nTry it with your own mail client. The server is localhost. Its certificate is signed by "
      "an\n"
      "authority made for this demonstration, which your client will ask you about:\n\n  {}\n\n",
      world.authority_file());
  say("  submission   port {} (TLS), or port {} (STARTTLS)\n"
      "  POP3         port {} (TLS), or port {} (STARTTLS; in clear for birch.example alone)\n\n",
      world.port(Kind::submissions), world.port(Kind::submission), world.port(Kind::pop3s),
      world.port(Kind::pop3));
  say("  user {:<22} password {}\n"
      "  user {:<22} password {}\n"
      "  user {:<22} password {}   (SCRAM-SHA-256-PLUS only)\n\n",
      you, passwords.you, bob, passwords.bob, alice, passwords.alice);
  say("Write to each other, to anybody at modern.example and to anybody at old.example; nothing "
      "leaves\n"
      "this machine. The reply to each message holds its trace id:\n\n"
      "  letterlock trace --socket {} ID\n\n"
      "It stays up until Ctrl-C; then everything in it is removed.\n",
      world.admin_socket());
}

}  // namespace letterlock::apps
