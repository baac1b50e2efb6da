#include "net/counted.h"

namespace letterlock::net {
namespace {

class Counted final : public Connection {
 public:
  Counted(std::unique_ptr<Connection> connection, os::Gauge& open)
      : connection_(std::move(connection)), open_(open) {
    open_.add(1);
  }
  ~Counted() override { open_.add(-1); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds timeout) override {
    return connection_->read_some(buffer, timeout);
  }
  ResultTask<> wait_readable(base::Milliseconds timeout) override {
    return connection_->wait_readable(timeout);
  }
  ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    return connection_->write(octets, timeout);
  }
  void close() override { connection_->close(); }
  void wake_reader() override { connection_->wake_reader(); }
  Task<> shutdown(base::Milliseconds timeout) override { return connection_->shutdown(timeout); }
  Endpoint local() const override { return connection_->local(); }
  Endpoint peer() const override { return connection_->peer(); }

 private:
  std::unique_ptr<Connection> connection_;
  os::Gauge& open_;
};

}  // namespace

std::unique_ptr<Connection> counted(std::unique_ptr<Connection> connection, os::Gauge& open) {
  return std::make_unique<Counted>(std::move(connection), open);
}

}  // namespace letterlock::net
