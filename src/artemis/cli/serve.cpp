#include <fmt/format.h>
#include <malloc.h>

#include <array>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "artemis/cli/commands.h"
#include "artemis/cli/interrupt.h"
#include "artemis/cli/option_file.h"
#include "artemis/cli/options.h"
#include "artemis/cli/stderr.h"
#include "artemis/generate/engine_memory.h"
#include "artemis/generate/engine_thread.h"
#include "artemis/io/atomic_file.h"
#include "artemis/serve/http_server.h"
#include "artemis/serve/page.h"
#include "artemis/serve/picture_file.h"
#include "artemis/serve/service.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string config;
  std::string model;
  std::string adapter;
  std::string model_name;
  HttpOptions http;
  std::vector<std::string> keys;
  std::vector<std::string> picture_folders;
  std::string key_file;
  bool insecure = false;
  bool no_thinking = false;
  std::int64_t max_pixels = std::int64_t{1} << 24;  // 48 MiB once decoded
  EngineOptions engine;
  ServiceOptions service;
};

// One key a line; empty lines and those that begin with # are none.
std::vector<std::string> read_keys(const std::string& file) {
  std::vector<std::string> keys;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    line.resize(line.find_last_not_of(" \t\r") + 1);  // npos + 1 is 0
    if (!line.empty() && !line.starts_with('#')) keys.push_back(line);
  }
  require(!keys.empty(), file, "holds no API key, expected one a line");
  return keys;
}

// What others can reach asks for keys, and hides them and the conversations on the way.
void check_exposure(const Options& options) {
  const bool tls = !options.http.tls_certificate.empty();
  if (tls == options.http.tls_key.empty()) throw UsageError("serve", "--tls-cert and --tls-key go together");
  for (const std::string& key : options.service.api_keys) {
    if (key.empty()) throw UsageError("serve", "an API key is empty");
  }
  if (is_loopback_host(options.http.host) || (tls && !options.service.api_keys.empty())) return;
  const std::string lacks =
      options.service.api_keys.empty() ? (tls ? "an API key" : "an API key and TLS") : "TLS";
  if (!options.insecure) {
    throw UsageError("serve",
                     fmt::format("{} can be reached from elsewhere, and {} {} missing; --insecure allows it",
                                 options.http.host, lacks, lacks.ends_with("and TLS") ? "are" : "is"));
  }
  print_stderr("artemis: WARNING: {} can be reached from elsewhere without {}\n", options.http.host, lacks);
}

// Without a key, what reaches the server is trusted: so no page of another site may reach it.
void guard_sites(const HttpOptions& http, ServiceOptions& service) {
  SiteRules& sites = service.sites;
  for (const std::string& name : sites.hosts) {
    if (name.empty() || host_of_authority(name) != name) {
      throw UsageError("--allowed-host",
                       fmt::format("'{}' is no host, expected a name without a port", name));
    }
  }
  sites.check_origin = service.api_keys.empty();
  sites.check_host = !sites.hosts.empty() || (service.api_keys.empty() && is_loopback_host(http.host));
}

std::string name_of(const Options& options) {
  if (!options.model_name.empty()) return options.model_name;
  const std::filesystem::path directory = std::filesystem::absolute(options.model).lexically_normal();
  return directory.has_filename() ? directory.filename() : directory.parent_path().filename();
}

std::string address_of(const Options& options, std::uint16_t port) {
  const std::string& host = options.http.host;
  const bool v6 = host.find(':') != host.npos;
  return fmt::format("{}://{}{}{}:{}", options.http.tls_certificate.empty() ? "http" : "https", v6 ? "[" : "",
                     host, v6 ? "]" : "", port);
}

// What a huge body takes goes back to the system with it. Left alone, glibc raises this bound to the largest
// block that was freed, up to 32 MiB, and then keeps such blocks, several for each thread.
void give_back_large_blocks() { mallopt(M_MMAP_THRESHOLD, 4 << 20); }

