#include "trace/records.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace letterlock::trace {
namespace {

Trace full_trace() {
  Trace trace;
  trace.id = base::TraceId::parse("01JD8X4K7QZ3M9ABCDEFGHJKMN").value();
  trace.owner = base::TenantId::parse("01JD8X4K7QZ3M9ABCDEFGHJKMP").value();
  trace.message_id = "<1@acorn.example>";
  trace.subject = "Figures for Q3";
  trace.mail_from = "alice@acorn.example";
  trace.header_from = "alice@acorn.example";
  trace.recipients = {{0, "bob@birch.example"}, {3, "carol@modern.example", true}};
  trace.accepted = base::from_milliseconds(1'795'401'164'120);
  trace.expires = base::from_milliseconds(1'805'401'164'120);
  trace.octets = 1234;
  trace.digest = std::string(64, 'a');
  trace.from_outside = true;
  return trace;
}

Link full_link() {
  return {Link::Relation::reported_in, full_trace().id, full_trace().owner, "all@birch.example",
          false};
}

struct Form {
  const char* name;
  std::string octets;
  bool (*reads)(std::string_view);
};

std::vector<Form> forms() {
  State state;
  state.next_sequence = 500;
  state.quiet_not_kept = 7;
  state.fetches = 9;
  const Fetches fetches{11, 5, {{hop::Level::clear, hop::Network::private_, false, true, true}}};
  const Attempts attempts{hop::Given::envelope,
                          "level >= authenticated",
                          "set by acorn.example",
                          "the auditors ask",
                          {{"mx1.bank.example", "no STARTTLS", base::from_milliseconds(5),
                            base::from_milliseconds(6), 2}},
                          300};
  hop::Hop hop;
  hop.reason = "because";
  return {
      {"trace", pack(full_trace()), [](std::string_view o) { return bool(unpack_trace(o)); }},
      {"state", pack(state), [](std::string_view o) { return bool(unpack_state(o)); }},
      {"fetches", pack(fetches), [](std::string_view o) { return bool(unpack_fetches(o)); }},
      {"attempts", pack(attempts), [](std::string_view o) { return bool(unpack_attempts(o)); }},
      {"last", pack(Last{7, 2, hop::Kind::delivery, true, false}),
       [](std::string_view o) { return bool(unpack_last(o)); }},
      {"ending", pack(Ending{Ending::Kind::removed, "5.7.4", base::from_milliseconds(5)}),
       [](std::string_view o) { return bool(unpack_ending(o)); }},
      {"link", pack(full_link()), [](std::string_view o) { return bool(unpack_link(o)); }},
      {"left", pack_left(base::from_milliseconds(5)),
       [](std::string_view o) { return bool(unpack_left(o)); }},
      {"hop", pack(hop), [](std::string_view o) { return bool(unpack_hop(o)); }},
      {"event", pack_event(full_trace().owner, hop),
       [](std::string_view o) { return bool(unpack_event(o)); }},
  };
}

hop::Hop a_first_hop() {
  hop::Hop hop;
  hop.trace = full_trace().id;
  hop.number = hop.attempt = 1;
  hop.kind = hop::Kind::submission;
  hop.recipients = {0, 3};
  return hop;
}

TEST(TraceRecords, TheFirstHopStandsInTheHead) {
  const auto hop = a_first_hop();
  const auto octets = pack(full_trace(), &hop);
  EXPECT_EQ(unpack_trace(octets), full_trace());
  EXPECT_EQ(unpack_first_hop(octets).value(), hop);
  EXPECT_EQ(first_state(octets)->next_sequence, 2U);
  EXPECT_EQ(first_state(octets)->next_number, 2U);
  for (std::size_t cut = 0; cut < octets.size(); ++cut)
    EXPECT_FALSE(unpack_first_hop(octets.substr(0, cut)));
  EXPECT_FALSE(unpack_first_hop(pack(full_trace())).value());
  EXPECT_EQ(first_state(pack(full_trace())), State());
}

TEST(TraceRecords, AnotherVersionIsRefused) {
  for (const Form& form : forms()) {
    auto octets = form.octets;
    ++octets.front();
    EXPECT_FALSE(form.reads(octets)) << form.name;
  }
}

TEST(TraceRecords, GoBothWays) {
  EXPECT_EQ(unpack_trace(pack(full_trace())), full_trace());
  for (const Last& last :
       {Last{7, 2, hop::Kind::delivery, true, false}, Last{7, 2, hop::Kind::relay, false, true}})
    EXPECT_EQ(unpack_last(pack(last)), last);
  EXPECT_EQ(unpack_link(pack(full_link())), full_link());
  EXPECT_EQ(unpack_left(pack_left(full_trace().accepted)), full_trace().accepted);
  State state;
  state.quiet = 70'000;
  EXPECT_EQ(unpack_state(pack(state)), state);
  for (const Form& form : forms()) {
    EXPECT_TRUE(form.reads(form.octets)) << form.name;
    // LETTERLOCK_WRITE_GOLDEN=1 makes the seeds of the fuzz target.
    if (std::getenv("LETTERLOCK_WRITE_GOLDEN") != nullptr) {
      std::ofstream(std::string(LETTERLOCK_SOURCE_DIR) + "/tests/corpus/trace_records/" + form.name)
          << form.octets;
    }
  }
}

// Attack 50: no cut, no longer record and no unknown version is taken for a record; no flipped bit
// does harm.
TEST(Attack50, TraceRecordsThatAreBroken) {
  for (const Form& form : forms()) {
    for (std::size_t length = 0; length < form.octets.size(); ++length) {
      EXPECT_FALSE(form.reads(form.octets.substr(0, length))) << form.name << " " << length;
    }
    EXPECT_FALSE(form.reads(form.octets + '\0')) << form.name;
    std::string newer = form.octets;
    ++newer[0];
    EXPECT_FALSE(form.reads(newer)) << form.name;
    for (std::size_t bit = 0; bit < form.octets.size() * 8; ++bit) {
      std::string flipped = form.octets;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      form.reads(flipped);
    }
  }
}

}  // namespace
}  // namespace letterlock::trace
