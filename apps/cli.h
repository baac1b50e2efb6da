// The command line: subcommands made of admin's table of operations, spoken to a running node over
// its socket.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include "admin/operation.h"

namespace letterlock::apps {

// Where the running node is reached.
struct Target {
  std::string socket;
  std::string config_file;
};

// The socket that is meant. Errors: invalid (no configuration names one).
base::Result<std::string> socket_of(const Target& target);

// Adds `letterlock GROUP VERB …` for every operation of the table. `chosen` is set to what the
// parsed line asks for; it returns the exit status.
class OperatorCommands {
 public:
  void add_to(CLI::App& root);
  // True if one of them was given.
  bool was_chosen() const { return chosen_ != nullptr; }
  // 0, or 1 with the error on standard error.
  int run();

 private:
  struct Command {
    const admin::Operation* operation = nullptr;
    std::map<std::string, std::string, std::less<>> texts;
    std::map<std::string, std::int64_t, std::less<>> numbers;
    std::map<std::string, bool, std::less<>> flags;
    std::map<std::string, std::vector<std::string>, std::less<>> lists;
    bool wants_password = false;
  };
  void add(CLI::App& group, std::string verb, const admin::Operation& operation);
  void add_option(CLI::App& app, Command& command, const admin::Parameter& parameter);

  std::vector<std::unique_ptr<Command>> commands_;
  Command* chosen_ = nullptr;
  CLI::App* chosen_app_ = nullptr;
  Target target_;
  bool json_ = false;
};

// One call to a running node. Errors: not_found (no node there), what the node answers.
base::Result<boost::json::object> call(const std::string& socket, std::string_view operation,
                                       boost::json::object arguments);
// The same; of what answers with pages of rows, page after page until there are `count` of them; a
// change that has to end before it is done goes on until it is.
base::Result<boost::json::object> call_all(const std::string& socket, std::string_view operation,
                                           boost::json::object arguments);

// Read without echo from a terminal, twice; otherwise the first line of standard input.
// Errors: invalid (empty, the two differ), io.
base::Result<std::string> read_password();

// The node's `status`, and whether nothing is wrong with it.
std::string status_screen(const boost::json::object& status, std::size_t width);
bool is_fine(const boost::json::object& status);

// The result as a person reads it: a trace's table, rows as a table, an object as lines.
std::string for_people(const boost::json::object& result, std::size_t width);

}  // namespace letterlock::apps
