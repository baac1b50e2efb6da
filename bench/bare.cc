// The floor: what accepting and relaying mail costs when nothing is asked of it but to be durable
// before 250. Asio, OpenSSL, RocksDB with one commit thread that groups syncs. No policy, no trace,
// no limits, no time-outs: never to be run anywhere but here.
//   --port N --data FOLDER --chain FILE --key FILE [--relay PORT]
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

namespace {
namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using Task = asio::awaitable<void>;

constexpr unsigned threads_count = 2;
constexpr std::size_t read_octets = 16 * 1024;
constexpr std::size_t relays_max = 20;

// Puts and deletes that come while one group is synced are the next group.
class Committer {
 public:
  explicit Committer(const std::string& folder) {
    rocksdb::Options options;
    options.create_if_missing = true;
    if (!rocksdb::DB::Open(options, folder, &db_).ok()) std::exit(2);
    thread_ = std::thread([this] { run(); });
  }
  // Resumes the caller when it is durable. An empty value deletes.
  template <class Token>
  auto write(std::string key, std::string value, Token&& token) {
    return asio::async_initiate<Token, void()>(
        [this](auto handler, std::string its_key, std::string its_value) {
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          Waiting waiting{std::move(its_key), std::move(its_value), [shared] {
                            asio::post(asio::get_associated_executor(*shared),
                                       [shared] { std::move (*shared)(); });
                          }};
          {
            const std::scoped_lock lock(mutex_);
            waiting_.push_back(std::move(waiting));
          }
          changed_.notify_one();
        },
        token, std::move(key), std::move(value));
  }

 private:
  struct Waiting {
    std::string key;
    std::string value;
    std::function<void()> done;
  };
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return !waiting_.empty(); });
      const auto group = std::exchange(waiting_, {});
      lock.unlock();
      rocksdb::WriteBatch batch;
      for (const auto& one : group)
        (void)(one.value.empty() ? batch.Delete(one.key) : batch.Put(one.key, one.value));
      rocksdb::WriteOptions options;
      options.sync = true;
      if (!db_->Write(options, &batch).ok()) std::exit(2);
      for (const auto& one : group) one.done();
      lock.lock();
    }
  }
  rocksdb::DB* db_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;
  std::thread thread_;
};

// A connection that may turn into TLS, with lines.
struct Stream {
  explicit Stream(tcp::socket its) : socket(std::move(its)) {
    socket.set_option(tcp::no_delay(true));
  }
  Task begin_tls(asio::ssl::context& context, asio::ssl::stream_base::handshake_type side) {
    secure.emplace(socket, context);
    co_await secure->async_handshake(side, use_awaitable);
  }
  asio::awaitable<std::string> line() {
    while (true) {
      const auto end = came.find("\r\n");
      if (end != std::string::npos) {
        auto out = came.substr(0, end);
        came.erase(0, end + 2);
        co_return out;
      }
      co_await read();
    }
  }
  Task read() {
    const auto had = came.size();
    came.resize(had + read_octets);
    const auto room = asio::buffer(came.data() + had, read_octets);
    const auto got = secure ? co_await secure->async_read_some(room, use_awaitable)
                            : co_await socket.async_read_some(room, use_awaitable);
    came.resize(had + got);
  }
  Task send(std::string_view octets) {
    if (secure)
      co_await asio::async_write(*secure, asio::buffer(octets), use_awaitable);
    else
      co_await asio::async_write(socket, asio::buffer(octets), use_awaitable);
  }
  Task ask(std::string command) {
    co_await send(command);
    while ((co_await line())[3] == '-') {
    }
  }
  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> secure;
  std::string came;
};

struct Message {
  std::string key;
  std::string from;
  std::string to;
  std::string content;
};

struct Server {
  Server(const std::string& folder, std::uint16_t relay_port)
      : committer(folder), relay(relay_port) {}
  Committer committer;
  const std::uint16_t relay;
  asio::ssl::context in{asio::ssl::context::tls_server};
  asio::ssl::context out{asio::ssl::context::tls_client};
  std::atomic<std::uint64_t> number{0};
};

// What one I/O thread relays: its messages in turn, over connections that are kept.
struct Lane {
  Server& server;
  asio::io_context loop{1};
  std::deque<Message> waiting{};
  std::vector<std::unique_ptr<Stream>> kept{};
  std::size_t under_way = 0;
};

Task open(Lane& lane, std::unique_ptr<Stream>& stream) {
  tcp::socket socket(lane.loop);
  co_await socket.async_connect({asio::ip::address_v4::loopback(), lane.server.relay},
                                use_awaitable);
  stream = std::make_unique<Stream>(std::move(socket));
  co_await stream->line();
  co_await stream->ask("EHLO bare.example\r\n");
  co_await stream->ask("STARTTLS\r\n");
  co_await stream->begin_tls(lane.server.out, asio::ssl::stream_base::client);
  co_await stream->ask("EHLO bare.example\r\n");
}

