// The service: which request is answered by what. /v1/chat/completions, /v1/completions and /v1/models as
// OpenAI has them; /tokenize, /detokenize, /health, /metrics, and the chat page at /.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "artemis/serve/call.h"
#include "artemis/serve/completion.h"
#include "artemis/serve/prepare.h"
#include "artemis/serve/secrets.h"
#include "artemis/serve/sites.h"

namespace artemis {

struct ServiceOptions {
  std::vector<std::string> api_keys;                   // any of them is asked for; none: no key is
  SiteRules sites;                                     // for requests that a browser's pages may have sent
  FetchOptions fetching;                               // of pictures; its seconds are for all of a request
  std::vector<std::filesystem::path> picture_folders;  // whose files requests may name
  double request_seconds = 600;                        // for an answer, in all
  std::optional<bool> thinking;  // where a request says nothing; absent: as the template has it
  std::string page;              // the chat page, HTML; none: there is nothing at /
  std::string page_policy;       // its Content-Security-Policy
  AccessLog log;                 // may be empty
};

class Service {
 public:
  // `model` and `engine` must outlive it.
  Service(const ServedModel& model, EngineThread& engine, ServiceOptions options);

  // For HttpServer: answers the exchange, now or as the engine goes on.
  void handle(std::shared_ptr<HttpExchange> exchange);
  // For HttpServer: whether more than the head of a request is needed to answer it.
  bool wants_body(const HttpRequest& head) const;
  // For HttpServer: what it refuses by itself is answered, counted and logged as other calls are.
  void refuse(std::shared_ptr<HttpExchange> exchange, int status, const std::string& message);
  // The body of what HttpServer answers without the service.
  static std::string error_body(int status, std::string message);
  // From now on answers are refused (503); those under way go on.
  void begin_drain() { draining_ = true; }

 private:
  struct Route {
    std::string_view method;
    std::string_view path;  // ending in '/': of all that begin so
    bool open;              // to those without a key
    void (Service::*answer)(const std::shared_ptr<Call>& call);
  };
  // HEAD is routed as GET: HttpServer leaves the body out. `allowed`: the methods of a path that lacks this
  // one.
  static const Route* find_route(std::string_view method, std::string_view path, std::string_view& allowed);

  std::shared_ptr<Call> open_call(std::shared_ptr<HttpExchange> exchange);
  void dispatch(const std::shared_ptr<Call>& call);
  void check_head(const HttpRequest& request, const Route* route) const;
  void check_key(const HttpRequest& request) const;
  void check_model(const std::string& name) const;  // "": the only one there is
  HttpHeaders origin_headers(const HttpRequest& request) const;

  void page(const std::shared_ptr<Call>& call);
  void health(const std::shared_ptr<Call>& call);
  void show_metrics(const std::shared_ptr<Call>& call);
  void list_models(const std::shared_ptr<Call>& call);
  void show_model(const std::shared_ptr<Call>& call);
  void tokenize(const std::shared_ptr<Call>& call);
  void detokenize(const std::shared_ptr<Call>& call);
  void complete_chat(const std::shared_ptr<Call>& call);
  void complete_text(const std::shared_ptr<Call>& call);

  Json model_json() const;
  ResponseHead head(std::string_view prefix);
  std::chrono::steady_clock::time_point deadline_of(const Call& call) const;
  Patience patience_with(const std::shared_ptr<Call>& call) const;
  void start(const std::shared_ptr<Call>& call, std::unique_ptr<CompletionForm> form,
             const Completion::Options& options, std::vector<EngineRequest> requests);

  const ServedModel& model_;
  EngineThread& engine_;
  ServiceOptions options_;
  PictureLoader pictures_;
  Preparation preparation_;
  Metrics metrics_;
  RandomNames names_;
  std::int64_t created_;
  std::atomic<bool> draining_{false};
  Delivery whole_answers_;
  Delivery delivery_;
};

}  // namespace artemis
