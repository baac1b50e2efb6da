#include "apps/cli.h"

#include <algorithm>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/config.h"
#include "base/bytes.h"
#include "directory/types.h"
#include "os/files.h"
#include "tls/authority.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;
using Kind = admin::Parameter::Kind;
using Place = admin::Parameter::Place;

std::size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
      size.ws_col == 0)
    return 100;
  return std::min<std::size_t>(size.ws_col, 120);
}

int complain(const base::Error& error) {
  fmt::print(stderr, "letterlock: {}\n", error.what);
  return 1;
}

// Files of certificates become their keys' digests; what is a digest already stays. Errors: invalid
// (also of a certificate that isn't for this address: nobody could sign in with it).
base::Result<std::vector<std::string>> certificate_keys(const std::vector<std::string>& given,
                                                        const std::string& address) {
  constexpr std::size_t file_octets_max = 64 * 1024;
  std::vector<std::string> keys;
  for (const auto& one : given) {
    if (directory::certificate_key(one)) {
      keys.push_back(one);
      continue;
    }
    const auto pem = TRY(os::read_file(one, file_octets_max));
    const auto addresses = tls::certificate_addresses(pem);
    if (!addresses)
      return base::fail(base::ErrorKind::invalid, one + ": no certificate in PEM form");
    const auto is_it = [&](const std::string& of) {
      return base::equal_ignoring_case(of, address);
    };
    if (std::ranges::none_of(*addresses, is_it))
      return base::fail(base::ErrorKind::invalid,
                        fmt::format("{} isn't made for {}: its subjectAltName must say email:{}",
                                    one, address, address));
    keys.push_back(TRY(tls::key_digest(pem)));
  }
  return keys;
}

}  // namespace

base::Result<std::string> socket_of(const Target& target) {
  if (!target.socket.empty()) return target.socket;
  const std::string file =
      target.config_file.empty() ? "/etc/letterlock/letterlock.toml" : target.config_file;
  const auto checked = load_config(file);
  if (checked.config.admin_socket.empty()) {
    return base::fail(base::ErrorKind::invalid, checked.problems.empty()
                                                    ? file + " names no admin socket"
                                                    : checked.problems.front().text() +
                                                          " (say --config FILE or --socket PATH)");
  }
  return checked.config.admin_socket;
}

namespace {

// Nothing where there is none yet.
CLI::App* command_named(CLI::App& root, const std::string& name) {
  const auto found =
      root.get_subcommands([&](const CLI::App* app) { return app->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

}  // namespace

void OperatorCommands::add_to(CLI::App& root) {
  std::map<std::string, CLI::App*> groups;
  for (const auto& operation : admin::table()) {
    const auto dot = operation.name.find('.');
    if (dot == std::string_view::npos) {
      add(root, std::string(operation.name), operation);
      continue;
    }
    const std::string group(operation.name.substr(0, dot));
    const std::string verb(operation.name.substr(dot + 1));
    // `letterlock trace ID` needs no verb: it has one.
    if (group == "trace") {
      add(root, group, operation);
      continue;
    }
    auto*& app = groups[group];
    // `backup DIRECTORY` beside `backup list`: where a verb follows, the operation without one is
    // neither meant nor lacks anything. The node says what it lacks.
    if (app == nullptr && (app = command_named(root, group)) != nullptr) {
      for (auto* option : app->get_options()) option->required(false);
      app->require_subcommand(0, 1);
    }
    if (app == nullptr) {
      app = root.add_subcommand(group, group + " operations of the running node");
      app->require_subcommand(1);
    }
    add(*app, verb, operation);
  }
}

void OperatorCommands::add(CLI::App& group, std::string verb, const admin::Operation& operation) {
  auto* app = group.add_subcommand(std::move(verb), std::string(operation.help));
  commands_.push_back(std::make_unique<Command>());
  auto& command = *commands_.back();
  command.operation = &operation;
  for (const auto& parameter : operation.parameters) {
    const bool drawn_by_us = parameter.name == "width" || parameter.name == "colour";
    if (!drawn_by_us) add_option(*app, command, parameter);
  }
  app->add_flag("--json", json_, "the whole answer as JSON");
  app->add_option("--config", target_.config_file, "the node's configuration (for its socket)");
  app->add_option("--socket", target_.socket, "the node's socket");
  app->callback([this, &command, app] {
    if (!app->get_subcommands().empty()) return;  // its verb is the one that was chosen
    chosen_ = &command;
    chosen_app_ = app;
  });
}

void OperatorCommands::add_option(CLI::App& app, Command& command,
                                  const admin::Parameter& parameter) {
  const std::string name(parameter.name);
  const std::string help(parameter.help);
  const bool positional =
      parameter.place == Place::positional || parameter.place == Place::optional_positional;
  const std::string flag = positional ? name : "--" + name;
  CLI::Option* option = nullptr;
  switch (parameter.kind) {
    case Kind::text:
      option = app.add_option(flag, command.texts[name], help);
      break;
    case Kind::number:
      option = app.add_option(flag, command.numbers[name], help)->check(CLI::NonNegativeNumber);
      break;
    case Kind::flag:
      option = app.add_flag(flag, command.flags[name], help);
      break;
    case Kind::list:
    case Kind::certificates:
      option = app.add_option(flag, command.lists[name], help);
      break;
    case Kind::password:
      // RFC-less but old wisdom: a command line is read by every process of the machine.
      if (parameter.place == Place::required)
        command.wants_password = true;
      else
        app.add_flag("--" + name, command.wants_password, help);
      return;
  }
  if (parameter.place == Place::required || parameter.place == Place::positional)
    option->required();
}

int OperatorCommands::run() {
  json::object arguments;
  for (const auto& parameter : chosen_->operation->parameters) {
    const std::string name(parameter.name);
    const bool positional =
        parameter.place == Place::positional || parameter.place == Place::optional_positional;
    const auto* option = chosen_app_->get_option_no_throw(positional ? name : "--" + name);
    if (option == nullptr || option->count() == 0 || parameter.kind == Kind::password) continue;
    switch (parameter.kind) {
      case Kind::text:
        arguments[name] = chosen_->texts[name];
        break;
      case Kind::number:
        arguments[name] = chosen_->numbers[name];
        break;
      case Kind::flag:
        arguments[name] = chosen_->flags[name];
        break;
      case Kind::certificates: {
        auto keys = certificate_keys(chosen_->lists[name], chosen_->texts["address"]);
        if (!keys) return complain(keys.error());
        arguments[name] = json::array(keys->begin(), keys->end());
        break;
      }
      case Kind::list:
        arguments[name] = json::array(chosen_->lists[name].begin(), chosen_->lists[name].end());
        break;
      case Kind::password:
        break;
    }
  }
  if (chosen_->wants_password) {
    auto password = read_password();
    if (!password) return complain(password.error());
    arguments["password"] = *password;
  }
  if (chosen_->operation->name == "trace.show") {
    arguments["width"] = terminal_width();
    arguments["colour"] = isatty(STDOUT_FILENO) == 1;
  }
  const auto socket = socket_of(target_);
  if (!socket) return complain(socket.error());
  const auto result = call_all(*socket, chosen_->operation->name, std::move(arguments));
  if (!result) return complain(result.error());
  const bool is_status = chosen_->operation->name == "status";
  const auto text = json_       ? json::serialize(*result) + "\n"
                    : is_status ? status_screen(*result, terminal_width())
                                : for_people(*result, terminal_width());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return is_status && !is_fine(*result) ? 1 : 0;
}

}  // namespace letterlock::apps
