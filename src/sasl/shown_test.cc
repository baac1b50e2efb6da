#include "sasl/shown.h"

#include <vector>

#include <gtest/gtest.h>

namespace letterlock::sasl {
namespace {

using namespace std::string_literals;
using Found = std::vector<std::string>;  // "user password", each

Found found_in(const std::vector<std::string>& lines) {
  ShownPasswords passwords;
  Found found;
  for (const auto& line : lines) {
    if (const auto shown = passwords.find_in(line))
      found.push_back(shown->user + " " + shown->password);
  }
  return found;
}

const auto user = base::to_base64("bob@b.example");
const auto password = base::to_base64("tree house");
const auto message = base::to_base64("\0bob@b.example\0tree house"s);
const Found bobs{"bob@b.example tree house"};

TEST(ShownPasswords, AreFoundInEachSpelling) {
  const std::vector<std::vector<std::string>> talks = {
      {"USER bob@b.example", "PASS tree house"},
      {"user bob@b.example ", "AUTH SCRAM-SHA-256", "pass tree house"},
      {"AUTH PLAIN " + message},
      {"auth  plain " + message + " "},
      {"AUTH=PLAIN " + message},
      {"AUTH\tPLAIN\t" + message},
      {"AUTH PLAIN", message},
      {"AUTH PLAIN =", message},
      {"AUTH=PLAIN", message},
      {"AUTH CRAM-MD5", message},
      {message},
      {"AUTH LOGIN", user, password},
      {"AUTH LOGIN =", user, password},
      {"AUTH=login", user, password},
      {"AUTH LOGIN " + user, password},
      {"AUTH LOGIN " + user + " " + password},
      {"AUTH LOGIN", "bob@b.example", "tree house"},
      {"AUTH LOGIN", base::to_base64("bob@b.example\n"), base::to_base64("tree house\r\n")},
      {"AUTH LOGIN", message},
  };
  for (const auto& talk : talks) EXPECT_EQ(found_in(talk), bobs) << talk.front();
}

TEST(ShownPasswords, ANameServesUntilAnother) {
  EXPECT_EQ(found_in({"USER bob", "PASS a", "PASS b", "USER eve", "PASS c"}),
            (Found{"bob a", "bob b", "eve c"}));
  EXPECT_EQ(found_in({"PASS tree house"}), Found()) << "nobody's";
}

// Two lines behind LOGIN, not more; another AUTH begins anew, and "*" ends it.
TEST(ShownPasswords, AnswersAreFew) {
  EXPECT_EQ(found_in({"AUTH LOGIN", user, password, password, user, password}), bobs);
  EXPECT_EQ(found_in({"AUTH LOGIN", user, "AUTH LOGIN", user, password}), bobs);
  EXPECT_EQ(found_in({"AUTH LOGIN", "*", user, password}), Found());
  EXPECT_EQ(found_in({user, password}), Found());
  EXPECT_EQ(found_in({"AUTH LOGIN", base::to_base64(std::string(600, 'x')), password}), Found());
  ShownPasswords passwords;
  const auto in_base64 = "0LHQvtCx";
  EXPECT_FALSE(passwords.awaits(in_base64));
  (void)passwords.find_in("AUTH LOGIN");
  EXPECT_TRUE(passwords.awaits(in_base64));
  EXPECT_FALSE(passwords.awaits("GET / HTTP/1.1"));
  (void)passwords.find_in(in_base64);
  EXPECT_TRUE(passwords.awaits(in_base64));
  (void)passwords.find_in(in_base64);
  EXPECT_FALSE(passwords.awaits(in_base64));
}

TEST(ShownPasswords, APlainMessageIsReadAsAListenerWould) {
  const auto read = [](const std::string& octets) {
    const auto shown = shown_in_plain(octets);
    return shown ? shown->user + " " + shown->password : "nothing";
  };
  EXPECT_EQ(read("\0bob\0tree"s), "bob tree");
  EXPECT_EQ(read("eve\0bob\0tree"s), "bob tree");
  EXPECT_EQ(read("bob\0tree"s), "bob tree");
  EXPECT_EQ(read("\0bob\0tree\n"s), "bob tree");
  EXPECT_EQ(read("\0bob\0tree\0"s), "bob tree");
  EXPECT_EQ(read("\0bob\0"s), "nothing");
  EXPECT_EQ(read("\0\0tree"s), "nothing");
  EXPECT_EQ(read("tree"s), "nothing");
  EXPECT_EQ(read(""s), "nothing");
  EXPECT_EQ(read("\0bob\0"s + std::string(1025, 'x')), "nothing");
}

TEST(ShownPasswords, WhatAnExchangeHasCheckedIsNotToldAgain) {
  EXPECT_FALSE(shown_beside(Mechanism::plain, "\0bob\0tree"s));
  const ShownPassword bob{"bob", "tree"};
  EXPECT_EQ(shown_beside(Mechanism::plain, "\0bob\0tree\n"s), bob);
  EXPECT_EQ(shown_beside(Mechanism::plain, "bob\0tree"s), bob);
  EXPECT_EQ(shown_beside(Mechanism::scram_sha_256, "\0bob\0tree"s), bob);
  EXPECT_FALSE(shown_beside(Mechanism::scram_sha_256, "n,,n=bob,r=abc"));
}

// What isn't padded or has a line's end is shown as well as what is in form.
TEST(ShownPasswords, PaddingMayBeMissing) {
  const auto padded = base::to_base64("\0bob\0trees"s);
  ASSERT_TRUE(padded.ends_with("=="));
  EXPECT_EQ(found_in({"AUTH PLAIN " + padded.substr(0, padded.size() - 2)}), Found{"bob trees"});
}

}  // namespace
}  // namespace letterlock::sasl
