// Runs a fuzz target without libFuzzer: over the files of a corpus, as a test; and for a moment
// over what comes of changing them at random, from the same seed each time.
//   replay_x [--mutate SECONDS] [--keep FOLDER] FILE|FOLDER …
// The input that ends the program is written into the folder first.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t input_octets_max = 4096;  // of what is made here

// What is running now, and where it goes if it ends the program: for the signal's handler, which
// may only make system calls.
std::string current;
std::string kept_path;

void keep_current(int number) {
  const int file = open(kept_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0) {
    if (write(file, current.data(), current.size()) < 0) _exit(1);
    close(file);
    constexpr char before[] = "\nthe input that did it: ";
    if (write(2, before, sizeof before - 1) < 0 ||
        write(2, kept_path.data(), kept_path.size()) < 0 || write(2, "\n", 1) < 0)
      _exit(1);
  }
  signal(number, SIG_DFL);
  raise(number);
}

void keep_what_fails(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  kept_path = folder + "/failed";
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGALRM})
    signal(number, keep_current);
}

void run(std::string input) {
  current = std::move(input);
  alarm(20);  // an input that takes so long has failed
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current.data()), current.size());
  alarm(0);
}

bool replay(const std::filesystem::path& path, std::vector<std::string>& corpus) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  run(corpus.back());
  return true;
}

bool replay_all(const std::filesystem::path& path, std::vector<std::string>& corpus) {
  if (!std::filesystem::is_directory(path)) return replay(path, corpus);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.is_regular_file() && entry.path().filename() != ".keep")
      files.push_back(entry.path());
  std::ranges::sort(files);  // so that the same seed makes the same inputs
  return std::ranges::all_of(files, [&](const auto& file) { return replay(file, corpus); });
}

std::size_t mutate(const std::vector<std::string>& corpus, std::chrono::seconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  std::size_t made = 0;
  replay::seed(1, &corpus);
  while (std::chrono::steady_clock::now() < until) {
    std::string input = corpus[made % corpus.size()];
    input.resize(std::min(input.size(), input_octets_max));
    for (std::size_t i = 0; i <= made % 4; ++i) replay::change(input, input_octets_max);
    run(std::move(input));
    ++made;
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus;
  std::string keep = ".";
  long seconds = 0;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--mutate" && i + 1 < argc) {
      seconds = std::atol(argv[++i]);
    } else if (word == "--keep" && i + 1 < argc) {
      keep = argv[++i];
    } else {
      paths.push_back(word);
    }
  }
  keep_what_fails(keep);
  for (const auto& path : paths)
    if (!replay_all(path, corpus)) return 1;
  const std::size_t made =
      corpus.empty() || seconds <= 0 ? 0 : mutate(corpus, std::chrono::seconds(seconds));
  std::printf("%zu inputs replayed, %zu made of them\n", corpus.size(), made);
  return corpus.empty() ? 1 : 0;
}
