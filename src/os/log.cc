// The only file that names spdlog: its queue, its thread and its count of what was lost are ours
// to use, its formats and files aren't.
#include "os/log.h"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include "os/files.h"

namespace letterlock::os {
namespace {

// Under load lines are gathered for so long and go out in one write: to wake the writer for each
// costs more than the line.
constexpr std::chrono::milliseconds gathering(10);
constexpr std::size_t gathered_octets_max = 64 * 1024;

// Writes lines to a descriptor, and says when some before them were lost.
class DescriptorSink final : public spdlog::sinks::sink {
 public:
  DescriptorSink(Descriptor file, LogOptions::Format format, const Clock& clock)
      : file_(std::move(file)), format_(format), clock_(clock) {}

  void replace(Descriptor file) {
    const std::scoped_lock lock(mutex_);
    file_ = std::move(file);
  }
  // The queue whose losses are told; it outlives the sink.
  void watch(const spdlog::details::thread_pool* queue) { queue_ = queue; }
  ~DescriptorSink() override { write(gathered_); }

  // On the queue's thread alone.
  void log(const spdlog::details::log_msg& message) override {
    auto* queue = const_cast<spdlog::details::thread_pool*>(queue_.load());
    const auto lost = queue == nullptr ? 0 : queue->overrun_counter();
    if (lost > told_) {
      const base::Event event{
          base::Severity::error, "log.lost", {{"lines", std::to_string(lost - told_)}}};
      told_ = lost;
      gathered_ += format_ == LogOptions::Format::json ? log_json(event, clock_.now())
                                                       : log_line(event, clock_.now());
      gathered_ += '\n';
    }
    gathered_.append(message.payload.data(), message.payload.size());
    gathered_ += '\n';
    const bool more = queue != nullptr && queue->queue_size() > 0;
    if (more && gathered_.size() < gathered_octets_max) return;
    write(gathered_);
    gathered_.clear();
    if (!more) std::this_thread::sleep_for(gathering);
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  // Whole lines in one call, so that lines of several writers don't mix. What can't be written is
  // gone: there is no better place to say so.
  void write(std::string_view rest) {
    const std::scoped_lock lock(mutex_);
    while (!rest.empty()) {
      const auto count = ::write(file_ ? file_.number() : STDERR_FILENO, rest.data(), rest.size());
      if (count < 0 && errno != EINTR) return;
      if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  std::mutex mutex_;  // of the file
  Descriptor file_;
  LogOptions::Format format_;
  const Clock& clock_;
  std::atomic<const spdlog::details::thread_pool*> queue_ = nullptr;
  std::uint64_t told_ = 0;
  std::string gathered_;
};

}  // namespace

struct LogSink::State {
  LogOptions options;
  std::shared_ptr<DescriptorSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> queue;
  std::shared_ptr<spdlog::async_logger> logger;
};

LogSink::LogSink(std::unique_ptr<State> state, const Clock& clock)
    : state_(std::move(state)), clock_(clock) {}

LogSink::~LogSink() {
  state_->logger.reset();
  state_->queue.reset();  // ends its thread behind the last line
}

base::Result<std::unique_ptr<LogSink>> LogSink::create(const LogOptions& options,
                                                       const Clock& clock) {
  Descriptor file;
  if (!options.file.empty()) file = TRY(open_append(options.file));
  auto state = std::make_unique<State>();
  state->options = options;
  state->sink = std::make_shared<DescriptorSink>(std::move(file), options.format, clock);
  state->queue = std::make_shared<spdlog::details::thread_pool>(options.lines_waiting_max, 1);
  state->sink->watch(state->queue.get());
  state->logger = std::make_shared<spdlog::async_logger>(
      "log", state->sink, state->queue, spdlog::async_overflow_policy::overrun_oldest);
  state->logger->set_level(spdlog::level::trace);
  return std::unique_ptr<LogSink>(new LogSink(std::move(state), clock));
}

void LogSink::emit(const base::Event& event) {
  if (event.severity < state_->options.lowest) return;
  const auto line = state_->options.format == LogOptions::Format::json
                        ? log_json(event, clock_.now())
                        : log_line(event, clock_.now());
  state_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

base::Result<> LogSink::reopen() {
  if (state_->options.file.empty()) return {};
  state_->sink->replace(TRY(open_append(state_->options.file)));
  return {};
}

std::uint64_t LogSink::lost() const {
  return state_->queue->overrun_counter();
}

}  // namespace letterlock::os