void run(Options options) {
  give_back_large_blocks();
  if (options.model.empty()) throw UsageError("--model", "is missing, expected a model directory");
  if (!options.key_file.empty())
    std::ranges::move(read_keys(options.key_file), std::back_inserter(options.keys));
  options.service.api_keys = options.keys;
  if (options.no_thinking) options.service.thinking = false;
  check_exposure(options);
  guard_sites(options.http, options.service);
  options.service.picture_folders = picture_folders(options.picture_folders);
  check_engine_options(options.engine);

  const auto ctx = make_context(options.run);
  const DType dtype = compute_dtype(options.run);
  LoadedModel model = load_model(*ctx, options.model, dtype, options.adapter);
  model.processor.decode_options().max_pixels = options.max_pixels;
  const EngineOptions fitted = fit_engine(ctx->device(), model.config, dtype, options.engine);
  const ServedModel served(name_of(options), model.directory, model.config, model.processor,
                           fitted.cache_tokens);
  EngineThread engine(*ctx, model.graft, model.config, model.processor.tokenizer(), fitted);
  options.service.page = page_document();
  options.service.page_policy = page_policy();
  // A full disk or a logger that is gone must not end the server.
  options.service.log = [](const std::string& line) { std::fputs((line + "\n").c_str(), stderr); };
  Service service(served, engine, options.service);

  const InterruptGuard guard(std::array{SIGINT, SIGTERM},
                             "\nartemis: ending when the answers under way have; again to end at once\n");
  HttpServer server(
      options.http,
      [&service](std::shared_ptr<HttpExchange> exchange) { service.handle(std::move(exchange)); },
      Service::error_body, [&service](const HttpRequest& head) { return service.wants_body(head); },
      [&service](std::shared_ptr<HttpExchange> exchange, int status, const std::string& message) {
        service.refuse(std::move(exchange), status, message);
      });
  fmt::print("artemis serve: {} answers with {}, {} at once, {} tokens in its cache\n",
             address_of(options, server.port()), served.name(), fitted.max_sequences, fitted.cache_tokens);
  std::fflush(stdout);
  while (!guard.asked() && engine.failure().empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  service.begin_drain();
  server.drain();
  engine.drain();
  if (const std::string failure = engine.failure(); !failure.empty()) throw Error("engine", failure);
}

void add_address_options(CLI::App& command, Options& options) {
  command
      .add_option("--host", options.http.host,
                  "Address to listen on; others than this machine's own need a key and TLS")
      ->capture_default_str();
  command.add_option("--port", options.http.port, "0: any that is free")->capture_default_str();
  command.add_option("--api-key", options.keys, "A key that clients must send (may be given several times)");
  command.add_option("--api-key-file", options.key_file, "File of such keys, one a line");
  command.add_option("--tls-cert", options.http.tls_certificate, "Certificate with its chain, PEM");
  command.add_option("--tls-key", options.http.tls_key, "Its private key, PEM");
  command.add_flag("--insecure", options.insecure, "Listen elsewhere without a key or TLS all the same");
  command.add_option("--cors-origin", options.service.sites.origins,
                     "Origin of pages that may ask from a browser, or * (may be given several times)");
  command.add_option(
      "--allowed-host", options.service.sites.hosts,
      "Host that requests may name besides this machine, on any port (may be given several times)");
  command.add_option("--http-threads", options.http.threads, "Threads that read requests and pictures")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

void add_limit_options(CLI::App& command, Options& options) {
  EngineOptions& engine = options.engine;
  command.add_option("--max-sequences", engine.max_sequences, "Answers that go on at once")
      ->capture_default_str();
  command.add_option("--max-waiting", engine.max_waiting, "Answers that may wait; more are refused (429)")
      ->capture_default_str();
  command.add_option("--cache-tokens", engine.cache_tokens,
                     "Room for keys and values, in tokens (default: what fits)");
  command
      .add_option("--step-tokens", engine.step_tokens, "Tokens of one pass; long prompts are read in pieces")
      ->capture_default_str();
  command
      .add_option("--draft-tokens", engine.draft_tokens,
                  "Tokens guessed from the prompt and checked together; 0: none")
      ->capture_default_str();
  command
      .add_option("--max-pixels", options.max_pixels,
                  "Largest picture that is taken; larger ones are refused (413)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--request-seconds", options.service.request_seconds, "Longest time for an answer")
      ->check(CLI::Range(1e-3, 1e9))
      ->capture_default_str();
  command.add_option("--allow-image-host", options.service.fetching.hosts,
                     "Host from which pictures may be fetched (may be given several times; default: none)");
  command.add_option("--allow-image-folder", options.picture_folders,
                     "Folder whose files file:// URLs may name (may be given several times; default: none)");
}

}  // namespace

void add_serve_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->http.threads = 4;  // some may wait for a picture from elsewhere
  CLI::App* command =
      app.add_subcommand("serve", "Answer many people at once: OpenAI's API, and a chat page");
  command->add_option("--model", options->model, "Model directory");
  command->add_option("--model-name", options->model_name,
                      "What clients call it (default: the directory's name)");
  add_adapter_option(*command, options->adapter);
  add_address_options(*command, *options);
  add_limit_options(*command, *options);
  command->add_flag("--no-thinking", options->no_thinking,
                    "Answer without thinking first, unless a request asks for it");
  add_run_options(*command, options->run);
  command->add_option("--config", options->config,
                      "YAML file of these options; the command line wins over it");
  command->footer(
      "Example:  artemis serve --model DIR --port 8080\n"
      "Then:     curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' \\\n"
      "            -d '{\"model\": \"NAME\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'\n"
      "A browser finds the chat page at the same address. SIGTERM or Ctrl-C lets answers under way end.");
  command->callback([options, command] {
    if (!options->config.empty()) apply_option_file(*command, options->config);
    run(*options);
  });
}

}  // namespace artemis
