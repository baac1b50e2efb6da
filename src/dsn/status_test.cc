#include "dsn/status.h"

#include <map>

#include <gtest/gtest.h>

namespace letterlock::dsn {
namespace {

TEST(Status, BothWays) {
  for (const auto* text : {"2.0.0", "4.4.1", "5.7.30", "5.999.999"})
    EXPECT_EQ(Status::parse(text)->text(), text);
  for (const auto* text : {"", "5", "5.7", "5.7.", "5.7.30.", "3.0.0", "5.07.1", "5.7.1000",
                           "5.7.1 ", " 5.7.1", "5..1", "x.1.1", "55.1.1", "5.1.-1"}) {
    EXPECT_FALSE(Status::parse(text)) << text;
  }
}

TEST(Status, FromAReply) {
  EXPECT_EQ(Status::from_reply(550, "5.1.1 no such user"), status::bad_mailbox);
  EXPECT_EQ(Status::from_reply(550, "5.1.1"), status::bad_mailbox);
  EXPECT_EQ(Status::from_reply(450, "5.1.1 no such user").text(), "4.2.0");  // the classes disagree
  EXPECT_EQ(Status::from_reply(550, "5.1.1no such user").text(), "5.0.0");
  EXPECT_EQ(Status::from_reply(550, "no such user").text(), "5.0.0");
  EXPECT_EQ(Status::from_reply(556, "").text(), "5.1.10");
  EXPECT_EQ(Status::from_reply(250, "2.1.5 Ok"), status::address_valid);
}

TEST(Status, FromACodeAlone) {
  for (const unsigned code : {200U, 220U, 250U, 251U, 299U})
    EXPECT_TRUE(Status::from_reply_code(code).is_success()) << code;
  for (unsigned code = 400; code < 500; ++code)
    EXPECT_TRUE(Status::from_reply_code(code).is_temporary()) << code;
  for (unsigned code = 500; code < 600; ++code)
    EXPECT_TRUE(Status::from_reply_code(code).is_permanent()) << code;
  for (const unsigned code : {0U, 99U, 199U, 600U, 4'000'000'000U})
    EXPECT_TRUE(Status::from_reply_code(code).is_temporary()) << code;
}

// RFC 3463 §3 beside RFC 5321 §4.2.3 and what RFC 4954, 7504 and 7505 add: each code that means
// something of its own, and all others x.0.0.
TEST(Status, FromEachCode) {
  const std::map<unsigned, const char*> of_its_own = {
      {421, "4.3.2"}, {450, "4.2.0"}, {451, "4.3.0"}, {452, "4.3.1"}, {454, "4.7.0"},
      {500, "5.5.2"}, {501, "5.5.4"}, {502, "5.5.1"}, {503, "5.5.1"}, {504, "5.5.4"},
      {521, "5.3.2"}, {530, "5.7.0"}, {535, "5.7.8"}, {551, "5.1.6"}, {552, "5.2.0"},
      {553, "5.1.3"}, {556, "5.1.10"}};
  for (unsigned code = 200; code < 600; ++code) {
    const auto found = of_its_own.find(code);
    const auto expected = found != of_its_own.end() ? std::string(found->second)
                          : code < 400              ? "2.0.0"
                                                    : std::to_string(code / 100) + ".0.0";
    EXPECT_EQ(Status::from_reply_code(code).text(), expected) << code;
  }
  for (const unsigned code : {0U, 99U, 100U, 199U, 600U})
    EXPECT_EQ(Status::from_reply_code(code).text(), "4.5.0") << code;
}

TEST(Status, ChangesItsClass) {
  EXPECT_EQ(status::no_answer.as_permanent().text(), "5.4.1");
  EXPECT_EQ(status::security_not_offered.as_temporary().text(), "4.7.4");
}

}  // namespace
}  // namespace letterlock::dsn
