// POP3 sessions with slow, leaving and hostile peers, and with a store in trouble.
#include "drive/pop_testing.h"

namespace letterlock::drive::test {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

// RFC 1939 §3: it ends without a response, and deletes nothing.
TEST_F(PopTest, SilentClientIsLetGo) {
  options.entry = PopOptions::Entry::clear;
  options.idle = 30ms;
  const auto connection = serve();
  EXPECT_EQ(wait(say_over(*connection, "")), "+OK Letterlock POP3 ready\r\n");
  EXPECT_EQ(wait_end(), PopEnd::Why::timeout);
}

// It waits without room for what comes; that is heard all the same.
TEST_F(PopTest, WhoWasSilentIsHeardAgain) {
  const auto client = connect();
  ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
  const auto until = std::chrono::steady_clock::now() + 2 * quiet_after;
  while (std::chrono::steady_clock::now() < until) loop.poll();
  EXPECT_TRUE(wait(client->quit()));
  EXPECT_EQ(wait_end(), PopEnd::Why::quit);
}

TEST_F(PopTest, WhoStaysSilentIsLetGo) {
  options.entry = PopOptions::Entry::clear;
  options.idle = 3 * quiet_after;
  const auto connection = serve();
  EXPECT_EQ(wait(say_over(*connection, "")), "+OK Letterlock POP3 ready\r\n");
  EXPECT_EQ(wait_end(), PopEnd::Why::timeout);
}

net::Task<> say_on_and_on(net::Connection& connection, net::Timers& timers, std::string_view words,
                          bool& stop) {
  while (!stop) {
    if (!co_await connection.write(words, 1s)) co_return;
    (void)co_await timers.sleep(5ms);
  }
}

class PopBabble : public PopTest {
 protected:
  PopBabble() { options.entry = PopOptions::Entry::clear; }

