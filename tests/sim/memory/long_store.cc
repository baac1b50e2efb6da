#include "sim/memory/long_store.h"

#include <algorithm>

namespace letterlock::test {

class LongStore::Writer final : public store::BlobWriter {
 public:
  Writer(std::unique_ptr<store::BlobWriter> beneath, std::map<base::BlobId, Long>& longs)
      : beneath_(std::move(beneath)), longs_(longs) {}

  net::ResultTask<> write(std::string_view octets) override {
    const auto kept = octets.substr(0, kept_octets - beneath_->octets());
    if (!kept.empty()) {
      last_ += kept.substr(kept.size() - std::min(kept.size(), line_octets));
      last_.erase(0, last_.size() - std::min(last_.size(), line_octets));
      CO_CHECK(co_await beneath_->write(kept));
    }
    octets_ += kept.size();
    for (const char octet : octets.substr(kept.size())) {
      if (octet != last_[(octets_ - kept_octets) % line_octets])
        co_return base::fail(base::ErrorKind::corrupt, "content that doesn't repeat itself");
      ++octets_;
    }
    co_return base::Result<>();
  }
  net::ResultTask<> finish() override {
    CO_CHECK(co_await beneath_->finish());
    if (octets_ > beneath_->octets()) longs_[beneath_->id()] = {octets_, last_};
    co_return base::Result<>();
  }
  const base::BlobId& id() const override { return beneath_->id(); }
  std::uint64_t octets() const override { return octets_; }

 private:
  std::unique_ptr<store::BlobWriter> beneath_;
  std::map<base::BlobId, Long>& longs_;
  std::string last_;
  std::uint64_t octets_ = 0;
};

std::unique_ptr<store::BlobWriter> LongStore::write_blob() {
  return std::make_unique<Writer>(beneath_.write_blob(), longs_);
}

net::ResultTask<base::Bytes> LongStore::read_blob(base::BlobId blob, std::uint64_t offset,
                                                  std::size_t octets_max) {
  base::Bytes answer;
  const auto found = longs_.find(blob);
  if (found == longs_.end() || offset < kept_octets) {
    CO_TRY(answer, co_await beneath_.read_blob(blob, offset, octets_max));
  }
  if (found == longs_.end()) co_return answer;
  const auto& [octets, line] = found->second;
  const auto end = std::min<std::uint64_t>(octets, offset + octets_max);
  answer.reserve(end > offset ? end - offset : 0);
  for (auto at = offset + answer.size(); at < end; ++at)
    answer.push_back(line[(at - kept_octets) % line_octets]);
  co_return answer;
}

}  // namespace letterlock::test
