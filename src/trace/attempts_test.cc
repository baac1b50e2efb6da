// What a report needs of a trace costs the same after one attempt and after ten thousand.
#include "trace/attempts.h"

#include "trace/fixture.h"

namespace letterlock::trace {
namespace {

using hop::Answer;
using hop::Given;
using hop::Hop;
using hop::Level;
using hop::Outcome;

// Counts what is read of the store.
class Counted final : public store::Transaction {
 public:
  explicit Counted(store::Transaction& under) : under_(under) {}
  net::ResultTask<std::optional<std::string>> get(std::string key) override {
    ++rows;
    return under_.get(std::move(key));
  }
  net::ResultTask<std::vector<std::optional<std::string>>> get_many(
      std::vector<std::string> keys) override {
    rows += keys.size();
    return under_.get_many(std::move(keys));
  }
  net::ResultTask<std::vector<store::KeyValue>> scan(store::Range range,
                                                     ScanOptions options) override {
    rows += options.count_max;
    return under_.scan(std::move(range), options);
  }
  void put(std::string key, std::string value) override {
    under_.put(std::move(key), std::move(value));
  }
  void erase(std::string_view key) override { under_.erase(key); }
  void hold(const base::BlobId& blob, std::string_view holder) override {
    under_.hold(blob, holder);
  }
  void release(const base::BlobId& blob, std::string_view holder) override {
    under_.release(blob, holder);
  }

  std::size_t rows = 0;

 private:
  store::Transaction& under_;
};

struct AttemptsTest : test::Fixture {
  static net::ResultTask<ForReport> counted(store::Transaction& tx, base::TenantId tenant,
                                            base::TraceId id, std::vector<unsigned> recipients,
                                            std::size_t& rows) {
    Counted counting(tx);
    CO_TRY(auto found, co_await load_for_report(counting, tenant, id, std::move(recipients)));
    rows = counting.rows;
    co_return found;
  }
  ForReport loaded_for(const Trace& trace, std::vector<unsigned> recipients) {
    return in<ForReport>(
               acorn,
               [=, this](auto& tx) { return counted(tx, acorn, trace.id, recipients, rows); })
        .value();
  }
  static Hop refused(const Trace& trace, std::vector<unsigned> recipients, std::string host,
                     std::string reason) {
    Hop hop = failed(relay(trace, Level::clear, 0, std::move(host)), Given::nothing, Answer::hold,
                     std::move(reason));
    hop.recipients = std::move(recipients);
    hop.required = {{"level >= authenticated", "set by acorn.example", "the auditors ask"},
                    {"TLS >= 1.3", "set by acorn.example", ""}};
    return hop;
  }

  std::size_t rows = 0;
};

TEST_F(AttemptsTest, SaysWhatEachHostOfferedAndWhen) {
  const Trace trace = begun(1, {"dave@bank.example", "erin@bank.example", "frank@old.example"});
  auto first = refused(trace, {0, 1}, "mx1.bank.example", "no STARTTLS");
  auto second = first;
  second.time = first.time + std::chrono::hours(1);
  recorded(first);
  recorded(second);
  recorded(refused(trace, {0}, "mx2.bank.example", "certificate expired"));
  const auto of = loaded_for(trace, {0, 1, 2});
  ASSERT_EQ(of.attempts.size(), 3U);
  const auto& dave = of.attempts[0];
  EXPECT_EQ(dave.required, "level >= authenticated, TLS >= 1.3");
  EXPECT_EQ(dave.by, "set by acorn.example");
  EXPECT_EQ(dave.why, "the auditors ask");
  EXPECT_EQ(dave.given, Given::nothing);
  EXPECT_EQ(dave.offers,
            (std::vector<Attempts::Offer>{
                {"mx1.bank.example", "no STARTTLS", first.time, second.time, 2},
                {"mx2.bank.example", "certificate expired", first.time, first.time, 1}}));
  EXPECT_EQ(of.attempts[1].offers.size(), 1U);
  EXPECT_EQ(of.attempts[2], Attempts());
  EXPECT_EQ(of.trace.subject, "Figures for Q3");
  EXPECT_FALSE(of.is_open);
}

TEST_F(AttemptsTest, ContentThatWasGivenInVainIsKnown) {
  const Trace trace = begun(1, {"dave@old.example", "erin@old.example"});
  const auto given = [&] { return loaded_for(trace, {0}).attempts[0].given; };
  auto ref = intended(relay(trace, Level::encrypted, 0, "mx.old.example"));
  EXPECT_TRUE(loaded_for(trace, {0}).is_open) << "it may be on its way at this moment";
  EXPECT_TRUE(close_it(ref, {.outcome = Outcome::failed, .given = Given::envelope}));
  EXPECT_FALSE(loaded_for(trace, {0}).is_open);
  EXPECT_EQ(given(), Given::envelope);
  ref = intended(relay(trace, Level::encrypted, 0, "mx.old.example"));
  EXPECT_EQ(left_unknown("dublin-1", test::at("11:00:00")), 1U);
  EXPECT_EQ(given(), Given::content);
  recorded(failed(relay(trace, Level::encrypted, 0, "mx.old.example"), Given::nothing, Answer::take,
                  "no answer"));
  EXPECT_EQ(given(), Given::content) << "it isn't taken back";
  EXPECT_EQ(loaded_for(trace, {1}).attempts[0], Attempts()) << "another recipient's";
}

TEST_F(AttemptsTest, TenThousandAttemptsCostWhatOneDoes) {
  const Trace trace = begun(1, {"dave@bank.example", "erin@bank.example"});
  recorded(refused(trace, {0, 1}, "mx1.bank.example", "no STARTTLS"));
  loaded_for(trace, {0, 1});
  const auto rows_of_one = rows;
  EXPECT_LE(rows_of_one, 4U);
  for (int i = 0; i < 10'000; ++i) {
    recorded(refused(trace, {0, 1}, "mx" + std::to_string(i % 20) + ".bank.example",
                     "no STARTTLS, answer " + std::string(1000, 'x')));
  }
  const auto of = loaded_for(trace, {0, 1});
  EXPECT_EQ(rows, rows_of_one);
  EXPECT_EQ(of.attempts[0].offers.size(), offers_kept_max);
  std::uint64_t all = of.attempts[0].others;
  for (const auto& offer : of.attempts[0].offers) all += offer.count;
  EXPECT_EQ(all, 10'001U) << "each is counted";
  std::size_t octets = 0;
  for (const auto& [key, value] : store.contents()) {
    if (key.substr(19).starts_with("x/a/")) octets = std::max(octets, value.size());
  }
  EXPECT_LE(octets, 4096U) << "a row stays small";
}

TEST_F(AttemptsTest, GoWithTheirTrace) {
  const auto empty = store.contents();
  const Trace trace = begun(1, {"dave@bank.example"});
  recorded(refused(trace, {0}, "mx1.bank.example", "no STARTTLS"));
  recorded(fetch(trace, Level::clear, 0, "POP3"));
  const auto expired =
      in<Expired>(acorn, [&](auto& tx) { return expire(tx, acorn, trace.expires); });
  EXPECT_EQ(expired->traces, 1U);
  EXPECT_EQ(store.contents(), empty);
}

}  // namespace
}  // namespace letterlock::trace