  // How a session ends whose client says this on and on.
  PopEnd::Why end_of_who_says(std::string_view words) {
    const auto connection = serve();
    net::LoopTimers timers;
    bool stop = false;
    bool stopped = false;
    loop.spawn(say_on_and_on(*connection, timers, words, stop), [&] { stopped = true; });
    const auto end = wait_end();
    stop = true;
    poll_until([&] { return stopped; });
    return end;
  }
};

// An octet now and then isn't a command.
TEST_F(PopBabble, Attack53DrippingClientIsLetGo) {
  options.idle = 60ms;
  EXPECT_EQ(end_of_who_says("A"), PopEnd::Why::timeout);
}

// Whole commands that lead nowhere.
TEST_F(PopBabble, Attack53WhoNeverSignsInIsLetGo) {
  options.sign_in_wait = 60ms;
  EXPECT_EQ(end_of_who_says("CAPA\r\n"), PopEnd::Why::timeout);
}

TEST_F(PopTest, AStopEndsWhoIsIdleAndDeletesNothing) {
  const auto client = connect();
  ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
  ASSERT_TRUE(wait(client->dele(1)));
  sessions.stop();
  EXPECT_EQ(wait_end(), PopEnd::Why::cancelled);
  EXPECT_FALSE(handler.notes.empty());
  for (const auto& note : handler.notes) EXPECT_FALSE(note.starts_with("delete")) << note;
}

TEST_F(PopTest, Attack17EndlessLineIsAnsweredOnce) {
  options.entry = PopOptions::Entry::clear;
  const auto heard = say(std::string(200'000, 'A') + "\r\nQUIT\r\n");
  EXPECT_EQ(heard, "+OK Letterlock POP3 ready\r\n-ERR line too long\r\n+OK bye\r\n");
}

TEST_F(PopTest, Attack40HttpEndsTheSession) {
  options.entry = PopOptions::Entry::clear;
  EXPECT_EQ(say("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            "+OK Letterlock POP3 ready\r\n-ERR this is POP3\r\n");
  EXPECT_EQ(wait_end(), PopEnd::Why::cut);
}

// A message of 50 MiB to a client that doesn't read: the server reads no further than its bound.
TEST_F(PopTest, Attack53LargeMessageAndSlowClientStayBounded) {
  handler.messages = {{5, std::string(32 * 1024, 'x')}};
  handler.chunk_count = 1600;
  options.write_wait = 50ms;
  const auto connection = serve();
  loop.spawn([](net::Connection& c) -> net::Task<> {
    (void)co_await c.write(
        std::string(FakeTls::client_hello) + "USER bob\r\nPASS tree\r\nRETR 1\r\n", 5s);
  }(*connection));
  EXPECT_EQ(wait_end(), PopEnd::Why::timeout);
  // 64 KiB in the pipe, a chunk, and what waits to be sent.
  EXPECT_LE(handler.chunks_given, 4U);
  EXPECT_EQ(handler.notes.size(), 3U);
  EXPECT_TRUE(handler.notes.back().starts_with("ended 5 cut"));
}

TEST_F(PopTest, LargeMessageArrivesWhole) {
  std::string line = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";
  std::string chunk;
  for (int i = 0; i < 512; ++i) chunk += line;
  handler.messages = {{5, chunk}};
  handler.chunk_count = 160;
  const auto client = connect();
  ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
  const auto content = wait(client->retr(1, 20'000'000));
  ASSERT_TRUE(content);
  EXPECT_EQ(content->size(), 160 * chunk.size());
  EXPECT_EQ(handler.notes.back(), "ended 5 complete " + std::to_string(160 * chunk.size()));
}

// Without a durable intent not an octet of content leaves.
TEST_F(PopTest, NoIntentNoContent) {
  handler.intent = base::fail(base::ErrorKind::full, "the disk");
  const auto heard = say(std::string(FakeTls::client_hello) +
                         "USER bob\r\nPASS tree\r\nRETR 1\r\nTOP 1 0\r\nQUIT\r\n");
  EXPECT_TRUE(
      heard.ends_with("octets\r\n-ERR [SYS/TEMP] not now, try later\r\n-ERR [SYS/TEMP] not now, "
                      "try later\r\n+OK bye\r\n"))
      << heard;
  EXPECT_EQ(handler.notes, (Notes{"in bob password tls", "begins 5", "begins 5 top"}));
}

TEST_F(PopTest, ContentThatBreaksOffEndsTheSession) {
  handler.content_end = base::fail(base::ErrorKind::corrupt, "a chunk is missing");
  const auto heard = say(std::string(FakeTls::client_hello) +
                         "USER bob\r\nPASS tree\r\nDELE 2\r\nRETR 1\r\nQUIT\r\n");
  EXPECT_EQ(heard.find("\r\n.\r\n"), std::string::npos) << heard;
  EXPECT_EQ(wait_end(), PopEnd::Why::content);
  EXPECT_EQ(handler.notes, (Notes{"in bob password tls", "begins 5", "ended 5 cut 30"}));
}

TEST_F(PopTest, ContentThatCannotBeReadIsNotBegun) {
  handler.chunk_count = 0;
  handler.content_end = base::fail(base::ErrorKind::not_found, "expunged meanwhile");
  const auto client = connect();
  ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
  EXPECT_EQ(wait(client->retr(1, 1000)).error().what, "POP3: message is gone");
  EXPECT_TRUE(wait(client->noop()));
  EXPECT_EQ(handler.notes, Notes{"in bob password tls"});
}

TEST_F(PopTest, BareLineEndsAreConvertedAndTold) {
  handler.messages = {{5, "Subject: one\n\n.\nx\r\n"}};
  const auto client = connect();
  ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
  EXPECT_EQ(wait(client->retr(1, 1000)), "Subject: one\r\n\r\n.\r\nx\r\n");
  EXPECT_EQ(handler.notes.back(), "ended 5 complete 19 converted");
}

TEST_F(PopTest, CancelEndsAtOnce) {
  const auto client = connect();
  running->cancel();
  EXPECT_EQ(wait_end(), PopEnd::Why::cancelled);
}

TEST_F(PopTest, BrokenHandshakeIsSaidSo) {
  EXPECT_EQ(say("USER bob\r\nPASS tree\r\n"), "");
  EXPECT_EQ(wait_end(), PopEnd::Why::tls);
}

}  // namespace
}  // namespace letterlock::drive::test