Task relay_all(Lane& lane) {
  std::unique_ptr<Stream> stream;
  if (!lane.kept.empty()) {
    stream = std::move(lane.kept.back());
    lane.kept.pop_back();
  } else {
    co_await open(lane, stream);
  }
  while (!lane.waiting.empty()) {
    const auto message = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    co_await stream->send("MAIL FROM:<" + message.from + ">\r\nRCPT TO:<" + message.to +
                          ">\r\nDATA\r\n");
    for (int i = 0; i < 3; ++i) co_await stream->line();
    co_await stream->ask(message.content);
    co_await lane.server.committer.write(message.key, "", use_awaitable);
  }
  lane.kept.push_back(std::move(stream));
  --lane.under_way;
}

void relay_soon(Lane& lane, Message message) {
  lane.waiting.push_back(std::move(message));
  if (lane.under_way >= relays_max / threads_count) return;
  ++lane.under_way;
  asio::co_spawn(lane.loop, relay_all(lane), asio::detached);
}

std::string address_in(const std::string& line) {
  const auto begin = line.find('<') + 1;
  return line.substr(begin, line.find('>') - begin);
}

asio::awaitable<std::string> content(Stream& stream) {
  std::size_t end = 0;
  for (std::size_t from = 0; (end = stream.came.find("\r\n.\r\n", from)) == std::string::npos;) {
    from = stream.came.size() > 4 ? stream.came.size() - 4 : 0;
    co_await stream.read();
  }
  auto out = stream.came.substr(0, end + 5);
  stream.came.erase(0, end + 5);
  co_return out;
}

Task session(Lane& lane, tcp::socket socket) try {
  Stream stream(std::move(socket));
  Message message;
  std::string out = "220 bare.example ESMTP\r\n";
  while (true) {
    if (stream.came.empty()) co_await stream.send(std::exchange(out, {}));
    const auto line = co_await stream.line();
    const auto verb = line.substr(0, 4);
    if (verb == "EHLO") {
      out += "250-bare.example\r\n250-STARTTLS\r\n250 PIPELINING\r\n";
    } else if (verb == "STAR") {
      co_await stream.send("220 go on\r\n");
      co_await stream.begin_tls(lane.server.in, asio::ssl::stream_base::server);
    } else if (verb == "DATA") {
      co_await stream.send(std::exchange(out, {}) + "354 go on\r\n");
      message.content = co_await content(stream);
      message.key = std::to_string(lane.server.number++);
      co_await lane.server.committer.write(message.key, message.content, use_awaitable);
      if (lane.server.relay != 0) relay_soon(lane, std::exchange(message, {}));
      out = "250 taken\r\n";
    } else if (verb == "QUIT") {
      co_await stream.send("221 bye\r\n");
      co_return;
    } else {
      if (verb == "MAIL") message.from = address_in(line);
      if (verb == "RCPT") message.to = address_in(line);
      out += "250 ok\r\n";
    }
  }
} catch (const boost::system::system_error&) {  // the peer is gone
}

Task accept(tcp::acceptor& acceptor, std::vector<std::unique_ptr<Lane>>& lanes) {
  for (std::size_t next = 0;; ++next) {
    auto& lane = *lanes[next % lanes.size()];
    auto socket = co_await acceptor.async_accept(lane.loop, use_awaitable);
    asio::co_spawn(lane.loop, session(lane, std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = words[i + 1];
  const auto port = [&](const char* key) {
    return static_cast<std::uint16_t>(given.contains(key) ? std::stoul(given[key]) : 0);
  };
  Server server(given["--data"], port("--relay"));
  server.in.use_certificate_chain_file(given["--chain"]);
  server.in.use_private_key_file(given["--key"], asio::ssl::context::pem);
  std::vector<std::unique_ptr<Lane>> lanes;
  for (unsigned i = 0; i < threads_count; ++i) lanes.emplace_back(new Lane{server});
  tcp::acceptor acceptor(lanes.front()->loop, {asio::ip::address_v4::loopback(), port("--port")});
  asio::co_spawn(lanes.front()->loop, accept(acceptor, lanes), asio::detached);
  std::vector<std::thread> threads;
  for (auto& lane : lanes) {
    threads.emplace_back([&lane] {
      const auto stay = asio::make_work_guard(lane->loop);
      lane->loop.run();
    });
  }
  for (auto& thread : threads) thread.join();
}
