#include "artemis/serve/service.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "artemis/serve/completion_forms.h"

namespace artemis {
namespace {

constexpr std::string_view models_path = "/v1/models/";

std::int64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

ApiError unknown_path() { return {404, "There is nothing at this path.", "", "unknown_url"}; }

// The bytes that %XX stand for.
std::string unescaped(std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    unsigned value = 0;
    const char* digits = part.data() + i + 1;
    if (part[i] == '%' && i + 2 < part.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      text += static_cast<char>(static_cast<unsigned char>(value));
      i += 2;
    } else {
      text += part[i];
    }
  }
  return text;
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// The fields that a page of a named site may send: those that its browser asks for, as clients add their own.
std::string allowed_headers(const HttpRequest& request) {
  std::string names;
  for (const char c : request.header("access-control-request-headers")) {
    if (c != ' ') names += c;
  }
  return is_visible(names) ? names : "authorization,content-type";
}

// A browser asks before it sends JSON to another site's server, but not before it sends text.
void check_json_body(const HttpRequest& request) {
  const std::string_view type = request.header("content-type");
  constexpr std::string_view json = "application/json";
  const bool is_json = std::ranges::equal(type.substr(0, json.size()), json, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
  if (!type.empty() && !is_json) {
    throw ApiError(415, "The body must be sent with 'Content-Type: application/json'.", "",
                   "unsupported_media_type");
  }
}

}  // namespace

Service::Service(const ServedModel& model, EngineThread& engine, ServiceOptions options)
    : model_(model),
      engine_(engine),
      options_(std::move(options)),
      pictures_(model.processor(), options_.fetching, options_.picture_folders),
      preparation_(model, pictures_, options_.thinking),
      created_(seconds_since_1970()) {}

const Service::Route* Service::find_route(std::string_view method, std::string_view path,
                                          std::string_view& allowed) {
  static constexpr std::array routes{
      Route{"GET", "/", true, &Service::page},
      Route{"GET", "/health", true, &Service::health},
      Route{"GET", "/metrics", false, &Service::show_metrics},
      Route{"GET", "/v1/models", false, &Service::list_models},
      Route{"GET", models_path, false, &Service::show_model},
      Route{"POST", "/tokenize", false, &Service::tokenize},
      Route{"POST", "/detokenize", false, &Service::detokenize},
      Route{"POST", "/v1/chat/completions", false, &Service::complete_chat},
      Route{"POST", "/v1/completions", false, &Service::complete_text},
  };
  if (method == "HEAD") method = "GET";
  for (const Route& route : routes) {
    const bool below = route.path.size() > 1 && route.path.ends_with('/') && path.starts_with(route.path);
    if (path != route.path && !below) continue;
    if (method == route.method) return &route;
    allowed = route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return nullptr;
}

void Service::handle(std::shared_ptr<HttpExchange> exchange) {
  const std::shared_ptr<Call> call = open_call(std::move(exchange));
  try {
    dispatch(call);
  } catch (const ApiError& error) {
    call->refuse(error);
  } catch (const Busy&) {
    call->refuse(draining_
                     ? ApiError(503, "The server is shutting down.", "", "shutting_down")
                     : ApiError(429, "The server has no room for more requests now.", "", "queue_full"));
  } catch (const EngineBroken& broken) {
    call->refuse(ApiError(503, "The server failed and answers no more.", "", "engine_failure"),
                 broken.what());
  } catch (const Error& error) {
    call->refuse(refused_request(error));
  } catch (const std::exception& unforeseen) {
    call->refuse(ApiError(500, "The server failed while it read this request.", "", "internal_error"),
                 unforeseen.what());
  }
}

void Service::refuse(std::shared_ptr<HttpExchange> exchange, int status, const std::string& message) {
  open_call(std::move(exchange))->refuse(ApiError(status, message), message);
}

std::string Service::error_body(int status, std::string message) { return ApiError(status, message).body(); }

std::shared_ptr<Call> Service::open_call(std::shared_ptr<HttpExchange> exchange) {
  const HttpRequest& request = exchange->request();
  std::string_view allowed;
  const Route* route = find_route(request.method, request.path, allowed);
  HttpHeaders headers = origin_headers(request);
  return std::make_shared<Call>(std::move(exchange), names_.next("req_"),
                                std::string(route == nullptr ? "other" : route->path), std::move(headers),
                                metrics_, options_.log);
}

void Service::dispatch(const std::shared_ptr<Call>& call) {
  const HttpRequest& request = call->request();
  check_site(request, options_.sites);
  std::string_view allowed;
  const Route* route = find_route(request.method, request.path, allowed);
  if (route == nullptr && request.method == "OPTIONS" && !origin_headers(request).empty()) {
    call->send(204, "text/plain", "",
               {{"Access-Control-Allow-Methods", "GET, POST"},
                {"Access-Control-Allow-Headers", allowed_headers(request)},
                {"Access-Control-Max-Age", "600"}});
    return;
  }
  if (route == nullptr && !allowed.empty()) {
    call->send(
        405, "application/json",
        ApiError(405, fmt::format("This path takes {} alone.", allowed), "", "method_not_allowed").body(),
        {{"Allow", std::string(allowed)}});
    return;
  }
  check_head(request, route);
  (this->*route->answer)(call);
}

// Throws ApiError for what a path refuses whatever the body is.
void Service::check_head(const HttpRequest& request, const Route* route) const {
  if (route == nullptr) throw unknown_path();
  if (!route->open) check_key(request);
  if (route->method == "POST") check_json_body(request);
}

bool Service::wants_body(const HttpRequest& head) const {
  std::string_view allowed;
  try {
    check_site(head, options_.sites);
    check_head(head, find_route(head.method, head.path, allowed));
    return head.method == "POST";
  } catch (const ApiError&) {
    return false;  // handle() says so
  }
}

void Service::check_key(const HttpRequest& request) const {
  if (options_.api_keys.empty() || is_authorised(request.header("authorization"), options_.api_keys)) return;
  const bool none = request.header("authorization").empty();
  throw ApiError(401,
                 none ? "An API key is needed: 'Authorization: Bearer KEY'." : "The API key is not right.",
                 "", "invalid_api_key");
}

void Service::check_model(const std::string& name) const {
  if (name.empty() || name == model_.name()) return;
  constexpr std::size_t longest = 100;
  throw ApiError(
      404, fmt::format("The model '{}' does not exist, '{}' does.", name.substr(0, longest), model_.name()),
      "model", "model_not_found");
}

HttpHeaders Service::origin_headers(const HttpRequest& request) const {
  const std::string origin(request.header("origin"));
  if (!is_visible(origin) || !is_named_origin(origin, options_.sites.origins)) return {};
  return {{"Access-Control-Allow-Origin", origin},
          {"Access-Control-Expose-Headers", "x-request-id"},
          {"Vary", "Origin"}};
}

void Service::page(const std::shared_ptr<Call>& call) {
  if (options_.page.empty()) throw unknown_path();
  call->send(200, "text/html; charset=utf-8", options_.page,
             {{"Content-Security-Policy", options_.page_policy},
              {"X-Content-Type-Options", "nosniff"},
              {"Referrer-Policy", "no-referrer"},
              {"Cache-Control", "no-cache"}});
}

void Service::health(const std::shared_ptr<Call>& call) {
  const char* status = !engine_.failure().empty() ? "failed" : draining_ ? "draining" : "ok";
  call->send(status == std::string_view("ok") ? 200 : 503, "application/json",
             fmt::format(R"({{"status":"{}"}})", status));
}

void Service::show_metrics(const std::shared_ptr<Call>& call) {
  call->send(200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text(engine_.counters()));
}

Json Service::model_json() const {
  Json inputs = Json::array({"text"});
  if (model_.takes_pictures()) inputs.push_back("image");
  return {{"id", model_.name()},
          {"object", "model"},
          {"created", created_},
          {"owned_by", "artemis"},
          {"max_model_len", model_.max_tokens()},
          {"input_modalities", std::move(inputs)}};
}

void Service::list_models(const std::shared_ptr<Call>& call) {
  call->send_json(text_of({{"object", "list"}, {"data", Json::array({model_json()})}}));
}

void Service::show_model(const std::shared_ptr<Call>& call) {
  check_model(unescaped(call->request().path.substr(models_path.size())));
  call->send_json(text_of(model_json()));
}

void Service::tokenize(const std::shared_ptr<Call>& call) {
  const TokenizeRequest request = parse_tokenize_request(call->request().body);
  check_model(request.model);
  const auto* chat = std::get_if<ChatRequest>(&request.input);
  Patience patience = patience_with(call);
  const std::vector<std::int32_t> tokens =
      chat != nullptr
          ? preparation_.prompt_of(*chat, patience).tokens
          : preparation_.tokens_of(std::get<std::string>(request.input), request.add_special_tokens);
  call->send_json(
      text_of({{"count", tokens.size()}, {"max_model_len", model_.max_tokens()}, {"tokens", tokens}}));
}

void Service::detokenize(const std::shared_ptr<Call>& call) {
  const DetokenizeRequest request =
      parse_detokenize_request(call->request().body, model_.config().text.vocab_size);
  check_model(request.model);
  if (static_cast<std::int64_t>(request.tokens.size()) > model_.max_tokens()) {
    throw ApiError(400,
                   fmt::format("This model's maximum context length is {} tokens. However, there are {}.",
                               model_.max_tokens(), request.tokens.size()),
                   "tokens", "context_length_exceeded");
  }
  call->send_json(text_of({{"prompt", model_.tokenizer().decode(request.tokens, false)}}));
}

ResponseHead Service::head(std::string_view prefix) {
  return {names_.next(prefix), seconds_since_1970(), model_.name()};
}

std::chrono::steady_clock::time_point Service::deadline_of(const Call& call) const {
  return call.start() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                            std::chrono::duration<double>(options_.request_seconds));
}

Patience Service::patience_with(const std::shared_ptr<Call>& call) const {
  return {deadline_of(*call), options_.fetching.seconds, [call] { return call->exchange().client_gone(); }};
}

void Service::complete_chat(const std::shared_ptr<Call>& call) {
  const ChatRequest request = parse_chat_request(call->request().body);
  check_model(request.answer.model);
  Patience patience = patience_with(call);
  const PreparedPrompt prompt = preparation_.prompt_of(request, patience);
  std::vector<EngineRequest> requests = preparation_.requests(prompt, request.answer, &request);
  auto form = chat_form(head("chatcmpl-"), request, prompt.opens_thought, model_,
                        [this] { return names_.next("call_"); });
  start(call, std::move(form),
        {.stream = request.answer.stream,
         .include_usage = request.answer.include_usage,
         .prompt_tokens = static_cast<std::int64_t>(prompt.tokens.size()),
         .choices_a_prompt = static_cast<std::size_t>(request.answer.n)},
        std::move(requests));
}

void Service::complete_text(const std::shared_ptr<Call>& call) {
  const CompletionRequest request =
      parse_completion_request(call->request().body, model_.config().text.vocab_size);
  check_model(request.answer.model);
  std::vector<EngineRequest> requests;
  std::vector<std::string> echoes;
  std::int64_t prompt_tokens = 0;
  const Patience patience = patience_with(call);
  for (const auto& text : request.prompts) {
    patience.check();
    const PreparedPrompt prompt = preparation_.prompt_of(text);
    prompt_tokens += static_cast<std::int64_t>(prompt.tokens.size());
    std::ranges::move(preparation_.requests(prompt, request.answer, nullptr), std::back_inserter(requests));
    const auto* spelled = std::get_if<std::string>(&text);
    const std::string echo = !request.echo        ? ""
                             : spelled != nullptr ? *spelled
                                                  : model_.tokenizer().decode(prompt.tokens, true);
    echoes.resize(requests.size(), echo);
  }
  start(call, text_form(head("cmpl-"), request.answer, std::move(echoes)),
        {.stream = request.answer.stream,
         .include_usage = request.answer.include_usage,
         .prompt_tokens = prompt_tokens,
         .choices_a_prompt = static_cast<std::size_t>(request.answer.n)},
        std::move(requests));
}

void Service::start(const std::shared_ptr<Call>& call, std::unique_ptr<CompletionForm> form,
                    const Completion::Options& options, std::vector<EngineRequest> requests) {
  if (draining_) throw ApiError(503, "The server is shutting down.", "", "shutting_down");
  const auto deadline = deadline_of(*call);
  const std::string client =
      options_.api_keys.empty() ? "" : sha256(bearer_key(call->request().header("authorization")));
  for (EngineRequest& request : requests) {
    request.deadline = deadline;
    request.client = client;
  }
  call->set_tokens(options.prompt_tokens, 0);
  std::make_shared<Completion>(call, std::move(form), options, engine_, delivery_, whole_answers_, model_)
      ->start(std::move(requests));
}

}  // namespace artemis
